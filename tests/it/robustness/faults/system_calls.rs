//! The order of system calls, and a run that dies or fails at each of them: what a kill from outside cannot show.
//!
//! The page cache outlives a SIGKILL, so a missing fsync changes nothing that a kill could bring to light; a power cut would. Here
//! strace tells what was flushed before what. It also kills at a given call, to the instruction, and lets a call fail as on a full
//! disk. Where strace is not installed nothing is shown, and `SWP_TEST_STRACE=required` makes that a failure.

use crate::support::wording::{RECORD_NOT_REMOVED, REMAINS_NOT_REMOVED};
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use super::audit::Books;
use super::execution::{Ended, Job};
use super::machines::{Machine, Stage, patient_times};
use super::pool::each;
use super::recovery::{recover, unfinished};
use super::scenario::{Scenario, Sink};
use super::summary::told;

/// Calls that put something on disk or on the wire. Some machines lack some of them, and then others take their place.
const CALLS: &str = "trace=fsync,fdatasync,?rename,?renameat,renameat2,?link,linkat,?unlink,unlinkat,?mkdir,mkdirat,write,writev,sendto,sendmsg";

/// Whether strace is here and may trace.
pub(super) fn strace_works() -> bool {
    let tried = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "true"])
        .status();
    let works = tried.is_ok_and(|status| status.success());
    let required = std::env::var_os("SWP_TEST_STRACE").is_some_and(|value| value == "required");
    assert!(
        works || !required,
        "strace is required here, and it does not work"
    );
    works
}

/// One run without any fault of ours, traced with these arguments.
fn traced(sink: Sink, tracing: &[&str]) -> (Scenario, Stage, Vec<Ended>) {
    traced_of(Scenario::without_faults(sink), tracing)
}

/// The first run of this scenario, traced with these arguments.
fn traced_of(scenario: Scenario, tracing: &[&str]) -> (Scenario, Stage, Vec<Ended>) {
    let stage = Stage::of(&scenario);
    let mut job = stage.job(0, &scenario.runs[0]);
    let trace = stage.machines[0].home.path("trace");
    job.wrapper = ["strace", "-f", "-y", "-qq", "-o"]
        .map(OsString::from)
        .to_vec();
    job.wrapper.push(trace.into());
    job.wrapper.extend(tracing.iter().map(OsString::from));
    // Tracing takes time, and nothing is to be too late here.
    for flag in ["--timeout", "--connect-timeout"] {
        let place = job.arguments.iter().position(|word| word == flag);
        job.arguments[place.expect("a time-out") + 1] = "20s".into();
    }
    let ended = job.play(&stage);
    (scenario, stage, vec![ended])
}

/// The length of the TLS 1.3 record that closes a connection. Whether a run still sends it depends on how long it waits for the disk.
const TLS_ALERT: usize = 24;

/// What a call did, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Did {
    Made(String),
    Wrote(String),
    Flushed(String),
    Named(String, String),
    Removed(String),
    Sent,
}

/// The paths in quotes, behind that of the folder that stands before them, as in `7</tmp>, "key"`.
fn named(rest: &str) -> Vec<String> {
    let pieces: Vec<_> = rest.split('"').collect();
    let paths = pieces.chunks_exact(2).map(|pair| {
        let (before, name) = (pair[0], pair[1]);
        let folder = (before.rsplit_once('<'))
            .and_then(|(_, folder)| folder.strip_suffix(">, "))
            .unwrap_or_default();
        Path::new(folder).join(name).to_string_lossy().into_owned()
    });
    paths.collect()
}

/// Reads a line of strace, as in `7 fsync(11</tmp/state/unfinished>) = 0`.
fn did(line: &str) -> Option<Did> {
    let (_, call) = line.split_once(' ')?;
    let (name, rest) = call.trim_start().split_once('(')?;
    if rest.contains(" = -1 ") {
        return None;
    }
    let quoted: Vec<_> = named(rest);
    let descriptor = rest
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    let descriptor = descriptor
        .map(|(path, _)| path.to_owned())
        .unwrap_or_default();
    match name {
        "write" | "writev" | "sendto" | "sendmsg" if descriptor.starts_with("socket:") => {
            let length = rest.rsplit_once(" = ")?.1.trim().parse::<usize>().ok()?;
            (length > TLS_ALERT).then_some(Did::Sent)
        }
        "write" | "writev" => Some(Did::Wrote(descriptor)),
        "fsync" | "fdatasync" => Some(Did::Flushed(descriptor)),
        "mkdir" | "mkdirat" => quoted.first().cloned().map(Did::Made),
        "unlink" | "unlinkat" => quoted.first().cloned().map(Did::Removed),
        _ if name.starts_with("rename") || name.starts_with("link") => {
            Some(Did::Named(quoted.first()?.clone(), quoted.get(1)?.clone()))
        }
        _ => None,
    }
}

/// The calls of a run, in the order of their ends. One that another thread comes in between of stands in two lines: `7 fsync(11</tmp>
/// <unfinished ...>`, and later `7 <... fsync resumed>) = 0`.
fn calls(machine: &Machine) -> Vec<Did> {
    let trace = std::fs::read_to_string(machine.home.path("trace")).expect("a trace");
    let mut begun = std::collections::BTreeMap::new();
    let whole = trace.lines().filter_map(|line| {
        let (thread, rest) = line.split_once(' ')?;
        if let Some(start) = line.strip_suffix("<unfinished ...>") {
            begun.insert(thread.to_owned(), start.to_owned());
            return None;
        }
        if !rest.trim_start().starts_with("<... ") {
            return Some(line.to_owned());
        }
        let (_, end) = rest.split_once(" resumed>")?;
        Some(begun.remove(thread)? + end)
    });
    whole.filter_map(|line| did(&line)).collect()
}

/// The place of the first of these after `from`.
#[track_caller]
fn next(calls: &[Did], from: usize, what: &str, is: impl Fn(&Did) -> bool) -> usize {
    (calls.iter().skip(from).position(is))
        .unwrap_or_else(|| panic!("{what} does not come after call {from} of {calls:#?}"))
        + from
}

fn parent(path: &str) -> String {
    let parent = Path::new(path).parent().expect("a folder");
    parent.to_string_lossy().into_owned()
}

/// A file gets its name after its content was flushed, and the name is flushed; returns the place of that.
#[track_caller]
fn named_and_flushed(calls: &[Did], end: &str) -> usize {
    let named = next(
        calls,
        0,
        end,
        |did| matches!(did, Did::Named(_, to) if to.ends_with(end)),
    );
    let Did::Named(from, to) = &calls[named] else {
        unreachable!("it was just found")
    };
    let written = (calls[..named].iter())
        .rposition(|did| *did == Did::Wrote(from.clone()))
        .expect("something was written");
    let flushed = next(calls, written, "its flush", |did| {
        *did == Did::Flushed(from.clone())
    });
    assert!(
        flushed < named,
        "{to} gets its name before it is flushed: {calls:#?}"
    );
    let folder = parent(to);
    next(calls, named, "the flush of its folder", |did| {
        *did == Did::Flushed(folder.clone())
    })
}

/// Asserts that the parent of every new folder is flushed before the call at `limit`.
#[track_caller]
fn assert_new_folders_flushed_before(calls: &[Did], limit: usize) {
    for (place, made) in calls.iter().enumerate() {
        let Did::Made(folder) = made else { continue };
        let above = parent(folder);
        let flushed = next(calls, place, "the flush of the folder above", |did| {
            *did == Did::Flushed(above.clone())
        });
        assert!(
            flushed < limit,
            "{folder} is not flushed in time: {calls:#?}"
        );
    }
}

#[test]
fn the_record_is_flushed_before_the_request_leaves_and_the_secret_before_the_record_goes() {
    if !strace_works() {
        return;
    }
    let (_, stage, ended) = traced(Sink::File, &["-e", CALLS]);
    assert_eq!(ended[0].code, Some(0), "{}", ended[0].stderr);
    let calls = calls(&stage.machines[0]);
    let recorded = named_and_flushed(&calls, ".json");
    let named = next(
        &calls,
        0,
        "the record",
        |did| matches!(did, Did::Named(_, to) if to.ends_with(".json")),
    );
    // The record is written while the role is asked for; what leaves last before the secret is there is the request for the key.
    let delivered = named_and_flushed(&calls, "/key");
    let asked = (calls[..delivered].iter()).rposition(|did| *did == Did::Sent);
    let asked = asked.expect("a request");
    assert!(
        recorded < asked,
        "the request leaves before the record is flushed: {calls:#?}"
    );
    assert_new_folders_flushed_before(&calls, asked);
    let gone = next(
        &calls,
        named,
        "the end of the record",
        |did| matches!(did, Did::Removed(file) if file.ends_with(".json")),
    );
    assert!(
        delivered < gone,
        "the record goes before the secret is flushed: {calls:#?}"
    );
    let Did::Removed(record) = &calls[gone] else {
        unreachable!("it was just found")
    };
    // Else a power cut would bring it back, and `recover` kill a secret that is in use.
    let records = parent(record);
    next(&calls, gone, "the flush of the end of the record", |did| {
        *did == Did::Flushed(records.clone())
    });
    assert_eq!(
        calls
            .iter()
            .skip(asked)
            .filter(|did| **did == Did::Sent)
            .count(),
        2,
        "one request, and the farewell"
    );
}

/// Each call by its name, how often a whole run makes it at the most, and the ways in which it can go wrong.
const WAYS: [(&str, usize, &[&str]); 9] = [
    ("fsync", 8, &["signal=KILL", "error=ENOSPC", "error=EIO"]),
    ("renameat2", 2, &["signal=KILL", "error=ENOSPC"]),
    ("mkdir", 3, &["signal=KILL", "error=EROFS"]),
    ("renameat", 2, &["signal=KILL", "error=ENOSPC"]),
    ("unlink", 2, &["signal=KILL"]),
    ("unlinkat", 2, &["signal=KILL"]),
    ("writev", 6, &["signal=KILL", "error=ECONNRESET"]),
    ("write", 14, &["signal=KILL"]),
    // How far a run has come is overwritten in its record.
    ("pwrite64", 5, &["signal=KILL", "error=ENOSPC", "error=EIO"]),
];

#[test]
fn a_run_that_is_killed_or_fails_at_any_system_call_loses_no_key() {
    if !strace_works() {
        return;
    }
    let cases = WAYS.iter().flat_map(|(call, times, ways)| {
        (ways.iter()).flat_map(move |way| (1..=*times).map(move |nth| (*call, nth, *way)))
    });
    each(cases, |(call, nth, way)| {
        for sink in [Sink::Stdout, Sink::File] {
            let inject = format!("inject={call}:{way}:when={nth}");
            let tracing = ["-e", &format!("trace={call}"), "-e", &inject];
            let (scenario, stage, ended) = traced(sink, &tracing);
            let mut wrong = Books::open(&scenario, &stage, &ended).after_the_runs();
            let first = told(&stage);
            let unnamed = recover_without_a_name(&stage, &ended[0], &mut wrong);
            let mut recovered = recover(&stage, &scenario);
            recovered.runs.insert(0, unnamed);
            wrong.extend(Books::open(&scenario, &stage, &ended).after_recovering(&recovered));
            assert!(
                wrong.is_empty(),
                "{inject} {sink:?}: {wrong:#?}\n{}\n{first}\n{recovered:#?}",
                ended[0].story()
            );
        }
    });
}

/// A disk that does not flush, and then takes nothing away either: no record stays behind a run that delivers without one.
#[test]
fn a_record_that_can_neither_be_flushed_nor_removed_stops_the_run() {
    if !strace_works() {
        return;
    }
    let stopped = Mutex::new(0);
    // Those of the folders and of the record; a later one is of its end.
    each(1..=4_usize, |nth| {
        let flush = format!("inject=fsync:error=EIO:when={nth}");
        let remove = "inject=unlink:error=EROFS";
        let tracing = ["-e", "trace=fsync,unlink", "-e", &flush, "-e", remove];
        let (scenario, stage, ended) = traced(Sink::Stdout, &tracing);
        if ended[0].stderr.contains(REMAINS_NOT_REMOVED) {
            assert_eq!(ended[0].code, Some(2), "{}", ended[0].stderr);
            *stopped.lock().expect("no thread has panicked") += 1;
        }
        let recovered = recover(&stage, &scenario);
        let wrong = Books::open(&scenario, &stage, &ended).after_recovering(&recovered);
        assert_eq!(wrong, [""; 0], "{nth}: {}", told(&stage));
    });
    let stopped = stopped.into_inner().expect("no thread has panicked");
    assert!(stopped > 0, "the folder's flush was not among them");
}

/// Recovers what may be without naming it: a secret that was delivered works on.
fn recover_without_a_name(stage: &Stage, run: &Ended, wrong: &mut Vec<String>) -> Ended {
    let works = |secret: &String| {
        let keys = stage.sandbox.api_keys();
        keys.iter().any(|key| key.secret == *secret)
    };
    let delivered: Vec<_> = run.delivered().into_iter().filter(works).collect();
    let words = ["recover", "-q", "--yes"].map(OsString::from);
    let unnamed = Job::plain(0, words.into_iter().chain(patient_times()).collect());
    let ended = unnamed.play(stage);
    if !delivered.iter().all(works) {
        wrong.push(format!(
            "recovering without a name ended a secret that was delivered: {}",
            ended.story()
        ));
    }
    ended
}

/// The secret that a run delivered to stdout still works.
#[track_caller]
fn still_works(stage: &Stage, ended: &Ended) {
    let secret = ended.delivered().remove(0);
    let works = stage
        .sandbox
        .api_keys()
        .iter()
        .any(|key| key.secret == secret);
    assert!(works, "{}\n{}", ended.story(), told(stage));
}

/// The record stays, says that the work is done, and has `recover` end no secret; `--quiet` keeps nothing of it back.
#[test]
fn a_record_that_cannot_be_removed_ends_no_secret() {
    if !strace_works() {
        return;
    }
    for rotates in [false, true] {
        let mut scenario = Scenario::without_faults(Sink::Stdout);
        scenario.existing = 1;
        scenario.runs[0].rotates = rotates;
        let tracing = ["-e", "trace=unlink", "-e", "inject=unlink:error=EPERM"];
        let (_, stage, ended) = traced_of(scenario, &tracing);
        assert_eq!(ended[0].code, Some(0), "{}", ended[0].story());
        let said = &ended[0].stderr;
        assert!(
            said.contains(RECORD_NOT_REMOVED) && said.contains("swp-keys recover"),
            "{said}"
        );
        assert_eq!(unfinished(&stage, 0).len(), 1);
        let recovered = stage.machines[0].home.run(["recover", "--yes"]);
        assert_eq!(recovered.success(), "", "no secret is made");
        still_works(&stage, &ended[0]);
        assert_eq!(unfinished(&stage, 0).len(), 0);
    }
}

/// From the create on, the disk is full: nothing new can be written, and what is there can be overwritten.
#[test]
fn a_rotation_that_meets_a_full_disk_keeps_the_secret_that_it_delivered() {
    if !strace_works() {
        return;
    }
    let mut scenario = Scenario::without_faults(Sink::Stdout);
    scenario.existing = 1;
    scenario.runs[0].rotates = true;
    scenario.faults = vec!["POST /api/apikeys/1 status=500 before always".to_owned()];
    // The record gets its name by the one, and a file that takes the place of another by the other.
    let full = [
        "inject=renameat2:error=ENOSPC:when=2+",
        "inject=renameat:error=ENOSPC",
    ];
    let tracing = [
        "-e",
        "trace=renameat,renameat2",
        "-e",
        full[0],
        "-e",
        full[1],
    ];
    let (_, stage, ended) = traced_of(scenario, &tracing);
    assert_eq!(ended[0].code, Some(12), "{}", ended[0].story());
    stage.sandbox.clear_faults();
    let recovered = stage.machines[0].home.run(["recover", "--yes"]);
    assert_eq!(recovered.success(), "", "no secret is made");
    still_works(&stage, &ended[0]);
    assert_eq!(unfinished(&stage, 0).len(), 0);
}

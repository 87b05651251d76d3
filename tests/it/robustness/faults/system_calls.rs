//! The order of system calls, and runs that are killed or fail at each of them.
//!
//! The page cache survives SIGKILL. A killed run therefore cannot reveal a missing fsync, but a power cut could. These tests use strace to
//! check which data is flushed before which call, to kill a run at an exact system call, and to make calls fail as on a full disk. They
//! do nothing if strace is not installed.

use std::ffi::OsString;
use std::sync::Mutex;

use super::audit::Audit;
use super::execution::{Job, Outcome};
use super::machines::{Testbed, long_timeouts};
use super::pool::each;
use super::recovery::{recover, unfinished};
use super::scenario::{Scenario, Sink};
use super::strace::{CALLS, SystemCall, calls, next, parent, strace_works, traced, traced_of};
use super::summary::summary;
use crate::support::wording::{RECORD_NOT_REMOVED, REMAINS_NOT_REMOVED};

/// Asserts that a file is flushed before the rename to a name with this ending, and that the rename is flushed. Returns the index of
/// that last flush.
#[track_caller]
fn renamed_and_flushed(calls: &[SystemCall], end: &str) -> usize {
    let named = next(
        calls,
        0,
        end,
        |call| matches!(call, SystemCall::Named(_, to) if to.ends_with(end)),
    );
    let SystemCall::Named(from, to) = &calls[named] else {
        unreachable!("`next` found it")
    };
    let written = (calls[..named].iter())
        .rposition(|call| *call == SystemCall::Wrote(from.clone()))
        .expect("something was written");
    let flushed = next(calls, written, "its flush", |call| {
        *call == SystemCall::Flushed(from.clone())
    });
    assert!(
        flushed < named,
        "{to} gets its name before it is flushed: {calls:#?}"
    );
    let folder = parent(to);
    next(calls, named, "the flush of its folder", |call| {
        *call == SystemCall::Flushed(folder.clone())
    })
}

/// Asserts that the parent of every new folder is flushed before the call at `limit`.
#[track_caller]
fn assert_new_folders_flushed_before(calls: &[SystemCall], limit: usize) {
    for (place, created) in calls.iter().enumerate() {
        let SystemCall::MadeFolder(folder) = created else {
            continue;
        };
        let above = parent(folder);
        let flushed = next(calls, place, "the flush of the folder above", |call| {
            *call == SystemCall::Flushed(above.clone())
        });
        assert!(
            flushed < limit,
            "{folder} is not flushed in time: {calls:#?}"
        );
    }
}

#[test]
fn the_record_is_flushed_before_the_create_and_the_secret_before_the_record_is_removed() {
    if !strace_works() {
        return;
    }
    let (_, testbed, outcome) = traced(Sink::File, &["-e", CALLS]);
    assert_eq!(outcome[0].code, Some(0), "{}", outcome[0].stderr);
    let calls = calls(&testbed.machines[0]);
    let recorded = renamed_and_flushed(&calls, ".json");
    let named = next(
        &calls,
        0,
        "the record",
        |call| matches!(call, SystemCall::Named(_, to) if to.ends_with(".json")),
    );
    // The record is written during the role search. The last request before the delivery is the create.
    let delivered = renamed_and_flushed(&calls, "/key");
    let asked = (calls[..delivered].iter()).rposition(|call| *call == SystemCall::Sent);
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
        |call| matches!(call, SystemCall::Removed(file) if file.ends_with(".json")),
    );
    assert!(
        delivered < gone,
        "the record is removed before the secret is flushed: {calls:#?}"
    );
    let SystemCall::Removed(record) = &calls[gone] else {
        unreachable!("`next` found it")
    };
    // Without this flush, a power cut could restore the record, and `recover` would delete a key that is in use.
    let records = parent(record);
    next(&calls, gone, "the flush of the end of the record", |call| {
        *call == SystemCall::Flushed(records.clone())
    });
    assert_eq!(
        calls
            .iter()
            .skip(asked)
            .filter(|call| **call == SystemCall::Sent)
            .count(),
        2,
        "the create and the sign-out"
    );
}

/// A system call, the largest number of times that a run makes it, and the injected failures.
const WAYS: [(&str, usize, &[&str]); 9] = [
    ("fsync", 8, &["signal=KILL", "error=ENOSPC", "error=EIO"]),
    ("renameat2", 2, &["signal=KILL", "error=ENOSPC"]),
    ("mkdir", 3, &["signal=KILL", "error=EROFS"]),
    ("renameat", 2, &["signal=KILL", "error=ENOSPC"]),
    ("unlink", 2, &["signal=KILL"]),
    ("unlinkat", 2, &["signal=KILL"]),
    ("writev", 6, &["signal=KILL", "error=ECONNRESET"]),
    ("write", 14, &["signal=KILL"]),
    // The run updates the progress in its record in place.
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
            let (scenario, testbed, outcome) = traced(sink, &tracing);
            let mut problems = Audit::open(&scenario, &testbed, &outcome).after_the_runs();
            let first = summary(&testbed);
            let unnamed = recover_without_a_name(&testbed, &outcome[0], &mut problems);
            let mut recovered = recover(&testbed, &scenario);
            recovered.runs.insert(0, unnamed);
            problems
                .extend(Audit::open(&scenario, &testbed, &outcome).after_recovering(&recovered));
            assert!(
                problems.is_empty(),
                "{inject} {sink:?}: {problems:#?}\n{}\n{first}\n{recovered:#?}",
                outcome[0].report()
            );
        }
    });
}

/// If the disk can neither flush a record nor remove it, the run must stop. It must not go on to deliver without a record.
#[test]
fn a_record_that_can_neither_be_flushed_nor_removed_stops_the_run() {
    if !strace_works() {
        return;
    }
    let stopped = Mutex::new(0);
    // The first flushes are those of the folders and the record. Later ones belong to the removal of the record.
    each(1..=4_usize, |nth| {
        let flush = format!("inject=fsync:error=EIO:when={nth}");
        let remove = "inject=unlink:error=EROFS";
        let tracing = ["-e", "trace=fsync,unlink", "-e", &flush, "-e", remove];
        let (scenario, testbed, outcome) = traced(Sink::Stdout, &tracing);
        if outcome[0].stderr.contains(REMAINS_NOT_REMOVED) {
            assert_eq!(outcome[0].code, Some(2), "{}", outcome[0].stderr);
            *stopped.lock().expect("no thread has panicked") += 1;
        }
        let recovered = recover(&testbed, &scenario);
        let problems = Audit::open(&scenario, &testbed, &outcome).after_recovering(&recovered);
        assert_eq!(problems, [""; 0], "{nth}: {}", summary(&testbed));
    });
    let stopped = stopped.into_inner().expect("no thread has panicked");
    assert!(stopped > 0, "the folder's flush was not among them");
}

/// Recovers without naming an operation, which must not delete a delivered secret.
fn recover_without_a_name(testbed: &Testbed, run: &Outcome, problems: &mut Vec<String>) -> Outcome {
    let works = |secret: &String| {
        let keys = testbed.sandbox.api_keys();
        keys.iter().any(|key| key.secret == *secret)
    };
    let delivered: Vec<_> = run.delivered().into_iter().filter(works).collect();
    let words = ["recover", "-q", "--yes"].map(OsString::from);
    let unnamed = Job::plain(0, words.into_iter().chain(long_timeouts()).collect());
    let outcome = unnamed.run_to_end(testbed);
    if !delivered.iter().all(works) {
        problems.push(format!(
            "recovering without a name deleted a delivered secret: {}",
            outcome.report()
        ));
    }
    outcome
}

/// Asserts that the secret that a run delivered to stdout still works.
#[track_caller]
fn assert_still_works(testbed: &Testbed, outcome: &Outcome) {
    let secret = outcome.delivered().remove(0);
    let works = testbed
        .sandbox
        .api_keys()
        .iter()
        .any(|key| key.secret == secret);
    assert!(works, "{}\n{}", outcome.report(), summary(testbed));
}

/// The record remains but states that the delivery is complete, so that `recover` deletes no key.
#[test]
fn a_record_that_cannot_be_removed_revokes_no_secret() {
    if !strace_works() {
        return;
    }
    for rotates in [false, true] {
        let mut scenario = Scenario::without_faults(Sink::Stdout);
        scenario.existing = 1;
        scenario.runs[0].rotates = rotates;
        let tracing = ["-e", "trace=unlink", "-e", "inject=unlink:error=EPERM"];
        let (_, testbed, outcome) = traced_of(scenario, &tracing);
        assert_eq!(outcome[0].code, Some(0), "{}", outcome[0].report());
        let stderr = &outcome[0].stderr;
        assert!(
            stderr.contains(RECORD_NOT_REMOVED) && stderr.contains("swp-keys recover"),
            "{stderr}"
        );
        assert_eq!(unfinished(&testbed, 0).len(), 1);
        let recovered = testbed.machines[0].home.run(["recover", "--yes"]);
        assert_eq!(recovered.success(), "", "no secret is created");
        assert_still_works(&testbed, &outcome[0]);
        assert_eq!(unfinished(&testbed, 0).len(), 0);
    }
}

/// The disk is full from the create on: no new file can be written, but existing files can be overwritten.
#[test]
fn a_rotation_on_a_full_disk_keeps_its_delivered_secret() {
    if !strace_works() {
        return;
    }
    let mut scenario = Scenario::without_faults(Sink::Stdout);
    scenario.existing = 1;
    scenario.runs[0].rotates = true;
    scenario.faults = vec!["POST /api/apikeys/1 status=500 before always".to_owned()];
    // `renameat2` names a new record, and `renameat` replaces a file.
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
    let (_, testbed, outcome) = traced_of(scenario, &tracing);
    assert_eq!(outcome[0].code, Some(12), "{}", outcome[0].report());
    testbed.sandbox.clear_faults();
    let recovered = testbed.machines[0].home.run(["recover", "--yes"]);
    assert_eq!(recovered.success(), "", "no secret is created");
    assert_still_works(&testbed, &outcome[0]);
    assert_eq!(unfinished(&testbed, 0).len(), 0);
}

//! The system calls of a run, as strace records them.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use super::execution::Outcome;
use super::machines::{Machine, Testbed};
use super::scenario::{Scenario, Sink};

/// System calls that write to the disk or the network. Which of them a run makes depends on the kernel and the C library.
pub(super) const CALLS: &str = "trace=fsync,fdatasync,?rename,?renameat,renameat2,?link,linkat,?unlink,unlinkat,?mkdir,mkdirat,write,writev,sendto,sendmsg";

/// Returns whether strace is installed and may trace.
///
/// `SWP_TEST_STRACE=required` turns a missing strace into a failure.
pub(super) fn strace_works() -> bool {
    let tried = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "true"])
        .status();
    let works = tried.is_ok_and(|status| status.success());
    let required = std::env::var_os("SWP_TEST_STRACE").is_some_and(|value| value == "required");
    assert!(works || !required, "strace is required, but does not work");
    works
}

/// Traces one run without injected faults; `tracing` is passed to strace.
pub(super) fn traced(sink: Sink, tracing: &[&str]) -> (Scenario, Testbed, Vec<Outcome>) {
    traced_of(Scenario::without_faults(sink), tracing)
}

/// Traces the first run of this scenario.
pub(super) fn traced_of(scenario: Scenario, tracing: &[&str]) -> (Scenario, Testbed, Vec<Outcome>) {
    let testbed = Testbed::of(&scenario);
    let mut job = testbed.job(0, &scenario.runs[0]);
    let trace = testbed.machines[0].home.path("trace");
    job.wrapper = ["strace", "-f", "-y", "-qq", "-o"]
        .map(OsString::from)
        .to_vec();
    job.wrapper.push(trace.into());
    job.wrapper.extend(tracing.iter().map(OsString::from));
    // Tracing is slow, and no request may time out here.
    for flag in ["--timeout", "--connect-timeout"] {
        let place = job.arguments.iter().position(|word| word == flag);
        job.arguments[place.expect("a time-out") + 1] = "20s".into();
    }
    let outcome = job.run_to_end(&testbed);
    (scenario, testbed, vec![outcome])
}

/// The length of the TLS 1.3 record that closes a connection. Whether a run sends it depends on how long it waits for the disk.
const TLS_ALERT: usize = 24;

/// The effect of a system call on files and connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SystemCall {
    MadeFolder(String),
    Wrote(String),
    Flushed(String),
    Named(String, String),
    Removed(String),
    Sent,
}

/// Returns the quoted paths, each joined to the folder before it, as in `7</tmp>, "key"`.
fn quoted_paths(rest: &str) -> Vec<String> {
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

/// Parses a line of strace, for example `7 fsync(11</tmp/state/unfinished>) = 0`.
fn system_call(line: &str) -> Option<SystemCall> {
    let (_, call) = line.split_once(' ')?;
    let (name, rest) = call.trim_start().split_once('(')?;
    if rest.contains(" = -1 ") {
        return None;
    }
    let quoted: Vec<_> = quoted_paths(rest);
    let descriptor = rest
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    let descriptor = descriptor
        .map(|(path, _)| path.to_owned())
        .unwrap_or_default();
    match name {
        "write" | "writev" | "sendto" | "sendmsg" if descriptor.starts_with("socket:") => {
            let length = rest.rsplit_once(" = ")?.1.trim().parse::<usize>().ok()?;
            (length > TLS_ALERT).then_some(SystemCall::Sent)
        }
        "write" | "writev" => Some(SystemCall::Wrote(descriptor)),
        "fsync" | "fdatasync" => Some(SystemCall::Flushed(descriptor)),
        "mkdir" | "mkdirat" => quoted.first().cloned().map(SystemCall::MadeFolder),
        "unlink" | "unlinkat" => quoted.first().cloned().map(SystemCall::Removed),
        _ if name.starts_with("rename") || name.starts_with("link") => Some(SystemCall::Named(
            quoted.first()?.clone(),
            quoted.get(1)?.clone(),
        )),
        _ => None,
    }
}

/// Returns the calls of a run in the order in which they returned.
///
/// If the call of another thread interrupts one, strace prints it in two lines: `7 fsync(11</tmp> <unfinished ...>`, and later
/// `7 <... fsync resumed>) = 0`.
pub(super) fn calls(machine: &Machine) -> Vec<SystemCall> {
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
    whole.filter_map(|line| system_call(&line)).collect()
}

/// Returns the index of the first matching call at or after `from`.
#[track_caller]
pub(super) fn next(
    calls: &[SystemCall],
    from: usize,
    what: &str,
    is: impl Fn(&SystemCall) -> bool,
) -> usize {
    (calls.iter().skip(from).position(is))
        .unwrap_or_else(|| panic!("no {what} after call {from} of {calls:#?}"))
        + from
}

pub(super) fn parent(path: &str) -> String {
    let parent = Path::new(path).parent().expect("a folder");
    parent.to_string_lossy().into_owned()
}

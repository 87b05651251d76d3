//! Runs whose disk takes long to flush a record or its removal.
#![cfg(target_os = "linux")]

use std::path::Path;

use super::strace::strace_works;
use crate::support::files::read;
use crate::support::proxy::ReservedPort;
use crate::support::{RunResult, TestEnv, binary};

/// Runs the program under strace with these injections.
fn traced(env: &TestEnv, injections: &[String], words: &[&str]) -> RunResult {
    let mut command = env.home.program(Path::new("strace"));
    command
        .args(["-f", "-qq", "-o"])
        .arg(env.home.path("trace"));
    command.args(["-e", "trace=fsync,unlink"]);
    for injection in injections {
        command.args(["-e", injection]);
    }
    command.arg(binary()).args(words);
    RunResult::of(&mut command)
}

/// Returns an environment whose state folder has been used, so that all runs make the same calls.
fn used_env() -> TestEnv {
    let mut env = TestEnv::new();
    let key = env.sandbox.add_key("the administrator's", 1);
    env.sandbox.add_key("ci", 2);
    env.use_key(&key.secret);
    env.run(["create", "--role", "Auditor"]).success();
    env
}

/// Returns how often the thread of the last call with this name makes such calls. strace counts the calls of each thread separately.
fn count_on_last_thread(trace: &str, call: &str) -> usize {
    let calls = trace.lines().filter(|line| line.contains(call));
    let threads: Vec<_> = calls
        .filter_map(|line| line.split_once(' '))
        .map(|(thread, _)| thread)
        .collect();
    threads
        .iter()
        .filter(|thread| Some(thread) == threads.last().as_ref())
        .count()
}

/// Sends one signal when the record is removed, and another during the following flush, which is delayed by one second.
fn with_two_signals(words: &[&str]) -> (TestEnv, RunResult) {
    let env = used_env();
    traced(&env, &[], words);
    let trace = read(env.home.path("trace"));
    let (removals, flushes) = (
        count_on_last_thread(&trace, "unlink("),
        count_on_last_thread(&trace, "fsync("),
    );
    let env = used_env();
    let injections = [
        format!("inject=unlink:signal=SIGTERM:when={removals}"),
        format!("inject=fsync:signal=SIGTERM:delay_exit=1000000:when={flushes}"),
    ];
    let result = traced(&env, &injections, words);
    let trace = read(env.home.path("trace"));
    assert_eq!(trace.matches("--- SIGTERM").count(), 2, "{trace}");
    (env, result)
}

#[test]
fn a_delivered_secret_is_reported() {
    if !strace_works() {
        return;
    }
    // With `--out-file`, several threads flush files, so strace could not count the flushes.
    let words = [
        "rotate-key",
        "ci",
        "--in-place",
        "-o",
        "json",
        "--dotenv",
        "secret",
    ];
    let (env, result) = with_two_signals(&words);
    assert_eq!(result.code(), 0, "{}", result.stderr);
    assert_eq!(result.json()["keyName"], "ci");
    let secret = read(env.home.path("secret"));
    let keys = env.sandbox.api_keys();
    assert!(keys.iter().any(|key| secret.contains(&key.secret)));
}

#[test]
fn a_deleted_key_is_reported_as_deleted() {
    if !strace_works() {
        return;
    }
    let (env, result) = with_two_signals(&[
        "create",
        "--role",
        "Auditor",
        "--name",
        "new",
        "--deliver-cmd",
        "false",
        "-o",
        "json",
    ]);
    let error = result.json_error(10);
    assert_eq!(error["code"], "undelivered", "{error}");
    let keys = env.sandbox.api_keys();
    assert!(keys.iter().all(|key| key.name.as_deref() != Some("new")));
}

/// The record is written during the sign-in. The run waits for its removal if the sign-in fails first.
#[test]
fn a_refused_connection_leaves_no_record_on_a_slow_disk() {
    if !strace_works() {
        return;
    }
    let env = TestEnv::new();
    let port = ReservedPort::new();
    let url = port.url();
    let words = [
        "create",
        "--role",
        "Auditor",
        "--retries",
        "0",
        "--url",
        &url,
    ];
    let slow = "inject=fsync:delay_exit=1200000".to_owned();
    let result = traced(&env, &[slow], &words);
    result.failure(8);
    let folder = env.home.path("state/unfinished");
    let left: Vec<_> = std::fs::read_dir(folder).expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

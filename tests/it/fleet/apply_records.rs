//! The records of `apply`: they are on disk before the requests, and `recover` can use them.

use std::path::Path;
use std::time::Duration;

use swp_keys::sandbox::{Action, Fault};

use super::apply::{is_as_declared, key, many, secret};
use super::plan::fleet;
use crate::support::requests::{CREATE, SEARCH_KEYS};
use crate::support::running::Running;
use crate::support::{RunResult, TestEnv, binary, contains};

/// A system call about the records or the connection.
#[derive(Debug, PartialEq)]
enum Call {
    RecordFlushed,
    FolderFlushed,
    Sent,
}

/// Parses a line of strace, such as `7 fsync(11</tmp/state/unfinished>) = 0`.
fn call(line: &str) -> Option<Call> {
    if line.contains("resumed>") {
        return None;
    }
    let is_flush = line.contains("fsync(") || line.contains("fdatasync(");
    match line {
        _ if is_flush && line.contains("/unfinished/") => Some(Call::RecordFlushed),
        _ if is_flush && line.contains("/unfinished>") => Some(Call::FolderFlushed),
        _ if !is_flush && line.contains("<TCP") || line.contains("<socket:") => Some(Call::Sent),
        _ => None,
    }
}

/// Returns the system calls of an `apply` as strace records them, or `None` if strace is not installed.
#[cfg(target_os = "linux")]
fn traced_apply(env: &TestEnv, calls: &str) -> Option<String> {
    let works = env
        .home
        .program(Path::new("strace"))
        .args(["-e", "trace=none", "true"])
        .status();
    if !works.is_ok_and(|status| status.success()) {
        assert!(
            std::env::var_os("SWP_TEST_STRACE").is_none(),
            "strace is required"
        );
        return None;
    }
    let mut command = env.home.program(Path::new("strace"));
    command.args(["-f", "-y", "-qq", "-o", "calls", "-e"]);
    command.arg(format!("trace={calls}")).arg(binary());
    RunResult::of(command.args(["apply", "-f", "keys.toml"])).success();
    Some(crate::support::files::read(env.home.path("calls")))
}

/// Returns the line on which a flush of the path with this end has succeeded, at or after the line `begin`.
#[cfg(target_os = "linux")]
fn flushed(calls: &[&str], begin: usize, end: &str) -> Option<usize> {
    let is_flush = |line: &&str| line.contains("fsync(") && line.contains(&format!("{end}>"));
    let started = begin + calls.get(begin..)?.iter().position(is_flush)?;
    let thread = calls[started].split(' ').next()?;
    let is_done = |line: &&str| line.starts_with(thread) && line.ends_with("= 0");
    Some(started + calls[started..].iter().position(is_done)?)
}

#[cfg(target_os = "linux")]
#[test]
fn the_secrets_of_a_group_are_flushed_before_its_records_are_removed() {
    let env = TestEnv::new();
    env.home.write("keys.toml", &many(20));
    let Some(calls) = traced_apply(&env, "fsync,renameat2,unlink") else {
        return;
    };
    let calls: Vec<&str> = calls.lines().collect();
    for number in 0..20 {
        let key = format!("k{number}.key\"");
        let is_rename = |line: &&str| line.contains("renameat2(") && line.contains(&key);
        let named = calls.iter().position(is_rename).expect("a rename");
        let temporary = calls[named].split('"').nth(1).expect("a name");
        let written = flushed(&calls, 0, temporary).expect("a flush of the file");
        assert!(written < named, "{}", calls[named]);
        let folder = calls[named].split(['<', '>']).nth(1).expect("a folder");
        let lasting = flushed(&calls, named, folder).expect("a flush of the folder");
        let is_removal = |line: &&str| line.contains("unlink(") && line.contains("/unfinished/");
        let removed = calls[named..]
            .iter()
            .position(is_removal)
            .expect("a removal");
        assert!(lasting < named + removed, "{}", calls[named]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_records_of_a_group_are_flushed_before_its_first_request() {
    let env = TestEnv::new();
    env.home.write("keys.toml", &many(20));
    let Some(calls) = traced_apply(&env, "fsync,fdatasync,write,writev,sendto,sendmsg") else {
        return;
    };
    let calls: Vec<Call> = calls.lines().filter_map(call).collect();
    for records in [16, 4] {
        let first = calls.windows(records + 1).position(|calls| {
            let (flushed, after) = calls.split_at(records);
            flushed.iter().all(|call| *call == Call::RecordFlushed)
                && after == [Call::FolderFlushed]
        });
        assert!(first.is_some(), "{records}: {calls:?}");
    }
    let first_record = calls
        .iter()
        .position(|call| *call == Call::RecordFlushed)
        .expect("a record");
    let first_folder = calls
        .iter()
        .position(|call| *call == Call::FolderFlushed)
        .expect("a flush");
    assert_eq!(first_folder, first_record + 16, "{calls:?}");
}

/// A run with one key that is killed while its create request is in flight.
pub(super) fn killed(text: &str) -> TestEnv {
    let env = TestEnv::new();
    env.home.write("keys.toml", text);
    let fault = Fault::new(
        "POST",
        "/api/apikeys",
        Action::Delay(Duration::from_secs(300)),
    );
    env.sandbox.inject(fault.after());
    let run = Running::start(&mut env.home.command(["apply", "-f", "keys.toml"]));
    env.wait_for(CREATE);
    crate::support::wait_until("a key exists", || !env.sandbox.api_keys().is_empty());
    run.kill(rustix::process::Signal::KILL);
    run.finish();
    env.sandbox.clear_faults();
    env
}

#[test]
fn recover_finishes_a_key_of_a_fleet() {
    // The command stores no secret, so the marker contains the word `pending`.
    let text = fleet("a = { deliver-cmd = \"sh -c 'cat > a.key'\" }").replace("out-file", "#");
    let env = killed(&text);
    let description = |env: &TestEnv| key(env, "a").description.unwrap_or_default();
    assert!(description(&env).ends_with(" ops pending]"));
    let plan = env.run(["plan", "-f", "keys.toml"]);
    contains(plan.success(), &["* a", "was interrupted"]);
    env.run(["recover", "--yes", "--out-file", "a.key"])
        .success();
    assert!(description(&env).ends_with(" ops]"));
    assert_eq!(secret(&env, "a.key"), key(&env, "a").secret);
    is_as_declared(&env);
}

/// Only the marker on the manager shows that another run has created the key and may still deliver its secret.
#[test]
fn another_machine_finishes_the_key_of_a_lost_machine_after_a_while() {
    let text = fleet("a = { deliver-cmd = \"sh -c 'cat > a.key'\" }").replace("out-file", "#");
    let env = killed(&text);
    std::fs::remove_dir_all(env.home.path("state")).expect("the state folder");
    let before = key(&env, "a");
    let early = env.run(["apply", "-f", "keys.toml", "--yes"]);
    assert_eq!(early.code(), 12, "{early:?}");
    contains(&early.stdout, &["! a", "another run"]);
    assert_eq!(key(&env, "a"), before);
    assert!(!env.home.path("a.key").exists());
    env.sandbox.advance_clock(Duration::from_secs(16 * 60));
    let late = env.run(["apply", "-f", "keys.toml"]);
    contains(late.success(), &["* a", "finish: done"]);
    assert_eq!(key(&env, "a").id, before.id);
    crate::support::set_mode(&env.home.path("a.key"), 0o600);
    env.run(["verify-key", "--key-file", "a.key"]).success();
    is_as_declared(&env);
}

#[test]
fn a_key_that_recover_deleted_is_created_again() {
    let env = killed(&fleet("a = {}"));
    let before = key(&env, "a");
    env.run(["recover", "--yes", "--delete"]).success();
    assert_eq!(env.sandbox.api_keys(), []);
    env.run(["apply", "-f", "keys.toml"]).success();
    assert_ne!(key(&env, "a").id, before.id);
    is_as_declared(&env);
}

#[test]
fn the_next_run_finishes_the_keys_in_its_file_and_leaves_other_records() {
    let env = killed(&fleet("a = {}"));
    env.home.write("keys.toml", &fleet("b = {}"));
    let result = env.run(["apply", "-f", "keys.toml"]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["+ b", "done", "! a", "swp-keys recover"]);
    assert_ne!(env.run(["recover", "--list"]).success(), "");
    env.home.write("keys.toml", &fleet("a = {}\nb = {}"));
    let result = env.run(["apply", "-f", "keys.toml"]);
    contains(result.success(), &["* a", "finish: done"]);
    assert_eq!(secret(&env, "a.key"), key(&env, "a").secret);
    is_as_declared(&env);
}

/// The other run creates the key after the keys were listed, and ends before the plan is made.
#[test]
fn a_run_that_ends_while_the_keys_are_listed_is_seen() {
    let env = TestEnv::new();
    // The other run has its record on disk, and waits for the rate limit.
    let busy = Action::Answer {
        status: 429,
        headers: vec![("Retry-After".to_owned(), "1".to_owned())],
        body: Vec::new(),
    };
    let full = Fault::new("POST", "/api/apikeys", busy);
    env.sandbox.inject(full.times(1000));
    let create = ["create-key", "--name", "a", "--role", "Auditor"];
    let create = [&create[..], &["--out-file", "other.key"]].concat();
    let other = Running::start(&mut env.home.command(create));
    env.wait_for(CREATE);
    let searches = env.count(SEARCH_KEYS);
    let slow = Fault::new(
        "POST",
        "/api/apikeys/search",
        Action::Delay(Duration::from_secs(4)),
    );
    env.sandbox.inject(slow.after());
    env.home.write("keys.toml", &fleet("a = {}"));
    let plan = Running::start(&mut env.home.command(["plan", "-f", "keys.toml"]));
    crate::support::wait_until("the keys are listed", || env.count(SEARCH_KEYS) > searches);
    env.sandbox.clear_faults();
    other.finish().success();
    assert_eq!(env.run(["recover", "--list"]).success(), "");
    key(&env, "a");
    let plan = plan.finish();
    assert_eq!(plan.code(), 12, "{plan:?}");
    contains(&plan.stdout, &["! a", "another run on this machine"]);
}

/// A run with three keys whose secrets are delivered, and a fourth key whose command does not end. The run is killed then.
fn killed_with_four_keys() -> TestEnv {
    let env = TestEnv::new();
    let wait = env.home.write("wait", "");
    let command = format!(
        "sh -c 'cat > slow.key; while [ -e {} ]; do sleep 0.05; done'",
        wait.display()
    );
    let keys = format!("a = {{}}\nb = {{}}\nc = {{}}\nslow = {{ deliver-cmd = \"{command}\" }}");
    env.home.write("keys.toml", &fleet(&keys));
    let run = Running::start(&mut env.home.command(["apply", "-f", "keys.toml"]));
    crate::support::wait_until("three secrets are delivered", || {
        let records = std::fs::read_dir(env.home.path("state/unfinished"));
        let records = records.into_iter().flatten().flatten();
        let records = records.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
        let is_delivered = |record: &String| record.contains("\"stage\":2");
        records.filter(is_delivered).count() == 3 && env.home.path("slow.key").exists()
    });
    run.kill(rustix::process::Signal::KILL);
    std::fs::remove_file(wait).expect("the file was there");
    run.finish();
    env
}

/// Only the operations of the fleet whose work is not done are counted. Each operation had a warning of its own in earlier versions.
#[test]
fn the_unfinished_operations_of_a_fleet_have_one_warning_that_names_apply() {
    let env = killed_with_four_keys();
    let warning =
        "1 operation of the fleet `ops` is not finished; run `swp-keys apply` with the same";
    for command in [&["list-keys"][..], &["plan", "-f", "keys.toml"]] {
        let result = env.run(command);
        contains(&result.stderr, &[warning]);
        assert_eq!(result.stderr.matches("warning: ").count(), 1, "{result:?}");
    }
    contains(&env.run(["doctor"]).stdout, &["4 operations of the fleet"]);
    env.run(["apply", "-f", "keys.toml"]).success();
    assert_eq!(env.run(["list-keys"]).stderr.matches("warning").count(), 0);
    is_as_declared(&env);
}

#[test]
fn recover_prints_no_secret_of_a_fleet_without_a_destination() {
    let env = killed(&many(3));
    let before = env.sandbox.api_keys();
    for flags in [&["-o", "jsonl"][..], &["-o", "json"], &[]] {
        let result = env.run([&["recover", "--yes"], flags].concat());
        contains(
            result.failure(2),
            &["3 operations of the fleet `ops`", "`swp-keys apply`"],
        );
        assert_eq!(result.stdout, "");
    }
    assert_eq!(env.sandbox.api_keys(), before);
    env.run(["apply", "-f", "keys.toml"]).success();
    is_as_declared(&env);
}

#[test]
fn a_run_that_waits_for_several_keys_prints_one_note() {
    let mut env = killed(&many(3));
    env.home.set("SWP_SETTLE_TIMEOUT", "6s");
    let result = env.run(["apply", "-f", "keys.toml"]);
    result.success();
    assert_eq!(
        result.stderr.matches("waiting up to").count(),
        1,
        "{result:?}"
    );
    is_as_declared(&env);
}

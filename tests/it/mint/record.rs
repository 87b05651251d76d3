//! The record of a run is written during the sign-in or the role search, and removed if no key is created.
#![cfg(unix)]

use rustix::process::Signal;
use swp_keys::sandbox::Settings;

use crate::support::held_manager::HeldManager;
use crate::support::proxy::ReservedPort;
use crate::support::snapshot::snapshot;
use crate::support::wording::NO_RECORD;
use crate::support::{Home, TestEnv, contains, set_mode, wait_until};

const SIGN_IN: &str = "POST /api/sessions";
const SEARCH: &str = "POST /api/roles/search";

/// Returns the records of unfinished work, without those that are still being written.
fn records(home: &Home) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(home.path("state/unfinished")) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.into_string().expect("UTF-8"));
    names.filter(|name| !name.starts_with('.')).collect()
}

#[test]
fn the_record_is_on_disk_before_the_role_search_ends() {
    let env = HeldManager::new(SEARCH);
    let run = env.start(["create", "--role", "Auditor"]);
    env.wait_until_held();
    wait_until("the record", || records(&env.home).len() == 1);
    let name = records(&env.home).remove(0);
    let record = env.home.path(&format!("state/unfinished/{name}"));
    let record = std::fs::read_to_string(record).expect("a record");
    contains(
        &record,
        &["\"keyName\": \"Auditor-", "\"work\": \"create\""],
    );
    env.release();
    run.finish().success();
    assert_eq!(records(&env.home), [""; 0]);
    let created = env.sandbox.api_keys()[0].name.clone().expect("a name");
    assert!(record.contains(&format!("\"{created}\"")));
}

#[test]
fn a_missing_role_leaves_no_record() {
    let env = TestEnv::new();
    env.run(["create", "--role", "Nobody"]).failure(3);
    env.run(["create", "--role", "Auditor", "--dry-run"])
        .success();
    assert_eq!(records(&env.home), [""; 0]);
}

/// The record is written during the sign-in.
#[test]
fn a_refused_connection_leaves_no_record() {
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
    env.run(words).failure(8);
    assert_eq!(records(&env.home), [""; 0]);
}

#[test]
fn a_rejected_sign_in_leaves_no_record() {
    let mut env = TestEnv::new();
    let wrong = env.home.write_secret("wrong", "not the password");
    env.home.set("SWP_PASSWORD_FILE", wrong);
    env.run(["create", "--role", "Auditor"]).failure(4);
    assert_eq!(records(&env.home), [""; 0]);
}

#[test]
fn a_signal_during_the_sign_in_leaves_no_record() {
    let env = HeldManager::new(SIGN_IN);
    let run = env.start(["create", "--role", "Auditor"]);
    env.wait_until_held();
    wait_until("the record", || records(&env.home).len() == 1);
    run.signal(Signal::INT);
    env.release();
    run.finish().failure(130);
    assert_eq!(records(&env.home), [""; 0]);
    assert!(env.sandbox.api_keys().is_empty());
}

/// A search for existing keys comes before the record of a key with a set name.
#[test]
fn runs_that_create_no_key_or_wait_before_the_sign_in_write_no_record_during_the_sign_in() {
    for more in [&["--dry-run"][..], &["--name", "ci"], &["--wait", "10s"]] {
        let env = HeldManager::new(SIGN_IN);
        let run = env.start([&["create", "--role", "Auditor"], more].concat());
        env.wait_until_held();
        assert_eq!(records(&env.home), [""; 0], "{more:?}");
        env.release();
        run.finish().success();
    }
}

#[test]
fn a_signal_during_the_role_search_leaves_no_record() {
    let env = HeldManager::with(Settings::default(), SEARCH);
    let run = env.start(["create", "--role", "Auditor"]);
    env.wait_until_held();
    wait_until("the record", || records(&env.home).len() == 1);
    run.signal(Signal::INT);
    run.finish().failure(130);
    assert_eq!(records(&env.home), [""; 0]);
    assert!(env.sandbox.api_keys().is_empty());
}

#[test]
fn the_record_of_a_run_killed_before_the_create_request_is_removed_by_recover() {
    for route in [SIGN_IN, SEARCH] {
        let env = HeldManager::new(route);
        let run = env.start(["create", "--role", "Auditor"]);
        env.wait_until_held();
        wait_until("the record", || records(&env.home).len() == 1);
        drop(run);
        env.release();
        let result = env.home.run(["recover", "--yes"]);
        result.success();
        assert_eq!(records(&env.home), [""; 0]);
        assert!(env.sandbox.api_keys().is_empty());
    }
}

/// If the record cannot be written, the run prints one warning and continues. With `--require-journal`, it sends no request.
#[test]
fn a_record_that_cannot_be_written_is_reported_before_the_key_is_created() {
    let env = TestEnv::new();
    std::fs::create_dir(env.home.path("state")).expect("a folder");
    set_mode(&env.home.path("state"), 0o700);
    env.home.write("state/unfinished", "no folder");
    let arguments = ["create", "--role", "Auditor", "--require-journal"];
    snapshot(env.run(arguments).failure(2));
    assert!(env.sandbox.api_keys().is_empty());
    let result = env.run(["create", "--role", "Auditor"]);
    result.success();
    assert_eq!(result.stderr.matches(NO_RECORD).count(), 1);
}

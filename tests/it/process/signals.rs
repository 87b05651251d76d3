//! Ctrl-C and other signals. The first signal makes a run clean up and exit, and the second one makes it exit immediately.
#![cfg(unix)]

use rustix::process::Signal;
use serde_json::json;
use swp_keys::sandbox::{Action, Fault, Settings};

use crate::support::files::names;
use crate::support::files::record_count;
use crate::support::held_manager::HeldManager;
use crate::support::requests::{CREATE, SEARCH_KEYS, SEARCH_ROLES, count};
use crate::support::wording::{RETRYING_IN, UNDOING};
use crate::support::{RunResult, contains};

const SIGN_IN: &str = "POST /api/sessions";
const DELETE: &str = "DELETE /api/apikeys/1";
pub(super) const NAMED: [&str; 6] = ["create", "--role", "Auditor", "--name", "ci", "-q"];
/// Each signal and its exit code: 128 plus the number of the signal, as in a shell.
const SIGNALS: [(Signal, i32); 8] = [
    (Signal::HUP, 129),
    (Signal::INT, 130),
    (Signal::QUIT, 131),
    (Signal::TERM, 143),
    // Signal numbers depend on the operating system.
    (Signal::USR1, 128 + Signal::USR1.as_raw()),
    (Signal::USR2, 128 + Signal::USR2.as_raw()),
    (Signal::ALARM, 142),
    (Signal::XCPU, 152),
];

/// Asserts that nothing is left on the manager, and that stdout is empty.
#[track_caller]
pub(super) fn cleaned_up(result: &RunResult, held: &HeldManager, code: i32) {
    result.failure(code);
    assert_eq!(held.sandbox.api_keys(), [], "{}", result.stderr);
    assert_eq!(held.sandbox.live_sessions(), 0, "{}", result.stderr);
}

#[test]
fn a_signal_cancels_a_read_and_the_session_is_ended() {
    for (signal, code) in SIGNALS {
        for arguments in [&["find-role", "Auditor"][..], &["list-roles"], &NAMED] {
            let held = HeldManager::new(SEARCH_ROLES);
            let running = held.start(arguments);
            held.wait_until_held();
            assert_eq!(held.sandbox.live_sessions(), 1);
            running.signal(signal);
            // The response is still held. The run must not wait for it.
            cleaned_up(&running.finish(), &held, code);
            assert_eq!(count(&held.sandbox, CREATE), 0);
        }
    }
}

#[test]
fn a_signal_cancels_the_key_search() {
    let held = HeldManager::new(SEARCH_KEYS);
    let running = held.start(NAMED);
    held.wait_until_held();
    running.signal(Signal::INT);
    cleaned_up(&running.finish(), &held, 130);
    assert_eq!(count(&held.sandbox, CREATE), 0);
}

#[test]
fn a_signal_ends_a_pause_between_retries() {
    let held = HeldManager::new("");
    let headers = vec![("Retry-After".to_owned(), "50".to_owned())];
    let limited = Action::Answer {
        status: 429,
        headers,
        body: Vec::new(),
    };
    let fault = Fault::new("POST", "/api/roles/search", limited);
    held.sandbox.inject(fault);
    let mut running = held.start(["list-roles", "-v"]);
    running.wait_for_line(RETRYING_IN);
    running.signal(Signal::TERM);
    cleaned_up(&running.finish(), &held, 143);
}

#[test]
fn with_json_it_is_an_error_in_json() {
    let held = HeldManager::new(SEARCH_ROLES);
    let running = held.start(NAMED.iter().chain(&["-o", "json"]));
    held.wait_until_held();
    running.signal(Signal::TERM);
    let error = running.finish().json_error(143);
    assert_eq!(error["code"], json!("interrupted"));
    assert_eq!(error["exit"], json!(143));
    assert_eq!(error["retryable"], json!(true));
}

/// The run waits for the response to its sign-in, because the session would stay open otherwise.
#[test]
fn a_signal_during_the_sign_in_ends_the_session() {
    for (signal, code) in SIGNALS {
        let held = HeldManager::new(SIGN_IN);
        let running = held.start(NAMED);
        held.wait_until_held();
        assert_eq!(held.sandbox.live_sessions(), 1);
        running.signal(signal);
        held.release();
        cleaned_up(&running.finish(), &held, code);
        assert_eq!(count(&held.sandbox, SEARCH_ROLES), 0);
    }
}

#[test]
fn a_second_signal_does_not_wait_for_the_sign_in() {
    let held = HeldManager::new(SIGN_IN);
    let running = held.start(NAMED);
    held.wait_until_held();
    running.signal_until_exit(Signal::INT).failure(130);
}

#[test]
fn a_signal_during_the_create_deletes_the_key() {
    for (signal, code) in SIGNALS {
        for sink in [&[][..], &["--out-file", "key"]] {
            let held = HeldManager::new(CREATE);
            let running = held.start(NAMED.iter().chain(sink));
            held.wait_until_held();
            assert_eq!(held.sandbox.api_keys().len(), 1);
            running.signal(signal);
            held.release();
            cleaned_up(&running.finish(), &held, code);
            assert_eq!(count(&held.sandbox, CREATE), 1);
            assert_eq!(count(&held.sandbox, DELETE), 1);
            assert!(!held.home.path("key").exists());
            let files = names(&held.home.path(""));
            assert_eq!(files, [""; 0], "files are left");
            assert_eq!(record_count(&held.home), 0);
        }
    }
}

#[test]
fn a_rejected_create_is_reported_despite_a_signal() {
    let held = HeldManager::with(
        Settings {
            administrator_role: 2,
            ..Settings::default()
        },
        CREATE,
    );
    let running = held.start(["create", "--role-id", "2"]);
    held.wait_until_held();
    running.signal(Signal::INT);
    held.release();
    contains(running.finish().failure(5), &["Not authorized"]);
    assert_eq!(held.sandbox.live_sessions(), 0);
}

#[test]
fn a_key_that_cannot_be_deleted_after_a_signal_is_reported() {
    let held = HeldManager::new(CREATE);
    let action = Action::status(403, "Not yours");
    let fault = Fault::new("DELETE", "/api/apikeys/1", action);
    held.sandbox.inject(fault);
    let running = held.start(NAMED.iter().chain(&["-o", "json"]));
    held.wait_until_held();
    running.signal(Signal::INT);
    held.release();
    let error = running.finish().json_error(11);
    assert_eq!(error["keyID"], json!(1));
    let message = error["message"].as_str().unwrap_or_default();
    contains(message, &["`ci` (ID 1)", "Not yours"]);
}

#[test]
fn a_second_signal_exits_immediately_and_reports_the_possible_key() {
    for (first, second) in [(Signal::INT, Signal::TERM), (Signal::TERM, Signal::HUP)] {
        let held = HeldManager::new(CREATE);
        let running = held.start(NAMED.iter().chain(&["--out-file", "key"]));
        held.wait_until_held();
        running.signal(first);
        running.signal(second);
        // The response is still held. The run must not wait for it.
        let result = running.finish();
        let stderr = "`ci`";
        contains(result.failure(11), &[stderr, "swp-keys recover"]);
        assert_eq!(held.sandbox.api_keys().len(), 1, "it is there");
        assert_eq!(names(&held.home.path("")), [""; 0]);
        assert_eq!(record_count(&held.home), 1, "the remaining key is recorded");
    }
}

#[test]
fn the_first_signal_is_reported_and_the_second_ends_the_run() {
    let held = HeldManager::new(CREATE);
    let mut running = held.start(["create", "--role", "Auditor", "--name", "ci"]);
    held.wait_until_held();
    running.signal(Signal::INT);
    running.wait_for_line(UNDOING);
    let result = running.signal_until_exit(Signal::INT);
    contains(result.failure(11), &["`ci`"]);
}

/// `timeout` of GNU coreutils signals the process, and then its process group.
#[test]
fn a_signal_that_arrives_twice_at_once_counts_as_one() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let held = HeldManager::new(CREATE);
        let running = held.start(NAMED.iter().chain(&["--out-file", "key"]));
        held.wait_until_held();
        running.signal(signal);
        running.signal(signal);
        held.release();
        cleaned_up(&running.finish(), &held, code);
    }
}

/// Makes the response to the create contain no secret, so that the run deletes the key.
fn omit_secret(held: &HeldManager) {
    let body = json!({"ID": 1, "keyName": "ci"}).to_string();
    let response = Action::Answer {
        status: 200,
        headers: Vec::new(),
        body: body.into_bytes(),
    };
    let fault = Fault::new("POST", "/api/apikeys", response).after();
    held.sandbox.inject(fault);
}

#[test]
fn a_second_signal_during_the_deletion_reports_the_key() {
    let held = HeldManager::new(DELETE);
    omit_secret(&held);
    let running = held.start(NAMED.iter().chain(&["-o", "json"]));
    held.wait_until_held();
    let error = running.signal_until_exit(Signal::INT).json_error(11);
    let message = error["message"].as_str().unwrap_or_default();
    contains(message, &["`ci` (ID 1)"]);
    assert_eq!(error["keyID"], json!(1));
}

/// After one signal, a key that cannot be delivered is still deleted.
#[test]
fn a_first_signal_lets_the_deletion_finish() {
    let held = HeldManager::new(DELETE);
    omit_secret(&held);
    let running = held.start(NAMED);
    held.wait_until_held();
    running.signal(Signal::INT);
    held.release();
    running.finish().failure(10);
    assert_eq!(held.sandbox.api_keys(), []);
    assert_eq!(held.sandbox.live_sessions(), 0);
}

/// The record stays for as long as the key may exist, so the run must not report "interrupted, and cleaned up".
#[test]
fn a_second_signal_during_recovery_reports_the_remaining_key() {
    let held = HeldManager::new(DELETE);
    abandon(&held, "0a0b0c0d", "ci");
    let running = held.start(["recover", "--delete", "--yes", "-o", "json"]);
    held.wait_until_held();
    let error = running.signal_until_exit(Signal::INT).json_error(11);
    let message = error["message"].as_str().unwrap_or_default();
    contains(message, &["ci"]);
    assert_eq!(error["keyID"], json!(1));
}

/// Writes the record of an interrupted run that created a key with this name, and creates the key.
fn abandon(held: &HeldManager, operation: &str, name: &str) {
    let id = held.sandbox.add_key(name, 2).id;
    let mark = format!("[swp-keys {operation}]");
    held.sandbox
        .edit_key(id, |key| key.description = Some(mark));
    let record = json!({
        "operation": operation, "work": "create", "manager": held.url(), "tenant": null, "keyName": name, "roleID": 2,
        "keyID": null, "existingIDs": [], "marked": true, "unique": true, "sinks": ["stdout"], "started": 0
    });
    let folder = held.home.path("state/unfinished");
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(format!("{operation}.json"));
    std::fs::write(file, record.to_string()).expect("a file");
}

#[test]
fn a_signal_while_recovering_several_runs_is_reported_with_what_is_done() {
    let held = HeldManager::new(DELETE);
    abandon(&held, "0a0b0c0d", "a");
    abandon(&held, "1a1b1c1d", "b");
    let running = held.start(["recover", "--delete", "--yes"]);
    held.wait_until_held();
    running.signal(Signal::INT);
    held.release();
    let result = running.finish();
    contains(result.failure(130), &["`a` (ID 1)", "one unfinished run"]);
    let names: Vec<_> = held
        .sandbox
        .api_keys()
        .into_iter()
        .map(|key| key.name)
        .collect();
    assert_eq!(names, [Some("b".to_owned())]);
    assert_eq!(record_count(&held.home), 1);
}

#[test]
fn a_failure_of_a_later_run_does_not_lose_the_report_of_an_earlier_one() {
    let held = HeldManager::new("GET /never");
    abandon(&held, "0a0b0c0d", "a");
    abandon(&held, "1a1b1c1d", "b");
    let fault = Fault::new("DELETE", "/api/apikeys/2", Action::status(403, "no"));
    held.sandbox.inject(fault.times(99));
    let result = held.home.run(["recover", "--delete", "--yes"]);
    contains(result.failure(5), &["`a` (ID 1)"]);
    assert_eq!(record_count(&held.home), 1);
}

/// Signals that the caller ignores stay ignored during the whole run. `nohup` ignores them, and so does a shell for a job in the background.
#[cfg(target_os = "linux")]
#[test]
fn ignored_signals_stay_ignored() {
    for (name, ignored) in [
        ("HUP", Signal::HUP),
        ("INT", Signal::INT),
        ("QUIT", Signal::QUIT),
        ("TERM", Signal::TERM),
        ("USR1", Signal::USR1),
    ] {
        let held = HeldManager::new(CREATE);
        let running = start_ignoring(&held, name);
        held.wait_until_held();
        running.kill(ignored);
        running.kill(ignored);
        held.release();
        let result = running.finish();
        let secret = result.success();
        assert_eq!(held.sandbox.api_keys()[0].secret, secret, "{name}");
        assert_eq!(record_count(&held.home), 0);
    }
}

/// Starts a create in a shell that ignores this signal.
#[cfg(target_os = "linux")]
fn start_ignoring(held: &HeldManager, name: &str) -> crate::support::running::Running {
    let script = format!(r#"trap '' {name}; exec "$0" "$@""#);
    let mut shell = held.home.program(std::path::Path::new("sh"));
    shell
        .arg("-c")
        .arg(script)
        .arg(crate::support::binary())
        .args(NAMED);
    crate::support::running::Running::start(&mut shell)
}

#[cfg(target_os = "linux")]
#[test]
fn signals_that_are_not_ignored_end_the_run() {
    let held = HeldManager::new(CREATE);
    let running = start_ignoring(&held, "HUP INT");
    held.wait_until_held();
    running.kill(Signal::HUP);
    running.signal(Signal::TERM);
    running.kill(Signal::INT);
    held.release();
    cleaned_up(&running.finish(), &held, 143);
    assert_eq!(count(&held.sandbox, DELETE), 1);
}

/// A signal between the end of the work and the report, while the run signs out. The key exists and its secret is delivered, so the run succeeds.
#[test]
fn a_signal_during_the_sign_out_does_not_lose_the_report() {
    for signals in [1, 2] {
        let held = HeldManager::new(crate::support::END_SESSION);
        let running = held.start(["create", "--role", "Auditor", "--out-file", "key"]);
        held.wait_until_held();
        for _ in 0..signals {
            running.signal(Signal::INT);
        }
        held.release();
        let result = running.finish();
        result.success();
        contains(&result.stderr, &["(ID 1)", "mode 0600"]);
        let secret = &held.sandbox.api_keys()[0].secret;
        let written = crate::support::files::read(held.home.path("key"));
        assert_eq!(written.trim_end(), secret);
        assert_eq!(record_count(&held.home), 0);
    }
}

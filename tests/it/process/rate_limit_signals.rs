//! Signals while a run waits for the rate limit.
#![cfg(unix)]

use rustix::process::Signal;
use swp_keys::sandbox::{Action, Fault};

use super::signals::{NAMED, cleaned_up};
use crate::support::files::record_count;
use crate::support::held_manager::HeldManager;
use crate::support::requests::{CREATE, count};
use crate::support::wording::RETRYING_IN;
use crate::support::{RunResult, contains};

/// The manager rejects each request of this path because of a rate limit.
fn limited(path: &str) -> Fault {
    let answer = Action::Answer {
        status: 429,
        headers: vec![("Retry-After".to_owned(), "50".to_owned())],
        body: Vec::new(),
    };
    Fault::new("POST", path, answer).times(99)
}

/// The manager rejects one request of this path because of a rate limit.
fn limited_once(path: &str) -> Fault {
    let answer = Action::Answer {
        status: 429,
        headers: vec![("Retry-After".to_owned(), "3".to_owned())],
        body: Vec::new(),
    };
    Fault::new("POST", path, answer)
}

/// The manager has processed no create request, so the run does not wait for the rate limit.
#[test]
fn a_signal_ends_the_wait_of_a_create_for_the_rate_limit() {
    let unnamed = ["create", "--role", "Auditor"];
    let named = &NAMED[..5];
    let exec = ["exec", "--role", "Auditor", "--", "true"];
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        for arguments in [&unnamed[..], named, &exec] {
            let held = HeldManager::new("");
            held.sandbox.inject(limited("/api/apikeys"));
            let mut running = held.start(arguments);
            running.wait_for_line(RETRYING_IN);
            running.signal(signal);
            cleaned_up(&running.finish(), &held, code);
            assert_eq!(count(&held.sandbox, CREATE), 1, "{arguments:?}");
            assert_eq!(record_count(&held.home), 0, "{arguments:?}");
        }
    }
}

/// Checks that the run delivered a new secret of the only key, and left no record.
#[track_caller]
fn assert_replaced(held: &HeldManager, result: &RunResult, old: &str) {
    let now = held.sandbox.api_keys()[0].secret.clone();
    assert_ne!(now, old);
    assert_eq!(result.success(), now);
    assert_eq!(record_count(&held.home), 0);
}

/// An intermediary may have repeated the reset request, so the old secret may not work any more. The run waits for the rate limit and delivers a new
/// secret.
#[test]
fn a_signal_does_not_end_the_wait_of_a_reset_of_an_existing_key() {
    let in_place = ["rotate-key", "ci", "--in-place"];
    let rekey = [&NAMED[..5], &["--if-exists", "rekey"]].concat();
    for arguments in [&in_place[..], &rekey] {
        let held = HeldManager::new("");
        let old = held.sandbox.add_key("ci", 2).secret;
        held.sandbox
            .inject(limited_once("/api/apikeys/1/secretkey"));
        let mut running = held.start(arguments);
        running.wait_for_line(RETRYING_IN);
        running.signal(Signal::TERM);
        assert_replaced(&held, &running.finish(), &old);
    }
}

/// The first reset was lost, so the old secret may not work any more. The run waits for the rate limit and delivers a new secret.
#[test]
fn a_signal_does_not_end_the_wait_if_an_earlier_reset_was_lost() {
    let held = HeldManager::new("");
    let old = held.sandbox.add_key("ci", 2).secret;
    let path = "/api/apikeys/1/secretkey";
    held.sandbox
        .inject(Fault::new("POST", path, Action::Drop).after());
    held.sandbox.inject(limited_once(path).nth(2));
    let mut running = held.start(["rotate-key", "ci", "--in-place", "--settle-timeout", "1s"]);
    running.wait_for_line(RETRYING_IN);
    running.signal(Signal::TERM);
    assert_replaced(&held, &running.finish(), &old);
}

/// The response with the secret of the new key was lost, and the manager has processed no reset. So the run deletes the key.
#[test]
fn a_signal_ends_the_wait_for_a_second_secret_and_the_key_is_deleted() {
    let held = HeldManager::new("");
    held.sandbox
        .inject(Fault::new("POST", "/api/apikeys", Action::Drop).after());
    held.sandbox.inject(limited("/api/apikeys/1/secretkey"));
    let mut running = held.start(&NAMED[..5]);
    running.wait_for_line(RETRYING_IN);
    running.signal(Signal::TERM);
    let result = running.finish();
    cleaned_up(&result, &held, 143);
    contains(&result.stderr, &["`ci` (ID 1)"]);
    assert_eq!(record_count(&held.home), 0);
}

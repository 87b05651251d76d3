//! `lock-key` and `unlock-key`: the requests, the manager's responses, and the key that authenticates the run.

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, Fault, SecretShape, Settings};

use crate::support::requests::{bodies, count, nothing_was_sent};
use crate::support::responses::success_without_effect;
use crate::support::snapshot::snapshot;
use crate::support::wording::FINISHING;
use crate::support::{TestEnv, answering_unknowns, contains};

const CHANGE: &str = "POST /api/apikeys/1";
const PATH: &str = "/api/apikeys/1";

/// Returns an environment with a key `ci` with ID 1.
fn with_key(settings: Settings) -> TestEnv {
    let env = TestEnv::with(settings);
    env.sandbox.add_key("ci", 2);
    env
}

fn is_active(env: &TestEnv) -> bool {
    env.sandbox.api_keys()[0].active
}

#[test]
fn a_key_is_locked_and_unlocked_and_nothing_else_is_sent() {
    let env = with_key(Settings::default());
    let before = env.sandbox.api_keys();
    let result = env.run(["lock-key", "ci"]);
    assert_eq!(result.success(), "1");
    contains(&result.stderr, &["note:", "`ci` (ID 1)"]);
    assert!(!is_active(&env));
    let result = env.run(["unlock-key", "1"]);
    assert_eq!(result.success(), "1");
    contains(&result.stderr, &["note:", "`ci` (ID 1)"]);
    assert_eq!(env.sandbox.api_keys(), before);
    let sent = bodies(&env.sandbox, CHANGE);
    assert_eq!(sent, [json!({"active": false}), json!({"active": true})]);
    assert_eq!(count(&env.sandbox, "GET /api/apikeys/1"), 3, "read again");
    assert_eq!(env.sandbox.live_sessions(), 0);
}

#[test]
fn an_unchanged_key_causes_no_request() {
    let env = with_key(Settings::default());
    let result = env.run(["unlock-key", "ci"]);
    contains(&result.stderr, &["`ci` (ID 1)"]);
    let document = env.run(["unlock-key", "ci", "-o", "json"]).json();
    assert_eq!(document["meta"]["changed"], false);
    env.run(["lock-key", "ci"]).success();
    let result = env.run(["lock-key", "ci"]);
    contains(&result.stderr, &["`ci` (ID 1)"]);
    assert_eq!(result.success(), "1");
    assert_eq!(count(&env.sandbox, CHANGE), 1);
}

#[test]
fn json_contains_the_changed_key() {
    let env = with_key(Settings::default());
    let document = env.run(["lock-key", "ci", "-o", "json"]).json();
    assert_eq!(document["active"], false);
    assert_eq!(document["ID"], 1);
    let created = &document["meta"]["createdAt"];
    let key = json!({
        "result": "locked", "changed": true, "state": "locked", "role": "Auditor", "createdAt": created,
        "lastSignInAt": null, "expiresAt": null, "unlocksAt": null, "retiring": false
    });
    let mut meta = key.clone();
    meta["manager"] = json!(env.sandbox.url());
    assert_eq!(document["meta"], meta);
    assert_eq!(document["apiKeys"][0]["meta"], key);
    assert_eq!(document["apiKeys"][0]["ID"], 1);
    let line = env.run(["unlock-key", "ci", "-o", "env"]);
    assert_eq!(line.success(), "SWP_API_KEY_ID=1");
}

#[test]
fn a_missing_or_ambiguous_key_is_rejected() {
    let env = with_key(Settings::default());
    env.sandbox.add_key("duplicate", 2);
    env.sandbox.add_key("duplicate", 2);
    for command in ["lock-key", "unlock-key"] {
        env.run([command, "nobody"]).failure(3);
        env.run([command, "99"]).failure(3);
        contains(env.run([command, "duplicate"]).failure(6), &["IDs 2, 3"]);
        env.run([command]).failure(2);
    }
    assert!(env.sandbox.api_keys().iter().all(|key| key.active));
    let fresh = TestEnv::new();
    fresh.run(["lock-key", "007"]).failure(2);
    nothing_was_sent(&fresh.sandbox);
}

/// The role may view keys, but not change them.
#[test]
fn a_missing_right_to_change_keys_is_reported() {
    let rights = json!({"platformRights": {"apikeyRights": {"canViewApiKeys": true}}});
    let role = json!({"name": "Viewer", "ID": 9, "allowWebService": true, "rights": rights});
    let env = with_key(Settings {
        roles: vec![role],
        administrator_role: 9,
        ..Settings::default()
    });
    let error = env.run(["lock-key", "ci", "-o", "json"]).json_error(5);
    assert_eq!(error["http"], 403);
    assert_eq!(error["keyID"], 1);
    assert!(is_active(&env));
}

#[test]
fn unlocking_ends_the_lock_after_wrong_secrets() {
    let env = with_key(Settings::default());
    let later = env.sandbox.now() + 600_000;
    let lock = || assert!(env.sandbox.edit_key(1, |key| key.unlock_time = Some(later)));
    lock();
    let result = env.run(["unlock-key", "ci"]);
    snapshot(&result.stderr);
    assert_eq!(env.sandbox.api_keys()[0].unlock_time, None);
    // On this manager, the request to unlock has no effect on the unlock time.
    lock();
    let body = json!({"ID": 1, "keyName": "ci", "active": true, "unlockTime": later});
    env.sandbox
        .inject(success_without_effect("POST", PATH, &body));
    let result = env.run(["unlock-key", "ci"]);
    snapshot(&result.stderr);
    result.success();
    env.sandbox.edit_key(1, |key| {
        key.unlock_time = None;
        key.active = false;
        key.expiry_date = Some(key.created - 60_000);
    });
    let result = env.run(["unlock-key", "ci"]);
    contains(&result.stderr, &["update-key 1"]);
    result.success();
}

#[test]
fn a_success_without_effect_is_detected() {
    let env = with_key(Settings::default());
    let body = json!({"ID": 1, "keyName": "ci", "active": false});
    env.sandbox
        .inject(success_without_effect("POST", PATH, &body));
    let stderr = env.run(["lock-key", "ci"]).failure(1).to_owned();
    contains(&stderr, &["`ci` (ID 1)", "hint: "]);
    snapshot(&stderr);
}

#[test]
fn a_sparse_response_gets_a_warning() {
    let env = with_key(answering_unknowns(&[("answer-fields", "sparse")]));
    let result = env.run(["lock-key", "ci"]);
    result.success();
    contains(&result.stderr, &["ci"]);
    assert!(!is_active(&env));
}

/// Setting a value twice is harmless. The request is therefore repeated after a connection error, and the result is checked after a lost response.
#[test]
fn a_lost_response_is_reconciled() {
    for fault in [
        Fault::new("POST", PATH, Action::Drop),
        Fault::new("POST", PATH, Action::Drop).after(),
        Fault::new("POST", PATH, Action::Drop).after().times(9),
        Fault::new("POST", PATH, Action::Cut(20)).after().times(9),
        Fault::new("POST", PATH, Action::status(500, "Oops")).after(),
    ] {
        let env = with_key(Settings::default());
        env.sandbox.inject(fault);
        let result = env.run(["lock-key", "ci", "--retries", "1"]);
        result.success();
        snapshot(&result.stderr);
        assert!(!is_active(&env));
    }
}

#[test]
fn a_lost_request_is_distinguished_from_a_lost_response() {
    let lost = || Fault::new("POST", PATH, Action::Drop).times(9);
    let env = with_key(Settings::default());
    env.sandbox.inject(lost());
    let error = env
        .run(["lock-key", "ci", "--retries", "1", "-o", "json"])
        .json_error(8);
    let message = error["message"].as_str().expect("a message");
    contains(message, &["`ci` (ID 1)"]);
    assert_eq!(error["retryable"], true);

    let env = with_key(Settings::default());
    env.sandbox.inject(lost().after());
    let unseen = Fault::new("GET", PATH, Action::status(500, "Oops")).times(99);
    env.sandbox.inject(unseen);
    let error = env
        .run(["lock-key", "ci", "--retries", "1", "-o", "json"])
        .json_error(11);
    let message = error["message"].as_str().expect("a message");
    contains(message, &["`ci` (ID 1)"]);
    assert_eq!(error["keyID"], 1);
    contains(error["hint"].as_str().expect("a hint"), &["show-key 1"]);

    let env = with_key(Settings::default());
    let refused = Action::status(500, "No such luck");
    env.sandbox.inject(Fault::new("POST", PATH, refused));
    let stderr = env.run(["lock-key", "ci"]).failure(1).to_owned();
    contains(&stderr, &["No such luck"]);
}

/// Returns an environment whose runs authenticate with the key with ID 1, which has the role Full Access.
fn env_with_own_key(secret_shape: SecretShape) -> TestEnv {
    let mut env = TestEnv::with(Settings {
        secret_shape,
        ..Settings::default()
    });
    let key = env.sandbox.add_key("mine", 1);
    env.sandbox.add_key("other", 2);
    env.use_key(&key.secret);
    env
}

fn current_is_refused(env: &TestEnv) {
    let refused = Action::status(403, "Not authorized to view API keys.");
    let fault = Fault::new("GET", "/api/apikeys/current", refused).times(99);
    env.sandbox.inject(fault);
}

#[test]
fn locking_the_key_that_authenticates_the_run_requires_force() {
    for (shape, refused) in [
        (SecretShape::IdBase64, false),
        (SecretShape::IdBase64, true),
        (SecretShape::GuidBase64, false),
        (SecretShape::GuidGuidBase64, true),
    ] {
        let env = env_with_own_key(shape);
        if refused {
            current_is_refused(&env);
        }
        let stderr = env.run(["lock-key", "mine"]).failure(2).to_owned();
        contains(&stderr, &["`mine` (ID 1)", "--force"]);
        assert!(is_active(&env));
        assert_eq!(count(&env.sandbox, CHANGE), 0);
        let other = env.run(["lock-key", "other"]);
        if refused && shape == SecretShape::GuidGuidBase64 {
            snapshot(other.failure(2));
            env.run(["lock-key", "other", "--force"]).success();
        } else {
            other.success();
        }
        // With `--force`, the run succeeds although the key can no longer view itself.
        let result = env.run(["lock-key", "mine", "--force"]);
        assert_eq!(result.success(), "1");
        assert!(!is_active(&env));
        snapshot(env.run(["show-key", "mine"]).failure(5));
    }
}

#[test]
fn a_run_with_a_session_does_not_search_its_own_key() {
    let env = with_key(Settings::default());
    env.run(["lock-key", "ci"]).success();
    assert_eq!(count(&env.sandbox, "GET /api/apikeys/current"), 0);
    let none: Vec<Value> = bodies(&env.sandbox, "POST /api/apikeys/current");
    assert!(none.is_empty());
}

#[cfg(unix)]
mod interrupted {
    use rustix::process::Signal;

    use super::*;
    use crate::support::held_manager::HeldManager;

    /// The run does not exit before it knows whether the change succeeded.
    #[test]
    fn a_signal_waits_for_the_current_change() {
        let held = HeldManager::new(CHANGE);
        held.sandbox.add_key("ci", 2);
        let mut running = held.start(["lock-key", "ci"]);
        held.wait_until_held();
        running.signal(Signal::INT);
        running.wait_for_line(FINISHING);
        held.release();
        let result = running.finish();
        assert_eq!(result.success(), "1");
        assert_eq!(held.sandbox.live_sessions(), 0);
    }

    #[test]
    fn a_second_signal_reports_the_unknown_outcome() {
        let held = HeldManager::new(CHANGE);
        held.sandbox.add_key("ci", 2);
        let running = held.start(["lock-key", "ci", "-o", "json"]);
        held.wait_until_held();
        let error = running.signal_until_exit(Signal::INT).json_error(11);
        let message = error["message"].as_str().expect("a message");
        contains(message, &["`ci` (ID 1)"]);
        assert_eq!(error["keyID"], 1);
        contains(error["hint"].as_str().expect("a hint"), &["show-key"]);
    }
}

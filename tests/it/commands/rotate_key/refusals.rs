//! Rotations in which the manager rejects a request, or a destination cannot be written.

use serde_json::json;
use swp_keys::sandbox::{Action, Fault};

use super::successor::{CHANGE, DAY, env, is_in, key, name, rotate, rotated};
use crate::support::contains;
use crate::support::files::read;
use crate::support::files::record_count;
use crate::support::requests::count;
use crate::support::responses::success_without_effect;
use crate::support::snapshot::snapshot;

#[test]
fn a_missing_expiry_exits_with_12_and_names_both_keys() {
    let refuse = || {
        Fault::new(
            "POST",
            "/api/apikeys/1",
            Action::status(403, "Not permitted"),
        )
        .times(9)
    };
    for sink in [&[][..], &["--out-file", "key"]] {
        let env = env("accepted");
        env.sandbox.inject(refuse());
        let result = rotate(&env, sink);
        assert_eq!(result.code(), 12, "{}", result.stderr);
        contains(
            &result.stderr,
            &["`ci` (ID 2)", "(ID 1", "Not permitted", "swp-keys recover"],
        );
        let secret = key(&env.sandbox, 2).secret;
        let output = if sink.is_empty() {
            result.stdout.clone()
        } else {
            read(env.home.path("key"))
        };
        assert_eq!(output.trim_end(), secret, "it was delivered");
        assert_eq!(
            key(&env.sandbox, 1).expiry_date,
            Some(key(&env.sandbox, 1).created + 90 * DAY)
        );
        assert_eq!(record_count(&env.home), 1);
        env.sandbox.clear_faults();
        // A delivered successor must not be deleted by `recover --delete`.
        snapshot(env.run(["recover", "--yes", "--delete"]).failure(2));
        if sink.is_empty() {
            env.run(["recover", "--yes"]).success();
        } else {
            // The same command is run again. It delivers nothing a second time, so an existing file does not prevent it.
            assert_eq!(rotate(&env, sink).success(), "2");
        }
        rotated(&env.sandbox, &secret);
        assert_eq!(record_count(&env.home), 0);
    }
}

#[test]
fn a_different_expiry_than_requested_is_reported() {
    let env = env("accepted");
    let lie = json!({"ID": 1, "keyName": "ci (retiring)", "expiryDate": 1_795_000_000_000_i64});
    let answer = Action::Answer {
        status: 200,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: lie.to_string().into_bytes(),
    };
    env.sandbox
        .inject(Fault::new("POST", "/api/apikeys/1", answer));
    let result = rotate(&env, &[]);
    assert_eq!(result.code(), 12, "{}", result.stderr);
    snapshot(&result.stderr);
}

#[test]
fn a_rejected_rename_changes_nothing() {
    let env = env("409");
    let before = env.sandbox.api_keys();
    let refuse = Action::status(400, "The name is too long");
    env.sandbox
        .inject(Fault::new("POST", "/api/apikeys/1", refuse).times(9));
    snapshot(rotate(&env, &[]).failure(1));
    assert_eq!(env.sandbox.api_keys(), before);
    assert_eq!(record_count(&env.home), 0);
}

/// If two keys may have the same name, the expiry of the old key is more important than its rename.
#[test]
fn the_expiry_is_set_even_if_the_rename_is_rejected() {
    let env = env("accepted");
    let refuse = Action::status(400, "The name is too long");
    env.sandbox
        .inject(Fault::new("POST", "/api/apikeys/1", refuse));
    let result = rotate(&env, &[]);
    result.success();
    snapshot(&result.stderr);
    let old = key(&env.sandbox, 1);
    assert_eq!(name(&old), "ci");
    is_in(&env.sandbox, old.expiry_date, DAY);
}

#[test]
fn a_name_is_restored_after_a_failed_rotation() {
    for status in [400, 403, 500] {
        let env = env("accepted");
        let before = env.sandbox.api_keys();
        let refuse = Action::status(status, "No more keys");
        env.sandbox
            .inject(Fault::new("POST", "/api/apikeys", refuse).times(9));
        let result = rotate(&env, &[]);
        assert!(
            matches!(result.code(), 1 | 5),
            "{status}: {}",
            result.stderr
        );
        contains(&result.stderr, &["No more keys"]);
        assert_eq!(
            count(&env.sandbox, CHANGE),
            2,
            "the rename and its rollback"
        );
        assert_eq!(env.sandbox.api_keys(), before, "{status}");
        assert_eq!(record_count(&env.home), 0);
    }
}

#[test]
fn an_undelivered_secret_leaves_the_old_key_unchanged() {
    for duplicates in ["accepted", "409"] {
        let env = env(duplicates);
        let before = env.sandbox.api_keys();
        let result = rotate(&env, &["--deliver-cmd", "false"]);
        result.failure(10);
        assert_eq!(env.sandbox.api_keys(), before);
        assert_eq!(record_count(&env.home), 0);
    }
}

/// A response that describes the old key does not identify a successor, and is not a reason to delete the old key.
#[test]
fn a_response_about_the_old_key_leaves_it_unchanged() {
    let env = env("accepted");
    let before = env.sandbox.api_keys();
    let lie = json!({"ID": 1, "keyName": "ci", "roleID": 2, "secretKey": "1:bm90IGEgc2VjcmV0"});
    env.sandbox
        .inject(success_without_effect("POST", "/api/apikeys", &lie));
    let result = rotate(&env, &["--deliver-cmd", "false"]);
    contains(result.failure(11), &["ID 1", "swp-keys recover"]);
    assert_eq!(env.sandbox.api_keys(), before);
}

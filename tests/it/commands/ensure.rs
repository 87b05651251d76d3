//! `create-key --if-exists ensure`: a second run changes nothing, and each difference is fixed.

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, ApiKey, Fault};

use crate::support::files::read;
use crate::support::requests::{CREATE, SEARCH_KEYS, SEARCH_ROLES, count, nothing_was_sent};
use crate::support::{RunResult, TestEnv, contains};

const DAY: i64 = 86_400_000;
pub(super) const RESET: &str = "POST /api/apikeys/1/secretkey";
pub(super) const CHANGE: &str = "POST /api/apikeys/1";

pub(super) const ENSURE: &[&str] = &[
    "create",
    "--name",
    "ci",
    "--if-exists",
    "ensure",
    "--role",
    "Auditor",
];

pub(super) fn ensure(env: &TestEnv, more: &[&str]) -> RunResult {
    env.run(ENSURE.iter().chain(more))
}

pub(super) const FILE: &[&str] = &["--out-file", "ci.key", "--expires", "90d"];

/// The only key on the manager.
pub(super) fn key(env: &TestEnv) -> ApiKey {
    let mut keys = env.sandbox.api_keys();
    assert_eq!(keys.len(), 1, "{keys:?}");
    keys.remove(0)
}

/// A manager with the key `ci`, which is a day old. Its secret is in the file `ci.key`.
fn with_key() -> TestEnv {
    let env = with_new_key();
    env.sandbox.edit_key(1, |key| {
        key.created -= DAY;
        key.expiry_date = key.expiry_date.map(|expiry| expiry - DAY);
    });
    env
}

/// A manager with the new key `ci`. Its secret is in the file `ci.key`.
pub(super) fn with_new_key() -> TestEnv {
    let env = TestEnv::new();
    ensure(&env, FILE).success();
    assert_eq!(read(env.home.path("ci.key")).trim(), key(&env).secret);
    env.sandbox.forget_requests();
    env
}

pub(super) fn changed(result: &RunResult) -> Value {
    let document = result.json();
    assert_eq!(document["meta"]["created"], false);
    document["meta"]["changed"].clone()
}

#[test]
fn a_missing_key_is_created() {
    let env = TestEnv::new();
    let result = ensure(&env, &[FILE, &["-o", "json"]].concat());
    let meta = &result.json()["meta"];
    assert_eq!(
        (&meta["created"], &meta["changed"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(read(env.home.path("ci.key")).trim(), key(&env).secret);
}

#[test]
fn a_second_run_changes_nothing() {
    let env = with_key();
    let before = key(&env);
    for format in ["text", "json"] {
        let result = ensure(&env, &[FILE, &["-o", format]].concat());
        result.success();
        contains(&result.stderr, &["`ci`", "as requested"]);
    }
    let expected = [
        "POST /api/sessions",
        SEARCH_ROLES,
        SEARCH_KEYS,
        "POST /api/policies/search",
    ];
    assert_eq!(env.calls(), [expected, expected].concat());
    let after = key(&env);
    assert_eq!(
        (after.secret, after.expiry_date),
        (before.secret, before.expiry_date)
    );
    let result = ensure(&env, &[FILE, &["-o", "json"]].concat());
    assert_eq!(changed(&result), false);
    assert_eq!(result.json()["meta"]["sinks"], json!([]));
    assert_eq!(env.sandbox.live_sessions(), 0);
}

#[test]
fn each_difference_is_fixed_and_reported() {
    let env = with_key();
    let before = key(&env);
    env.sandbox.edit_key(1, |key| {
        key.role_id = 1;
        key.expiry_date = Some(key.created + 30 * DAY);
        key.locale = "ja-JP".to_owned();
    });
    let more = [
        FILE,
        &["--description", "for CI", "--locale", "en-US", "-o", "json"],
    ]
    .concat();
    let result = ensure(&env, &more);
    assert_eq!(changed(&result), true);
    let changes = &result.json()["meta"]["changes"];
    assert_eq!(
        *changes,
        json!(["description", "roleID", "locale", "expiryDate"])
    );
    let after = key(&env);
    assert_eq!(after.role_id, 2);
    assert_eq!(after.expiry_date, Some(before.created + 90 * DAY));
    assert_eq!(after.secret, before.secret);
    let description = after.description.unwrap_or_default();
    assert_eq!(
        Some(description),
        before.description.map(|marker| format!("for CI {marker}"))
    );
    assert_eq!(count(&env.sandbox, CHANGE), 1);
    assert_eq!(changed(&ensure(&env, &more)), false);
    // A flag that is not set changes nothing.
    env.sandbox.edit_key(1, |key| key.expiry_date = None);
    let result = ensure(&env, &["--out-file", "ci.key", "-o", "json"]);
    assert_eq!(changed(&result), false);
}

#[test]
fn a_missing_or_dead_secret_is_replaced() {
    for content in [None, Some(""), Some("T:dead")] {
        let env = with_key();
        let before = key(&env);
        std::fs::remove_file(env.home.path("ci.key")).expect("the file is there");
        if let Some(content) = content {
            env.home.write_secret("ci.key", content);
        }
        let result = ensure(&env, &[FILE, &["-o", "json"]].concat());
        assert_eq!(changed(&result), true, "{content:?}");
        let after = key(&env);
        assert_ne!(after.secret, before.secret);
        assert_eq!(read(env.home.path("ci.key")).trim(), after.secret);
        assert_eq!(count(&env.sandbox, RESET), 1);
        assert_eq!(count(&env.sandbox, CREATE), 0);
        assert_eq!(
            changed(&ensure(&env, &[FILE, &["-o", "json"]].concat())),
            false
        );
    }
}

#[test]
fn every_destination_must_have_the_secret() {
    let env = with_key();
    let more = [
        FILE,
        &[
            "--dotenv",
            "env",
            "--deliver-cmd",
            "sh -c 'cat > stored'",
            "-o",
            "json",
        ],
    ]
    .concat();
    assert_eq!(changed(&ensure(&env, &more)), true);
    let secret = key(&env).secret;
    for file in ["ci.key", "env", "stored"] {
        contains(&read(env.home.path(file)), &[&secret]);
    }
    assert_eq!(changed(&ensure(&env, &more)), false);
    // A command cannot be asked, so it leads to no change.
    std::fs::remove_file(env.home.path("stored")).expect("the file is there");
    let only = ["--deliver-cmd", "sh -c 'cat > stored'", "-o", "json"];
    assert_eq!(changed(&ensure(&env, &only)), false);
    assert_eq!(key(&env).secret, secret);
}

#[test]
fn what_cannot_be_checked_leads_to_no_change() {
    let env = with_key();
    let before = key(&env);
    env.home.write_secret("ci.key", "a\nb\n");
    let result = ensure(&env, FILE);
    contains(result.failure(12), &["ci.key", "no new secret"]);
    let other = env.sandbox.add_key("other", 2);
    env.home.write_secret("ci.key", &other.secret);
    let result = ensure(&env, FILE);
    contains(result.failure(6), &["ci.key", "different key (ID 2)"]);
    assert_eq!(env.sandbox.api_keys()[0].secret, before.secret);
    assert_eq!(count(&env.sandbox, RESET), 0);
}

#[test]
fn a_key_that_cannot_work_is_left() {
    for (edit, parts) in [
        (
            (|key| key.active = false) as fn(&mut ApiKey),
            &["is locked", "unlock-key 1"],
        ),
        (
            |key| key.expiry_date = Some(key.created - DAY),
            &["has expired", "rotate-key 1"],
        ),
    ] {
        let env = with_key();
        env.sandbox.edit_key(1, edit);
        let result = ensure(&env, &["--out-file", "ci.key"]);
        contains(result.failure(6), parts);
        assert_eq!(count(&env.sandbox, CHANGE) + count(&env.sandbox, RESET), 0);
    }
}

#[test]
fn a_dry_run_reports_the_changes() {
    let env = with_key();
    let dry = [FILE, &["--dry-run", "-o", "json"]].concat();
    assert_eq!(changed(&ensure(&env, &dry)), false);
    env.sandbox.edit_key(1, |key| key.role_id = 1);
    let before = key(&env);
    let result = ensure(&env, &dry);
    assert_eq!(changed(&result), true);
    contains(&result.stderr, &["would change"]);
    std::fs::remove_file(env.home.path("ci.key")).expect("the file is there");
    let result = ensure(&env, &dry);
    assert_eq!(changed(&result), true);
    contains(&result.stderr, &["would create a new secret"]);
    assert_eq!(result.json()["ID"], 1);
    let after = key(&env);
    assert_eq!(
        (after.secret, after.role_id),
        (before.secret, before.role_id)
    );
    assert!(!env.home.path("ci.key").exists());
}

#[test]
fn destinations_that_do_not_last_are_refused() {
    let env = TestEnv::new();
    for more in [
        &[][..],
        &["--out-file", "-"],
        &["--github-output", "key"],
        &["--github-env", "KEY"],
    ] {
        let result = ensure(&env, more);
        contains(result.failure(2), &["--if-exists ensure", "--out-file"]);
    }
    nothing_was_sent(&env.sandbox);
}

#[test]
fn several_keys_with_the_name_are_a_conflict() {
    let env = TestEnv::new();
    for _ in 0..2 {
        env.sandbox.add_key("ci", 2);
    }
    contains(ensure(&env, FILE).failure(6), &["1, 2"]);
}

/// A run must not replace a file of the user by mistake.
#[test]
fn a_new_key_replaces_no_file_with_other_content() {
    let env = TestEnv::new();
    env.home.write("ci.key", "first line\nsecond line\n");
    contains(ensure(&env, FILE).failure(2), &["ci.key"]);
    assert_eq!(env.sandbox.api_keys(), []);
    assert_eq!(read(env.home.path("ci.key")), "first line\nsecond line\n");
    assert_eq!(env.run(["recover", "--list"]).success(), "");
}

/// The manager rejects every secret of an expired key, so its secret is used only after the expiry was changed.
#[test]
fn the_secret_of_an_expired_key_is_kept_if_the_expiry_is_extended() {
    let env = with_key();
    let before = key(&env);
    env.sandbox.edit_key(before.id, |key| {
        key.created -= 20 * DAY;
        key.expiry_date = Some(key.created + 10 * DAY);
    });
    let result = ensure(&env, &[FILE, &["-o", "json"]].concat());
    assert_eq!(changed(&result), true);
    let after = key(&env);
    assert_eq!(after.secret, before.secret);
    assert_eq!(after.unsuccessful_sign_in_attempts, 0);
    assert_eq!(count(&env.sandbox, RESET), 0);
}

/// A gateway's response says nothing about the secret.
#[test]
fn a_401_response_of_a_gateway_leads_to_no_new_secret() {
    let env = with_key();
    let before = key(&env);
    let refusal = Action::Answer {
        status: 401,
        headers: Vec::new(),
        body: b"authentication required".to_vec(),
    };
    let fault = Fault::new("POST", "/api/policies/search", refusal);
    env.sandbox.inject(fault);
    let result = ensure(&env, FILE);
    contains(
        result.failure(12),
        &["ci.key", "other than the manager", "no new secret", "proxy"],
    );
    assert_eq!(key(&env).secret, before.secret);
    // The secret was not remembered as rejected.
    let result = ensure(&env, &[FILE, &["-o", "json"]].concat());
    assert_eq!(changed(&result), false);
    assert_eq!(count(&env.sandbox, RESET), 0);
}

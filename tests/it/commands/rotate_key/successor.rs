//! `rotate-key` creates one successor, and lets the old key expire.

use serde_json::json;
use swp_keys::sandbox::{ApiKey, Sandbox};

use crate::support::files::read;
use crate::support::files::record_count;
use crate::support::requests::{CREATE, bodies, count, nothing_was_sent};
use crate::support::snapshot::snapshot;
use crate::support::{RunResult, TestEnv, answering_unknowns, contains};

pub(super) const CHANGE: &str = "POST /api/apikeys/1";
pub(super) const DAY: i64 = 86_400_000;
pub(super) const ROTATE: [&str; 2] = ["rotate-key", "ci"];
/// Whether a manager allows two keys with the same name is unknown.
const DUPLICATES: [&str; 5] = ["accepted", "400", "403", "409", "500"];

/// Returns a manager with one key `ci` that is valid for 90 days, 30 of which have passed.
pub(super) fn env(duplicates: &str) -> TestEnv {
    let env = TestEnv::with(answering_unknowns(&[("duplicate-name", duplicates)]));
    add_ci(&env.sandbox);
    env
}

pub(super) fn add_ci(sandbox: &Sandbox) {
    let id = sandbox.add_key("ci", 2).id;
    let now = sandbox.now();
    sandbox.edit_key(id, |key| {
        key.description = Some("for the pipeline [swp-keys 0badcafe]".to_owned());
        key.locale = "ja-JP".to_owned();
        key.time_zone = "Asia/Tokyo".to_owned();
        key.created = now - 30 * DAY;
        key.expiry_date = Some(now + 60 * DAY);
    });
}

pub(super) fn rotate(env: &TestEnv, more: &[&str]) -> RunResult {
    env.run(ROTATE.iter().chain(more))
}

pub(super) fn key(sandbox: &Sandbox, id: i64) -> ApiKey {
    let keys = sandbox.api_keys();
    let key = keys.iter().find(|key| key.id == id).cloned();
    key.unwrap_or_else(|| panic!("no key {id} in {keys:?}"))
}

pub(super) fn name(key: &ApiKey) -> &str {
    key.name.as_deref().unwrap_or_default()
}

/// Asserts that a time is this many milliseconds from now by the manager's clock, with a tolerance for the duration of a run.
#[track_caller]
pub(super) fn is_in(sandbox: &Sandbox, time: Option<i64>, from_now: i64) {
    let expected = sandbox.now() + from_now;
    let time = time.expect("a time");
    assert!(
        (time - expected).abs() < 90_000,
        "{time} and not {expected}"
    );
}

/// Asserts the result of a rotation: one valid successor has the name, and the old key expires in a day.
#[track_caller]
pub(super) fn rotated(sandbox: &Sandbox, secret: &str) -> ApiKey {
    let keys = sandbox.api_keys();
    let named: Vec<_> = keys.iter().filter(|key| name(key) == "ci").collect();
    assert_eq!((keys.len(), named.len()), (2, 1), "{keys:?}");
    assert_eq!(named[0].secret, secret, "{keys:?}");
    assert_ne!(named[0].id, 1);
    let old = key(sandbox, 1);
    contains(name(&old), &["ci (retiring 20", "Z)"]);
    is_in(sandbox, old.expiry_date, DAY);
    named[0].clone()
}

#[test]
fn the_successor_takes_the_name_and_the_old_key_expires() {
    for duplicates in DUPLICATES {
        let env = env(duplicates);
        let before = key(&env.sandbox, 1);
        let result = rotate(&env, &[]);
        let new = rotated(&env.sandbox, result.success());
        assert_eq!(new.role_id, before.role_id);
        assert_eq!(
            (new.locale.as_str(), new.time_zone.as_str()),
            ("ja-JP", "Asia/Tokyo")
        );
        let description = new.description.as_deref().unwrap_or_default();
        assert!(
            description.starts_with("for the pipeline [swp-keys "),
            "{description}"
        );
        assert!(!description.contains("0badcafe"), "{description}");
        is_in(&env.sandbox, new.expiry_date, 90 * DAY);
        let old = key(&env.sandbox, 1);
        assert_eq!((old.secret, old.active), (before.secret, true));
        contains(&result.stderr, &["`ci (retiring "]);
        assert_eq!(record_count(&env.home), 0);
        assert_eq!(env.sandbox.live_sessions(), 0);
        // The expiry of the old key is set after the last request that creates a key. A rename comes first only if the manager requires unique names.
        let ends: Vec<_> = bodies(&env.sandbox, CHANGE)
            .iter()
            .map(|body| body.get("expiryDate").is_some())
            .collect();
        let expected = if duplicates == "accepted" {
            &[true][..]
        } else {
            &[false, true]
        };
        assert_eq!(ends, expected, "{duplicates}");
    }
}

#[test]
fn the_document_names_both_keys() {
    let env = env("accepted");
    let document = rotate(&env, &["-o", "json"]).json();
    assert_eq!(document["keyName"], json!("ci"));
    assert_eq!(document["secretKey"], json!(key(&env.sandbox, 2).secret));
    let old = &document["meta"]["predecessor"];
    // The document is printed before the old key is renamed, so the minute may differ.
    let name = old["keyName"].as_str().unwrap_or_default();
    assert!(name.starts_with("ci (retiring "), "{name}");
    assert_eq!(
        (&old["ID"], &old["previousName"]),
        (&json!(1), &json!("ci"))
    );
    is_in(&env.sandbox, old["expiryDate"].as_i64(), DAY);
    assert_eq!(document["meta"]["created"], json!(true));
}

/// If the secret goes to a file, the document is printed after the old key was renamed.
#[test]
fn the_document_and_the_note_contain_the_current_name_of_the_old_key() {
    for duplicates in ["accepted", "409"] {
        let env = env(duplicates);
        let result = rotate(&env, &["-o", "json", "--out-file", "key"]);
        let document = result.json();
        let old = &document["meta"]["predecessor"];
        let renamed = key(&env.sandbox, 1).name.unwrap_or_default();
        assert_eq!(old["keyName"], json!(renamed));
        assert_eq!(old["previousName"], json!("ci"));
        contains(&result.stderr, &[&format!("`{renamed}` (ID 1)")]);
    }
}

#[test]
fn the_secret_can_be_delivered_to_every_destination() {
    let env = env("409");
    let result = rotate(&env, &["--out-file", "key", "--verify", "--overlap", "7d"]);
    assert_eq!(result.success(), "2");
    let new = key(&env.sandbox, 2);
    assert_eq!(read(env.home.path("key")).trim_end(), new.secret);
    is_in(&env.sandbox, key(&env.sandbox, 1).expiry_date, 7 * DAY);
    assert!(new.last_sign_in.is_some(), "it was used once");
}

#[test]
fn the_lifetime_is_as_requested_or_that_of_the_old_key() {
    for (more, life) in [
        (&["--expires", "10d"][..], Some(10)),
        (&["--expires", "never"], None),
    ] {
        let env = env("accepted");
        rotate(&env, more).success();
        let end = key(&env.sandbox, 2).expiry_date;
        match life {
            Some(days) => is_in(&env.sandbox, end, days * DAY),
            None => assert_eq!(end, None),
        }
    }
    let env = TestEnv::new();
    env.sandbox.add_key("ci", 2);
    rotate(&env, &[]).success();
    assert_eq!(key(&env.sandbox, 2).expiry_date, None);
    assert!(key(&env.sandbox, 1).expiry_date.is_some());
}

#[test]
fn an_expiry_before_the_end_of_the_overlap_is_kept() {
    let env = env("accepted");
    let soon = env.sandbox.now() + 3_600_000;
    env.sandbox.edit_key(1, |key| key.expiry_date = Some(soon));
    let result = env.home.run(["rotate-key", "ci", "--overlap", "2h"]);
    result.success();
    contains(&result.stderr, &["note: the overlap is shorter"]);
    assert_eq!(key(&env.sandbox, 1).expiry_date, Some(soon));
    assert_eq!(bodies(&env.sandbox, CHANGE)[0].get("expiryDate"), None);
}

#[test]
fn times_depend_on_the_managers_clock() {
    let mut settings = answering_unknowns(&[]);
    settings.clock_skew_seconds = 7200;
    let env = TestEnv::with(settings);
    add_ci(&env.sandbox);
    let result = rotate(&env, &[]);
    rotated(&env.sandbox, result.success());
}

#[test]
fn an_unusable_key_is_reported() {
    let day_ago = |sandbox: &Sandbox| sandbox.now() - DAY;
    let env = env("accepted");
    env.sandbox.edit_key(1, |key| key.active = false);
    contains(&rotate(&env, &[]).stderr, &["ID 1"]);
    let env = super::successor::env("accepted");
    let end = day_ago(&env.sandbox);
    env.sandbox.edit_key(1, |key| key.expiry_date = Some(end));
    let result = rotate(&env, &[]);
    result.success();
    contains(&result.stderr, &["ID 1"]);
    assert_eq!(key(&env.sandbox, 1).expiry_date, Some(end));
}

#[test]
fn two_keys_with_one_name_are_reported_and_nothing_is_changed() {
    let env = env("accepted");
    env.sandbox.add_key("ci", 2);
    contains(rotate(&env, &[]).failure(6), &["IDs 1, 2"]);
    // The ID identifies the key, but a second key with the same name is still an error.
    contains(env.run(["rotate-key", "1"]).failure(6), &["`ci`", "ID 2"]);
    assert_eq!(env.sandbox.api_keys().len(), 2);
    assert_eq!(count(&env.sandbox, CREATE), 0);
}

#[test]
fn there_are_never_three_keys() {
    for duplicates in ["accepted", "409"] {
        let env = env(duplicates);
        let secret = rotate(&env, &[]).success().to_owned();
        for again in ["ci", "1", "2"] {
            let result = env.run(["rotate-key", again]);
            contains(result.failure(6), &["ID 1", "ID 2", "`ci (retiring"]);
            snapshot(&result.stderr);
        }
        rotated(&env.sandbox, &secret);
        // After the old key has expired, the successor can be rotated.
        env.sandbox
            .advance_clock(std::time::Duration::from_secs(25 * 3600));
        snapshot(env.run(["rotate-key", "1"]).failure(6));
        rotate(&env, &[]).success();
        let keys = env.sandbox.api_keys();
        assert_eq!(
            keys.iter().map(name).filter(|name| *name == "ci").count(),
            1
        );
        assert_eq!(name(&key(&env.sandbox, 3)), "ci");
        // The third key is valid for as long as the first one was, to the minute.
        is_in(&env.sandbox, key(&env.sandbox, 3).expiry_date, 90 * DAY);
    }
}

#[test]
fn a_key_can_rotate_itself() {
    for duplicates in ["accepted", "409"] {
        let mut env = TestEnv::with(answering_unknowns(&[("duplicate-name", duplicates)]));
        let own = env.sandbox.add_key("ci", 1);
        env.use_key(&own.secret);
        let result = rotate(&env, &[]);
        rotated(&env.sandbox, result.success());
    }
}

#[test]
fn a_dry_run_changes_nothing() {
    let env = env("409");
    let before = env.sandbox.api_keys();
    let result = rotate(&env, &["--dry-run"]);
    assert_eq!(result.success(), "");
    contains(&result.stderr, &["ID 2", "`ci` (ID 1)"]);
    let document = rotate(&env, &["--dry-run", "-o", "json"]).json();
    assert_eq!(document["meta"]["dryRun"], json!(true));
    let result = rotate(&env, &["--dry-run", "--in-place"]);
    contains(&result.stderr, &["`ci` (ID 1)"]);
    assert_eq!(env.sandbox.api_keys(), before);
    assert_eq!(record_count(&env.home), 0);
}

#[test]
fn invalid_arguments_are_rejected_before_anything_is_sent() {
    let env = TestEnv::new();
    for arguments in [
        &["rotate-key"][..],
        &["rotate-key", "ci", "--current"],
        &["rotate-key", "ci", "--overlap", "0"],
        &["rotate-key", "ci", "--overlap", "30s"],
        &["rotate-key", "ci", "--overlap", "9999999999y"],
        &["rotate-key", "ci", "--overlap", "1h", "--in-place"],
        &["rotate-key", "ci", "--expires", "1h", "--in-place"],
        &["rotate-key", "ci", "--expires", "2020-01-01"],
        &["rotate-key", "007"],
        &["rotate-key", "--current"],
    ] {
        env.run(arguments).failure(2);
    }
    nothing_was_sent(&env.sandbox);
}

#[test]
fn a_hidden_role_is_not_guessed() {
    let env = TestEnv::with(answering_unknowns(&[("answer-fields", "sparse")]));
    env.sandbox.add_key("ci", 2);
    snapshot(rotate(&env, &[]).failure(1));
    assert_eq!(count(&env.sandbox, CREATE), 0);
}

#[test]
fn the_successor_does_not_inherit_a_lifetime_of_minutes() {
    let env = env("accepted");
    let now = env.sandbox.now();
    env.sandbox.edit_key(1, |key| {
        key.created = now - 60_000;
        key.expiry_date = Some(now + 5 * 60_000);
    });
    let result = env.home.run(ROTATE);
    contains(result.failure(2), &["ID 1", "--expires"]);
    assert_eq!(count(&env.sandbox, CREATE), 0);
    let result = env.home.run(ROTATE.iter().chain(&["--expires", "90d"]));
    result.success();
    assert_eq!(env.sandbox.api_keys().len(), 2);
}

#[test]
fn an_expired_key_and_a_new_key_that_expires_within_the_overlap_are_warnings() {
    let env = env("accepted");
    let result = env.home.run(ROTATE.iter().chain(&["--expires", "2h"]));
    result.success();
    contains(&result.stderr, &["warning:", "before the overlap ends"]);
    let env = self::env("accepted");
    let now = env.sandbox.now();
    env.sandbox
        .edit_key(1, |key| key.expiry_date = Some(now - DAY));
    let result = env.home.run(ROTATE.iter().chain(&["--expires", "2h"]));
    result.success();
    contains(
        &result.stderr,
        &["warning:", "ID 1 expired at", "(ID 1) expired at"],
    );
    assert!(!result.stderr.contains("overlap ends"), "{}", result.stderr);
}

/// The old key of a rotation is marked in the list, so that it is not mistaken for a key that needs a rotation.
#[test]
fn the_old_key_is_marked_as_retiring() {
    let env = TestEnv::new();
    env.sandbox.add_key("ci", 2);
    env.run(["rotate-key", "ci"]).success();
    let list = env.run(["list-keys", "-o", "json"]).json();
    let marks: Vec<_> = (list["apiKeys"].as_array().expect("a list").iter())
        .map(|key| (&key["meta"]["retiring"], &key["meta"]["state"]))
        .collect();
    let active = json!("active");
    assert_eq!(marks, [(&json!(true), &active), (&json!(false), &active)]);
    let table = env.run(["list-keys", "--columns", "id,state"]);
    assert_eq!(table.success(), "1\tretiring\n2\tactive\n".trim_end());
}

//! `update-key` sends only the fields that differ, and prints the fields before and after the change.

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, ApiKey, Fault, Settings};

use crate::support::requests::{bodies, count};
use crate::support::responses::success_without_effect;
use crate::support::snapshot::snapshot;
use crate::support::tables::rows;
use crate::support::{TestEnv, answering_unknowns, contains};

const CHANGE: &str = "POST /api/apikeys/1";
const PATH: &str = "/api/apikeys/1";
const DAY: i64 = 86_400_000;
pub(super) const MARK: &str = "[swp-keys 1a2b3c4d]";

/// Returns an environment with a key `ci` with ID 1.
pub(super) fn with_key(settings: Settings, edit: impl FnOnce(&mut ApiKey)) -> TestEnv {
    let env = TestEnv::with(settings);
    env.sandbox.add_key("ci", 2);
    env.sandbox.edit_key(1, edit);
    env
}

pub(super) fn plain() -> TestEnv {
    with_key(Settings::default(), |_| {})
}

pub(super) fn key(env: &TestEnv) -> ApiKey {
    env.sandbox.api_keys().remove(0)
}

pub(super) fn sent(env: &TestEnv) -> Vec<Value> {
    bodies(&env.sandbox, CHANGE)
}

#[test]
fn each_field_is_sent_alone_and_shown_before_and_after() {
    for (arguments, body, row) in [
        (
            ["--role", "Full Access"],
            json!({"roleID": 1}),
            vec!["Role", "Auditor (ID 2)", "Full Access (ID 1)"],
        ),
        (
            ["--role-id", "1"],
            json!({"roleID": 1}),
            vec!["Role", "Auditor (ID 2)", "Full Access (ID 1)"],
        ),
        (
            ["--name", "nightly"],
            json!({"keyName": "nightly"}),
            vec!["Name", "ci", "nightly"],
        ),
        (
            ["--description", "for CI"],
            json!({"description": "for CI"}),
            vec!["Description", "-", "for CI"],
        ),
        (
            ["--expires", "2099-01-31"],
            json!({"expiryDate": 4_073_587_199_999_i64}),
            vec!["Expires", "never", "2099-01-31 23:59 UTC"],
        ),
        (
            ["--locale", "ja-JP"],
            json!({"locale": "ja-JP"}),
            vec!["Locale", "en-US", "ja-JP"],
        ),
        (
            ["--time-zone", "Asia/Tokyo"],
            json!({"timeZone": "Asia/Tokyo"}),
            vec!["Time zone", "America/New_York", "Asia/Tokyo"],
        ),
    ] {
        let env = plain();
        let secret = key(&env).secret;
        let result = env.run([&["update-key", "ci"][..], &arguments].concat());
        let expected = [row];
        assert_eq!(rows(result.success()), expected, "{arguments:?}");
        contains(&result.stderr, &["(ID 1)"]);
        assert_eq!(sent(&env), [body]);
        assert_eq!(key(&env).secret, secret);
        assert_eq!(env.sandbox.live_sessions(), 0);
    }
}

#[test]
fn json_contains_the_changed_key_and_the_changes() {
    let env = plain();
    let arguments = [
        "update-key",
        "1",
        "--name",
        "ci",
        "--locale",
        "ja-JP",
        "--role-id",
        "1",
    ];
    let document = env.run([&arguments[..], &["-o", "json"]].concat()).json();
    assert_eq!(sent(&env), [json!({"roleID": 1, "locale": "ja-JP"})]);
    assert_eq!(
        (&document["ID"], &document["roleID"]),
        (&json!(1), &json!(1))
    );
    let changes = json!({
        "roleID": {"before": 2, "after": 1},
        "locale": {"before": "en-US", "after": "ja-JP"}
    });
    assert_eq!(document["meta"]["changes"], changes);
    assert_eq!(document["meta"]["changed"], true);
    assert_eq!(count(&env.sandbox, "POST /api/roles/search"), 0, "IDs do");
}

#[test]
fn an_unchanged_key_causes_no_request() {
    let env = with_key(Settings::default(), |key| {
        key.description = Some("for CI".to_owned());
    });
    let arguments = [
        "update-key",
        "ci",
        "--role",
        "Auditor",
        "--name",
        "ci",
        "--description",
        "for CI",
        "--expires",
        "never",
        "--locale",
        "en-US",
        "--time-zone",
        "America/New_York",
        "--no-mark",
    ];
    let result = env.run(arguments);
    assert_eq!(result.success(), "");
    contains(&result.stderr, &["`ci` (ID 1)"]);
    let document = env.run([&arguments[..], &["-o", "json"]].concat()).json();
    assert_eq!(document["meta"]["changed"], false);
    assert_eq!(document["meta"]["changes"], json!({}));
    assert_eq!(sent(&env), [0; 0]);
}

#[test]
fn a_dry_run_shows_and_changes_nothing() {
    let env = with_key(Settings::default(), |key| {
        key.expiry_date = Some(key.created + 5 * DAY);
    });
    let before = env.sandbox.api_keys();
    let arguments = [
        "update-key",
        "ci",
        "--name",
        "new",
        "--expires",
        "never",
        "--dry-run",
    ];
    let result = env.run(arguments);
    let table = rows(result.success());
    assert_eq!(table[0], ["Name", "ci", "new"]);
    assert_eq!((table[1][0], table[1][2]), ("Expires", "never"));
    snapshot(&result.stderr);
    let document = env.run([&arguments[..], &["-o", "json"]].concat()).json();
    assert_eq!(document["keyName"], "ci");
    assert_eq!(document["meta"]["dryRun"], true);
    assert_eq!(document["meta"]["changed"], true);
    assert_eq!(
        document["meta"]["changes"]["expiryDate"]["after"],
        Value::Null
    );
    assert_eq!(env.sandbox.api_keys(), before);
    assert_eq!(sent(&env), [0; 0]);
}

/// A duration counts from the time of the manager's clock.
#[test]
fn an_expiry_counts_from_the_managers_clock() {
    for skew in [-3 * 86_400, 3 * 86_400] {
        let settings = Settings {
            clock_skew_seconds: skew,
            ..Settings::default()
        };
        let env = with_key(settings, |_| {});
        let result = env.run(["update-key", "ci", "--expires", "14d"]);
        snapshot(&result.stderr);
        result.success();
        let end = key(&env).expiry_date.expect("an end");
        assert!((end - env.sandbox.now() - 14 * DAY).abs() < 60_000);
    }
}

/// Whether 0 removes an expiry is unknown. The output and the exit code report whether the manager removed it.
#[test]
fn an_expiry_is_removed_or_the_failure_is_reported() {
    for (choices, code) in [
        (&[("expiry-zero", "clears")][..], 0),
        (&[("expiry-zero", "ignored")], 1),
        (&[("expiry-zero", "refused")], 1),
        (
            &[("expiry-zero", "refused"), ("past-expiry", "accepted")],
            0,
        ),
    ] {
        let env = with_key(answering_unknowns(choices), |key| {
            key.expiry_date = Some(key.created + 5 * DAY);
        });
        let result = env.run(["update-key", "ci", "--expires", "never"]);
        assert_eq!(result.code(), code, "{choices:?}: {}", result.stderr);
        snapshot(&result.stderr);
        assert_eq!(sent(&env), [json!({"expiryDate": 0})]);
        if code == 0 {
            contains(&result.stdout, &["Expires", "never"]);
        } else {
            contains(result.failure(code), &["--expires 520w"]);
        }
    }
    let env = with_key(answering_unknowns(&[("answer-fields", "sparse")]), |key| {
        key.expiry_date = Some(key.created + 5 * DAY);
    });
    let result = env.run(["update-key", "ci", "--expires", "never"]);
    snapshot(&result.stderr);
    assert_eq!(key(&env).expiry_date, None);
}

#[test]
fn a_change_without_effect_is_reported() {
    let env = with_key(answering_unknowns(&[("expiry-zero", "ignored")]), |key| {
        key.expiry_date = Some(key.created + 5 * DAY);
    });
    let arguments = [
        "update-key",
        "ci",
        "--expires",
        "never",
        "--locale",
        "ja-JP",
        "-o",
        "json",
    ];
    let error = env.run(arguments).json_error(12);
    let message = error["message"].as_str().expect("a message");
    snapshot(message);
    assert!(!message.contains("locale"), "{message}");
    assert_eq!(key(&env).locale, "ja-JP");
}

#[test]
fn a_success_without_effect_is_detected() {
    let env = plain();
    let body = json!({"ID": 1, "keyName": "new", "active": true});
    env.sandbox
        .inject(success_without_effect("POST", PATH, &body));
    let result = env.run(["update-key", "ci", "--name", "new"]);
    contains(result.failure(1), &["ci", "new"]);
    // This manager truncates long descriptions.
    let env = plain();
    let body = json!({"ID": 1, "keyName": "ci", "description": "too lo", "active": true});
    env.sandbox
        .inject(success_without_effect("POST", PATH, &body));
    (env.sandbox).inject(Fault::new("GET", PATH, Action::status(500, "Oops")).times(9));
    let result = env.run(["update-key", "ci", "--description", "too long"]);
    contains(result.failure(1), &["too lo", "too long"]);
}

#[test]
fn a_lost_response_is_reconciled() {
    let env = plain();
    let lost = Fault::new("POST", PATH, Action::Drop).times(9);
    env.sandbox.inject(lost.clone().after());
    let result = env.run(["update-key", "ci", "--name", "new", "--retries", "0"]);
    snapshot(&result.stderr);
    result.success();
    let env = plain();
    env.sandbox.inject(lost);
    let result = env.run(["update-key", "ci", "--name", "new", "--retries", "0"]);
    snapshot(result.failure(8));
}

#[test]
fn the_marker_in_the_description_is_kept() {
    let marked = format!("for CI {MARK}");
    for (arguments, expected) in [
        (&["--description", "new"][..], format!("new {MARK}")),
        (&["--description", ""], MARK.to_owned()),
        (&["--description", "new", "--no-mark"], "new".to_owned()),
        (&["--no-mark"], "for CI".to_owned()),
    ] {
        let description = marked.clone();
        let env = with_key(Settings::default(), |key| {
            key.description = Some(description)
        });
        env.run([&["update-key", "ci"], arguments].concat())
            .success();
        assert_eq!(key(&env).description, Some(expected), "{arguments:?}");
    }
    let env = with_key(Settings::default(), |key| key.description = Some(marked));
    let foreign = "mine [swp-keys 99999999]";
    let result = env.run(["update-key", "ci", "--description", foreign]);
    snapshot(result.failure(2));
}

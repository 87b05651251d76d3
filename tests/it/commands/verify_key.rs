//! `verify-key` checks whether a secret works, and prints its key and expiry.

use std::time::Duration;

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, Fault, Settings};

use crate::support::snapshot::snapshot;
use crate::support::tables::squeezed;
use crate::support::{TestEnv, answering_unknowns, contains};

const CURRENT: &str = "GET /api/apikeys/current";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns an environment without a password, and a key of this role in the file `key`.
pub(super) fn with_key(role_id: i64, settings: Settings) -> (TestEnv, i64, String) {
    let mut env = TestEnv::with(settings);
    env.home.unset("SWP_USERNAME");
    env.home.unset("SWP_PASSWORD_FILE");
    let key = env.sandbox.add_key("reporting", role_id);
    env.home.write_secret("key", &format!("{}\n", key.secret));
    (env, key.id, key.secret)
}

fn ends_in(env: &TestEnv, id: i64, time: Duration) {
    let end = env.sandbox.now() + i64::try_from(time.as_millis()).expect("a time");
    assert!(env.sandbox.edit_key(id, |key| key.expiry_date = Some(end)));
}

#[test]
fn a_key_that_works_is_described() {
    let (env, id, secret) = with_key(1, Settings::default());
    ends_in(&env, id, 30 * DAY + DAY / 2);
    let result = env.run(["verify-key", "--key-file", "key", "-vv"]);
    result.success();
    contains(
        &squeezed(&result.stdout),
        &[
            "Works yes\nKey reporting (ID 1)\nRole Full Access (ID 1)\nState active\nExpires 20",
            "Z\nLast sign-in 20",
            "\nTenant ",
            &format!("\nManager {}\n", env.sandbox.url()),
        ],
    );
    assert!(!result.stderr.contains(&secret) && !result.stdout.contains(&secret));
    assert_eq!(env.calls(), [CURRENT, "GET /api/roles/1"]);
}

#[test]
fn json_contains_the_managers_object() {
    let (env, id, secret) = with_key(1, Settings::default());
    let result = env.run(["verify-key", "--key-file", "key", "-o", "json"]);
    let answer = result.json();
    assert_eq!(answer["ID"], id);
    assert_eq!(answer["keyName"], "reporting");
    assert_eq!(answer["roleID"], 1);
    assert!(answer["tenantGUID"].is_string());
    assert_eq!(answer["meta"]["works"], true);
    assert_eq!(answer["meta"]["role"], "Full Access");
    assert_eq!(answer["meta"]["manager"], env.sandbox.url());
    assert!(!result.stdout.contains(&secret));
    let result = env.run(["verify-key", "--key-file", "key", "-o", "jsonl"]);
    assert_eq!(result.stdout.lines().count(), 1);
    env.run(["verify-key", "--key-file", "key", "-o", "env"])
        .failure(2);
}

#[test]
fn the_secret_comes_from_stdin_a_file_or_the_environment_in_this_order() {
    let (mut env, _, secret) = with_key(1, Settings::default());
    let other = env.sandbox.add_key("other", 1).secret;
    let result = env
        .home
        .run_with_stdin(["verify-key", "--key-file", "-"], &format!("{secret}\n"));
    contains(result.success(), &["reporting"]);
    env.home.set("SWP_API_KEY", &other);
    contains(env.run(["verify-key"]).success(), &["other"]);
    contains(
        env.run(["verify-key", "--key-file", "key"]).success(),
        &["reporting"],
    );
    contains(
        env.run(["verify-key", "--api-key-file", "key"]).success(),
        &["reporting"],
    );
    env.home.set("SWP_API_KEY_FILE", env.home.path("key"));
    contains(env.run(["verify-key"]).success(), &["reporting"]);
    let both = env.run(["verify-key", "--key-file", "key", "--api-key-file", "key"]);
    contains(both.failure(2), &["--key-file", "--api-key-file"]);
}

#[test]
fn without_a_secret_nothing_is_sent_and_no_password_is_used() {
    let env = TestEnv::new();
    contains(
        env.run(["verify-key"]).failure(2),
        &["--key-file", "SWP_API_KEY"],
    );
    env.run(["verify-key", "--key-file", "none"]).failure(2);
    assert_eq!(env.sandbox.requests(), []);
}

#[test]
fn a_secret_that_does_not_work_fails_the_check_and_is_tried_once() {
    type Spoil = fn(&TestEnv, i64);
    let unusable: [Spoil; 4] = [
        |env, id| {
            assert!(env.sandbox.edit_key(id, |key| key.expiry_date = Some(1)));
        },
        |env, id| {
            assert!(env.sandbox.edit_key(id, |key| key.active = false));
        },
        |env, id| assert!(env.sandbox.remove_key(id)),
        |env, id| {
            let new = "1:bmV3".to_owned();
            assert!(env.sandbox.edit_key(id, |key| key.secret = new));
        },
    ];
    for make_unusable in unusable {
        let (env, id, secret) = with_key(1, answering_unknowns(&[("unusable-key", "401")]));
        make_unusable(&env, id);
        let result = env.run(["verify-key", "--key-file", "key", "-vv"]);
        let (stdout, stderr) = result.check_failed();
        contains(&squeezed(stdout), &["Works no\n", &env.sandbox.url()]);
        contains(stderr, &["--key-file", "hint: "]);
        assert!(!stderr.contains(&secret));
        assert_eq!(env.calls(), [CURRENT], "never a second try");
    }
}

#[test]
fn a_401_response_of_a_gateway_does_not_show_whether_the_secret_works() {
    let (env, _, _) = with_key(1, Settings::default());
    let refusal = Action::Answer {
        status: 401,
        headers: Vec::new(),
        body: b"authentication required".to_vec(),
    };
    env.sandbox
        .inject(Fault::new("GET", "/api/apikeys/current", refusal));
    let result = env.run(["verify-key", "--key-file", "key", "-o", "json"]);
    let (stdout, _) = result.check_failed();
    let document: Value = serde_json::from_str(stdout).expect("JSON");
    assert_eq!(document["works"], Value::Null);
    assert_eq!(document["meta"]["reason"], "unknown");
}

/// A failed check prints the document to stdout and an error object to stderr.
#[test]
fn a_failed_check_prints_a_document_and_an_error() {
    let (env, id, _) = with_key(1, Settings::default());
    assert!(env.sandbox.remove_key(id));
    let result = env.run(["verify-key", "--key-file", "key", "-o", "json"]);
    let (stdout, stderr) = result.check_failed();
    let answer: Value = serde_json::from_str(stdout).expect("one document");
    assert_eq!(answer["meta"]["works"], false);
    assert_eq!(answer["works"], false);
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(2));
    let error: Value = serde_json::from_str(stderr).expect("one error");
    assert_eq!(error["error"]["code"], "said-no");
    assert_eq!(error["error"]["exit"], 13);
    assert_eq!(error["error"]["http"], 401);
    assert_eq!(error["error"]["retryable"], false);
}

#[test]
fn a_key_that_may_not_view_itself_still_works() {
    // Role 2 is Auditor, which may view policies but not keys.
    let (env, ..) = with_key(2, Settings::default());
    let result = env.run(["verify-key", "--key-file", "key"]);
    contains(&squeezed(result.success()), &["Works yes"]);
    assert_eq!(env.calls(), [CURRENT, "POST /api/policies/search"]);
    let result = env.run(["verify-key", "--key-file", "key", "-o", "json"]);
    let url = env.sandbox.url();
    let answer = result.json();
    assert_eq!(answer["meta"]["works"], true);
    assert_eq!(answer["meta"]["manager"], url);
    assert_eq!(answer["ID"], Value::Null);
    // The expiry cannot be read, so the check fails.
    let result = env.run(["verify-key", "--key-file", "key", "--fail-within", "1d"]);
    let (stdout, stderr) = result.check_failed();
    contains(&squeezed(stdout), &["Works yes"]);
    snapshot(stderr);
}

/// The choices of the manager, the reported cause, and the change that makes the key unusable.
type Unusable<'a> = (&'a [(&'a str, &'a str)], &'a str, fn(&TestEnv, i64));

#[test]
fn after_a_403_no_success_is_reported() {
    let bare = [("refused-key", "403"), ("error-body", "empty")];
    let unusable: [Unusable<'_>; 4] = [
        (&bare[..1], "no\n", |env, id| {
            assert!(env.sandbox.remove_key(id))
        }),
        (&bare, "unknown\n", |env, id| {
            assert!(env.sandbox.remove_key(id))
        }),
        (&[], "unknown\n", |env, id| {
            assert!(env.sandbox.edit_key(id, |key| key.active = false));
        }),
        (&[], "unknown\n", |env, id| {
            assert!(env.sandbox.edit_key(id, |key| key.expiry_date = Some(1)));
        }),
    ];
    for (choices, expected, make_unusable) in unusable {
        let (env, id, _) = with_key(1, answering_unknowns(choices));
        make_unusable(&env, id);
        let result = env.run(["verify-key", "--key-file", "key"]);
        contains(
            &squeezed(result.check_failed().0),
            &[&format!("Works {expected}")],
        );
        let result = env.run(["verify-key", "--key-file", "key", "-o", "json"]);
        let answer: Value = serde_json::from_str(result.check_failed().0).expect("JSON");
        let parts = if expected == "no\n" {
            json!(false)
        } else {
            Value::Null
        };
        assert_eq!(answer["meta"]["works"], parts);
    }
}

#[test]
fn fail_within_depends_on_the_managers_clock() {
    for skew in [0, 40 * 24 * 60 * 60] {
        let (env, id, _) = with_key(
            1,
            Settings {
                clock_skew_seconds: skew,
                ..Settings::default()
            },
        );
        let gate = ["verify-key", "--key-file", "key", "--fail-within", "14d"];
        env.run(gate).success();
        ends_in(&env, id, 15 * DAY);
        env.run(gate).success();
        ends_in(&env, id, 13 * DAY + DAY / 2);
        let result = env.run(gate);
        let (stdout, stderr) = result.check_failed();
        contains(&squeezed(stdout), &["Works yes", "State active"]);
        contains(stderr, &["`reporting` (ID 1)", "14d"]);
        let error = env.run(gate.iter().chain(&["-o", "json"]));
        let error: Value = serde_json::from_str(error.check_failed().1).expect("one error");
        assert_eq!(error["error"]["keyID"], id);
    }
    let (env, ..) = with_key(1, Settings::default());
    for nonsense in ["soon", "0s", ""] {
        env.run(["verify-key", "--key-file", "key", "--fail-within", nonsense])
            .failure(2);
    }
    assert_eq!(env.sandbox.requests(), []);
}

/// An error that does not concern the secret is not a failed check.
#[test]
fn an_unreachable_manager_is_not_a_failed_check() {
    let (mut env, ..) = with_key(1, Settings::default());
    let verify = ["verify-key", "--key-file", "key", "--retries", "0"];
    let refuse = |status| Fault::new("GET", "*", Action::status(status, "no")).times(1);
    for (status, code) in [(500, 1), (503, 8), (429, 9)] {
        env.sandbox.inject(refuse(status));
        env.run(verify).failure(code);
    }
    env.home.unset("SWP_CA_CERT");
    env.run(verify).failure(7);
    env.home.set("SWP_URL", "https://127.0.0.1:1");
    env.run(verify).failure(8);
}

#[test]
fn missing_fields_are_omitted() {
    let (env, ..) = with_key(1, answering_unknowns(&[("answer-fields", "sparse")]));
    let result = env.run(["verify-key", "--key-file", "key"]);
    contains(
        &squeezed(result.success()),
        &["Works yes\nKey reporting (ID 1)\nState unknown\nExpires never\n"],
    );
}

#[test]
fn a_key_that_may_not_view_itself_is_explained() {
    let (env, ..) = with_key(2, Settings::default());
    let result = env.run(["verify-key", "--key-file", "key"]);
    result.success();
    contains(&result.stderr, &["note:", "works", "API keys"]);
    let result = env.run(["verify-key", "--key-file", "key", "-q"]);
    result.success();
    assert_eq!(result.stderr, "");
}

/// `meta.reason` says why the check failed.
#[test]
fn the_reason_of_a_failed_check_is_in_the_output() {
    let verify = |env: &TestEnv, more: &[&str]| {
        let first = ["verify-key", "--key-file", "key", "-o", "json"];
        let result = env.run(first.iter().chain(more));
        let document: Value = serde_json::from_str(&result.stdout).expect("JSON");
        (result.code(), document["meta"]["reason"].clone())
    };
    let within = ["--fail-within", "14d"];
    let (env, id, _) = with_key(1, Settings::default());
    assert_eq!(verify(&env, &within), (0, Value::Null));
    ends_in(&env, id, 3 * DAY);
    assert_eq!(verify(&env, &within), (13, json!("expires-soon")));
    env.home.write_secret("key", "1:wrong");
    assert_eq!(verify(&env, &[]), (13, json!("rejected")));
    let (env, ..) = with_key(2, Settings::default());
    assert_eq!(verify(&env, &within), (13, json!("expiry-unknown")));
}

/// The key of an Auditor cannot read its own expiry. The suggested command reads it with other credentials.
#[test]
fn show_key_checks_the_expiry_of_a_key_that_cannot_view_itself() {
    let (env, ..) = with_key(2, Settings::default());
    let result = env.run(["verify-key", "--key-file", "key", "--fail-within", "14d"]);
    contains(&result.stderr, &["swp-keys show-key KEY --fail-within 14d"]);
    let env = TestEnv::new();
    let id = env.sandbox.add_key("ci", 2).id;
    let show = ["show-key", "ci", "--fail-within", "14d"];
    env.run(show).success();
    let day = 86_400_000;
    for (left, part) in [(3 * day, "expires at"), (-day, "expired at")] {
        let end = env.sandbox.now() + left;
        env.sandbox.edit_key(id, |key| key.expiry_date = Some(end));
        for format in ["text", "json", "tsv"] {
            let result = env.run(show.iter().chain(&["-o", format]));
            assert_eq!(result.code(), 13, "{}", result.stderr);
            contains(&result.stdout, &["ci"]);
            contains(&result.stderr, &[part, "rotate-key 1"]);
        }
    }
    ends_in(&env, id, 15 * DAY);
    env.run(show).success();
    let old = |key: &mut swp_keys::sandbox::ApiKey| {
        key.name = Some("ci (retiring 2026-11-24T09:00Z)".to_owned());
    };
    env.sandbox.edit_key(id, old);
    ends_in(&env, id, DAY);
    let result = env.run(["show-key", "1", "--fail-within", "14d"]);
    contains(&result.stderr, &["use the key `ci`"]);
    assert!(!result.stderr.contains("rotate-key"), "{}", result.stderr);
}

//! `delete-key`: all keys are found before the first one is deleted, each deletion is verified, and each result is reported.

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, Fault, SecretShape, Settings};

use crate::support::requests::{count, nothing_was_sent};
use crate::support::responses::{success, success_without_effect};
use crate::support::tables::rows;
use crate::support::{TestEnv, answering_unknowns, contains};

const PATH: &str = "/api/apikeys/1";
pub(super) const DELETE: &str = "DELETE /api/apikeys/1";

/// Returns an environment with the keys `a`, `b` and `c`, whose IDs are 1, 2 and 3.
pub(super) fn with_keys(settings: Settings) -> TestEnv {
    let env = TestEnv::with(settings);
    for name in ["a", "b", "c"] {
        env.sandbox.add_key(name, 2);
    }
    env
}

pub(super) fn remaining_ids(env: &TestEnv) -> Vec<i64> {
    env.sandbox.api_keys().iter().map(|key| key.id).collect()
}

#[test]
fn keys_are_deleted_by_name_and_id_and_each_deletion_is_verified() {
    let env = with_keys(Settings::default());
    let result = env.run(["delete-key", "a", "3", "--yes"]);
    let expected = [vec!["1", "a", "gone"], vec!["3", "c", "gone"]];
    assert_eq!(rows(result.success()), expected);
    assert_eq!(remaining_ids(&env), [2]);
    assert_eq!(count(&env.sandbox, "GET /api/apikeys/1"), 1, "looked for");
    assert_eq!(env.sandbox.live_sessions(), 0);
    env.run(["delete", "b", "-y"]).success();
    assert_eq!(remaining_ids(&env), [0; 0]);
}

#[test]
fn json_has_each_result() {
    let env = with_keys(Settings::default());
    let arguments = [
        "delete-key",
        "a",
        "77",
        "b",
        "a",
        "2",
        "--yes",
        "--if-missing",
        "ok",
        "-o",
        "json",
    ];
    let document = env.run(arguments).json();
    // The results have the order of the arguments.
    let keys = json!([
        {"ID": 1, "keyName": "a", "meta": {"result": "gone", "changed": true}},
        {"ID": 77, "meta": {"result": "was gone already", "changed": false}},
        {"ID": 2, "keyName": "b", "meta": {"result": "gone", "changed": true}}
    ]);
    assert_eq!(document["apiKeys"], keys);
    let meta = json!({"manager": env.sandbox.url(), "changed": true});
    assert_eq!(document["meta"], meta);
    let result = env.run(["delete-key", "c", "--yes", "-o", "jsonl"]);
    let line: Value = serde_json::from_str(result.success()).expect("a line");
    assert_eq!(line["meta"]["result"], "gone");
}

#[test]
fn a_dry_run_deletes_nothing() {
    let env = with_keys(Settings::default());
    let arguments = ["delete-key", "a", "77", "--if-missing", "ok", "--dry-run"];
    let expected = [
        vec!["1", "a", "would be deleted"],
        vec!["77", "-", "was gone already"],
    ];
    let result = env.run(arguments);
    assert_eq!(rows(result.success()), expected);
    contains(&result.stderr, &["dry run"]);
    let document = env.run([&arguments[..], &["-o", "json"]].concat()).json();
    let keys = json!([
        {"ID": 1, "keyName": "a", "meta": {"result": "would be deleted", "changed": true, "dryRun": true}},
        {"ID": 77, "meta": {"result": "was gone already", "changed": false}},
    ]);
    assert_eq!(document["apiKeys"], keys);
    assert_eq!(document["meta"]["changed"], true);
    let missing = ["delete-key", "77", "--if-missing", "ok", "--dry-run"];
    let document = env.run([&missing[..], &["-o", "json"]].concat()).json();
    assert_eq!(document["meta"]["changed"], false);
    env.run(["delete-key", "77", "--dry-run"]).failure(3);
    assert_eq!(remaining_ids(&env), [1, 2, 3]);
}

#[test]
fn a_missing_key_is_an_error_unless_missing_keys_are_ignored() {
    for choices in [
        &[][..],
        &[("delete-missing", "accepted")],
        &[("error-body", "empty")],
        &[("error-body", "html")],
    ] {
        let env = with_keys(answering_unknowns(choices));
        for missing in ["77", "bb"] {
            let stderr = env.run(["delete-key", "a", missing, "--yes"]);
            contains(stderr.failure(3), &[missing, "hint: "]);
            assert_eq!(remaining_ids(&env), [1, 2, 3]);
        }
        let result = env.run([
            "delete-key",
            "a",
            "gone",
            "77",
            "--yes",
            "--if-missing",
            "ok",
        ]);
        contains(result.success(), &["77", "was gone already"]);
        assert_eq!(remaining_ids(&env), [2, 3]);
        let again = ["delete-key", "1", "--yes", "--if-missing", "ok"];
        contains(env.run(again).success(), &["was gone"]);
    }
}

#[test]
fn the_former_name_of_the_flag_means_the_same() {
    let env = with_keys(Settings::default());
    let result = env.run(["delete-key", "a", "77", "--yes", "--ignore-missing"]);
    contains(result.success(), &["was gone already"]);
    assert_eq!(remaining_ids(&env), [2, 3]);
    let fail = ["delete-key", "77", "--yes", "--if-missing", "fail"];
    env.run(fail).failure(3);
    env.run(fail.iter().chain(&["--ignore-missing"])).failure(2);
}

#[test]
fn all_keys_are_found_before_one_is_deleted() {
    let env = with_keys(Settings::default());
    env.sandbox.add_key("duplicate", 2);
    env.sandbox.add_key("duplicate", 2);
    let stderr = env.run(["delete-key", "a", "duplicate", "b", "--yes"]);
    contains(stderr.failure(6), &["4, 5"]);
    assert_eq!(remaining_ids(&env), [1, 2, 3, 4, 5]);
    for arguments in [
        &["delete-key", "--yes"][..],
        &["delete-key", "a", "", "--yes"],
    ] {
        env.run(arguments).failure(2);
    }
    let fresh = TestEnv::new();
    for arguments in [
        &["delete-key", "a", "007", "--yes"][..],
        &["delete-key", "a", "-o", "env", "--yes"],
    ] {
        fresh.run(arguments).failure(2);
    }
    nothing_was_sent(&fresh.sandbox);
}

#[test]
fn without_a_terminal_or_yes_nothing_is_deleted() {
    let env = with_keys(Settings::default());
    let stderr = env.run(["delete-key", "a"]);
    contains(stderr.failure(2), &["--yes"]);
    nothing_was_sent(&env.sandbox);
}

/// The role may view keys, but not delete them.
#[test]
fn a_missing_right_to_delete_keys_is_reported() {
    let rights = json!({"platformRights": {"apikeyRights": {"canViewApiKeys": true}}});
    let role = json!({"name": "Viewer", "ID": 9, "allowWebService": true, "rights": rights});
    let env = with_keys(Settings {
        roles: vec![role],
        administrator_role: 9,
        ..Settings::default()
    });
    let error = env.run(["delete-key", "a", "--yes", "-o", "json"]);
    let error = error.json_error(5);
    assert_eq!((&error["http"], &error["keyID"]), (&json!(403), &json!(1)));
    let result = env.run(["delete-key", "a", "b", "--yes"]);
    assert_eq!(result.code(), 12);
    assert_eq!(remaining_ids(&env), [1, 2, 3]);
}

/// With several keys, the document reports each result, and the exit code reports a partial failure.
#[test]
fn partial_failures_are_distinguished() {
    let env = with_keys(Settings::default());
    let refused = Action::status(403, "Not this one.");
    let fault = || Fault::new("DELETE", "/api/apikeys/2", refused.clone());
    env.sandbox.inject(fault());
    let result = env.run(["delete-key", "a", "b", "c", "--yes", "-o", "json"]);
    assert_eq!(result.code(), 12, "{}", result.stderr);
    assert_eq!(remaining_ids(&env), [2]);
    let document: Value = serde_json::from_str(&result.stdout).expect("a document");
    let results: Vec<&Value> = (document["apiKeys"].as_array().expect("a list").iter())
        .map(|key| &key["meta"]["result"])
        .collect();
    assert_eq!(results, ["gone", "failed", "gone"]);
    assert_eq!(document["apiKeys"][1]["meta"]["error"]["code"], "forbidden");
    let last = result.stderr.lines().last().expect("a line");
    let error: Value = serde_json::from_str(last).expect("an error");
    assert_eq!(error["error"]["exit"], 12);
    env.sandbox.inject(fault());
    let alone = env.run(["delete-key", "b", "--yes"]);
    contains(alone.failure(5), &["Not this one."]);
}

#[test]
fn a_success_without_effect_is_detected() {
    let env = with_keys(Settings::default());
    (env.sandbox).inject(success_without_effect("DELETE", PATH, &Value::Null));
    let stderr = env.run(["delete-key", "a", "--yes"]).failure(1).to_owned();
    contains(&stderr, &["`a` (ID 1)", "hint: "]);
}

#[test]
fn a_lost_response_is_reconciled() {
    for action in [
        Action::Drop,
        Action::Cut(0),
        Action::status(500, "Oops"),
        Action::status(502, "Bad gateway"),
    ] {
        let env = with_keys(Settings::default());
        let fault = Fault::new("DELETE", PATH, action).after().times(99);
        env.sandbox.inject(fault);
        let result = env.run(["delete-key", "a", "--yes", "--retries", "1"]);
        contains(result.success(), &["gone"]);
    }
    let env = with_keys(Settings::default());
    let never = Fault::new("DELETE", PATH, Action::Drop).times(99);
    env.sandbox.inject(never);
    let result = env.run(["delete-key", "a", "--yes", "--retries", "0"]);
    result.failure(8);
    assert_eq!(remaining_ids(&env), [1, 2, 3]);
}

#[test]
fn an_unverified_deletion_is_not_reported_as_a_success() {
    let env = with_keys(Settings::default());
    let unseen = Fault::new("GET", PATH, Action::status(500, "Oops")).times(99);
    env.sandbox.inject(unseen);
    let error = env.run(["delete-key", "a", "--yes", "-o", "json"]);
    let error = error.json_error(11);
    let message = error["message"].as_str().expect("a message");
    contains(message, &["`a` (ID 1)"]);
    assert_eq!(error["keyID"], 1);
    // The key may be deleted, so the suggested command accepts a missing key.
    let hint = error["hint"].as_str().expect("a hint");
    let repeated = hint.split('`').nth(1).expect("a command");
    env.sandbox.clear_faults();
    assert_eq!(remaining_ids(&env), [2, 3]);
    env.run(repeated.split(' ').skip(1)).success();
}

/// A 404 with an HTML page may come from a proxy. It does not prove that the key is gone.
#[test]
fn a_404_from_a_proxy_proves_nothing() {
    let env = with_keys(Settings::default());
    let page = || Action::Answer {
        status: 404,
        headers: vec![("Content-Type".to_owned(), "text/html".to_owned())],
        body: b"<html><title>Not found</title></html>".to_vec(),
    };
    for method in ["DELETE", "GET"] {
        (env.sandbox).inject(Fault::new(method, PATH, page()).times(99));
    }
    for key in ["a", "1"] {
        env.run(["delete-key", key, "--yes"]).failure(3);
    }
    assert_eq!(remaining_ids(&env), [1, 2, 3]);
    let nothing = success(&json!({"apiKeys": []}));
    let search = Fault::new("POST", "/api/apikeys/search", nothing).times(99);
    env.sandbox.inject(search);
    let result = env.run(["delete-key", "1", "--yes", "--if-missing", "ok"]);
    contains(result.success(), &["was gone already"]);
}

/// A name that no longer exists is an error, so the hint selects the remaining keys by their IDs.
#[test]
fn the_hint_after_a_partial_failure_is_a_command_that_works() {
    for (command, method, flags) in [
        ("delete-key", "DELETE", &["--yes"][..]),
        ("delete-key", "DELETE", &["--yes", "--force"]),
        ("lock-key", "POST", &[]),
        ("lock-key", "POST", &["--force"]),
        ("unlock-key", "POST", &[]),
    ] {
        let env = with_keys(Settings::default());
        if command == "unlock-key" {
            env.run(["lock-key", "a", "b", "c"]).success();
        }
        let failed = Action::status(500, "");
        (env.sandbox).inject(Fault::new(method, "/api/apikeys/2", failed).times(99));
        let result = env.run([&[command, "a", "b", "c"], flags].concat());
        assert_eq!(result.code(), 12, "{}", result.stderr);
        let warning = result
            .stderr
            .lines()
            .find(|line| line.starts_with("warning: "));
        contains(
            warning.expect("a warning"),
            &["the key `b` (ID 2)", "HTTP 500"],
        );
        let (_, hint) = result.stderr.split_once("hint: ").expect("a hint");
        let repeated = hint.split('`').nth(1).expect("a command");
        let expected = [&["swp-keys", command, "2"], flags].concat().join(" ");
        assert_eq!(repeated, expected);
        env.sandbox.clear_faults();
        env.run(repeated.split(' ').skip(1)).success();
    }
}

/// The outcome of the first deletion is unknown, and its cause affects the other keys too.
#[test]
fn a_rejected_credential_stops_the_run_although_an_outcome_is_unknown() {
    for (command, method) in [("delete-key", "DELETE"), ("lock-key", "POST")] {
        let env = with_keys(Settings::default());
        let failed = Action::status(502, "Bad gateway");
        (env.sandbox).inject(Fault::new(method, PATH, failed).times(99));
        let ended = Action::status(401, "The session has ended.");
        (env.sandbox).inject(Fault::new("GET", PATH, ended).times(99));
        let mut words = vec![command, "a", "b", "c"];
        words.extend((command == "delete-key").then_some("--yes"));
        let result = env.run(words);
        assert_eq!(result.code(), 12, "{}", result.stderr);
        contains(&result.stdout, &["failed", "not tried"]);
        assert_eq!(count(&env.sandbox, &format!("GET {PATH}")), 1);
        assert_eq!(count(&env.sandbox, &format!("{method} /api/apikeys/2")), 0);
    }
}

/// If the run went on with a rejected key, the manager would lock it in the end.
#[test]
fn after_a_failure_that_affects_all_keys_no_other_key_is_tried() {
    let env = with_keys(Settings::default());
    let ended = Action::status(401, "The session has ended.");
    env.sandbox
        .inject(Fault::new("DELETE", "/api/apikeys/*", ended).times(99));
    let result = env.run(["delete-key", "a", "b", "c", "--yes"]);
    assert_eq!(result.code(), 12);
    contains(
        &result.stdout,
        &["failed: could not delete the key", "not tried"],
    );
    assert_eq!(count(&env.sandbox, "DELETE /api/apikeys/2"), 0);
    assert_eq!(remaining_ids(&env), [1, 2, 3]);
}

#[test]
fn the_key_that_authenticates_the_run_is_deleted_last_and_only_with_force() {
    for (secret_shape, refused) in [
        (SecretShape::IdBase64, false),
        (SecretShape::IdBase64, true),
        (SecretShape::GuidBase64, false),
    ] {
        let mut env = with_keys(Settings {
            secret_shape,
            ..Settings::default()
        });
        env.sandbox.edit_key(1, |key| key.role_id = 1);
        let secret = env.sandbox.api_keys()[0].secret.clone();
        env.use_key(&secret);
        if refused {
            let action = Action::status(403, "Not authorized to view API keys.");
            let fault = Fault::new("GET", "/api/apikeys/current", action).times(99);
            env.sandbox.inject(fault);
        }
        let stderr = env.run(["delete-key", "b", "a", "--yes"]);
        contains(stderr.failure(2), &["`a` (ID 1)", "--force"]);
        assert_eq!(remaining_ids(&env), [1, 2, 3]);
        let result = env.run(["delete-key", "a", "b", "--yes", "--force"]);
        let expected = [vec!["2", "b", "gone"], vec!["1", "a", "gone"]];
        assert_eq!(rows(result.success()), expected);
        assert_eq!(remaining_ids(&env), [3]);
    }
}

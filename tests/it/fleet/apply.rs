//! `apply`: it makes the keys on the manager as the manifest declares them, and a second run changes nothing.

use std::path::Path;

use serde_json::{Value, json};
use swp_keys::sandbox::ApiKey;

use super::plan::{add, fleet, with_keys};
use crate::support::requests::CREATE;
use crate::support::responses::success_without_effect;
use crate::support::{RunResult, TestEnv, contains};

const DAY: i64 = 86_400_000;

/// Applies a manifest with these keys.
pub(super) fn apply(env: &TestEnv, text: &str, flags: &[&str]) -> RunResult {
    env.home.write("keys.toml", text);
    let result = env.run([&["apply", "-f", "keys.toml"], flags].concat());
    assert_eq!(env.sandbox.live_sessions(), 0, "{result:?}");
    result
}

/// Checks that the keys are as declared, and that no record is left.
#[track_caller]
pub(super) fn is_as_declared(env: &TestEnv) {
    let plan = env.run(["plan", "-f", "keys.toml", "--exit-code"]);
    plan.success();
    let before = env.sandbox.api_keys();
    let again = env.run(["apply", "-f", "keys.toml", "--yes"]);
    contains(again.success(), &["nothing to do"]);
    assert_eq!(env.sandbox.api_keys(), before);
    assert_eq!(env.run(["recover", "--list"]).success(), "");
}

/// Checks that a run without a terminal printed the plan and needs a confirmation.
#[track_caller]
pub(super) fn is_unconfirmed(result: &RunResult) {
    assert_eq!(result.code(), 2, "{result:?}");
    contains(&result.stdout, &["fleet ops", "\nplan "]);
    contains(&result.stderr, &["--yes", "--plan "]);
}

/// Returns the only key with this name.
#[track_caller]
pub(super) fn key(env: &TestEnv, name: &str) -> ApiKey {
    let mut keys = env.sandbox.api_keys();
    keys.retain(|key| key.name.as_deref() == Some(name));
    assert_eq!(keys.len(), 1, "{name}: {keys:?}");
    keys.remove(0)
}

/// Returns the secret in a file.
pub(super) fn secret(env: &TestEnv, file: &str) -> String {
    let content = std::fs::read_to_string(env.home.path(file)).expect("a file");
    content.trim_end().to_owned()
}

#[test]
fn new_keys_are_created_and_delivered() {
    let env = TestEnv::new();
    let keys = "a = { description = \"the first\" }\n\
        b = { expires = \"never\", locked = true }\n\
        c = { out-file = \"new/folder/c.key\" }\n\
        d = { dotenv = \"d.env\", env-name = \"DS_KEY\" }\n\
        e = { role = \"Full Access\", allow-full-access = true, out-file = \"e.key\", time-zone = \"Europe/Berlin\", locale = \"ja-JP\" }";
    let result = apply(&env, &fleet(keys), &[]);
    contains(result.success(), &["+ a", "create: done (ID ", ": 5 done"]);
    let a = key(&env, "a");
    let description = a.description.clone().unwrap_or_default();
    assert!(
        description.starts_with("the first [swp-keys ") && description.ends_with(" ops]"),
        "{description}"
    );
    assert!(
        a.expiry_date
            .unwrap_or_default()
            .abs_diff(a.created + 90 * DAY)
            < 60_000
    );
    assert!(!key(&env, "b").active);
    let e = key(&env, "e");
    assert_eq!(
        (e.time_zone.as_str(), e.locale.as_str()),
        ("Europe/Berlin", "ja-JP")
    );
    for (name, file) in [("a", "a.key"), ("c", "new/folder/c.key"), ("e", "e.key")] {
        assert_eq!(secret(&env, file), key(&env, name).secret);
        is_private(&env.home.path(file));
    }
    is_private(&env.home.path("new"));
    let expected = format!("DS_KEY={}", key(&env, "d").secret);
    assert_eq!(secret(&env, "d.env").replace('\'', ""), expected);
    is_as_declared(&env);
}

#[cfg(unix)]
#[track_caller]
fn is_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = path.metadata().expect("a file").permissions().mode();
    assert_eq!(mode & 0o077, 0, "{}", path.display());
}

#[cfg(not(unix))]
fn is_private(_path: &Path) {}

/// A manifest with this number of keys.
pub(super) fn many(count: usize) -> String {
    let keys = (0..count).map(|number| format!("k{number} = {{}}\n"));
    fleet(&keys.collect::<String>())
}

#[test]
fn a_group_of_keys_needs_one_search() {
    let env = TestEnv::new();
    let result = apply(&env, &many(40), &[]);
    contains(result.success(), &[": 40 done"]);
    // Sign-in, the role, the list before and after, and three groups.
    let other = env.calls().len() - env.count(CREATE);
    assert_eq!((env.count(CREATE), other), (40, 7), "{:?}", env.calls());
    is_as_declared(&env);
}

#[test]
fn the_json_document_contains_the_results() {
    let env = TestEnv::new();
    let result = apply(&env, &fleet("a = {}"), &["-o", "json"]);
    let document = result.json();
    assert_eq!(document["meta"]["changed"], true);
    let again = apply(&env, &fleet("a = {}"), &["-o", "json"]);
    assert_eq!(again.json()["meta"]["changed"], false);
    let found = &document["apiKeys"][0];
    assert_eq!(found["ID"], key(&env, "a").id);
    let meta = &found["meta"];
    assert_eq!(
        (&meta["action"], &meta["result"]),
        (&"create".into(), &"done".into())
    );
    let operation = meta["operation"].as_str().expect("an operation");
    let description = found["description"].as_str().expect("a text");
    assert!(description.contains(operation));
    assert!(!result.stdout.contains(&key(&env, "a").secret));
    assert_ne!(document["meta"]["plan"], Value::Null);
}

#[test]
fn existing_keys_are_changed_adopted_and_renamed() {
    let env = TestEnv::new();
    let changed = add(&env, "changed", |key| {
        key.description = Some("old [swp-keys 11111111 ops]".into())
    });
    let former = add(&env, "former", |_| {});
    let adopted = env.sandbox.add_key("adopted", 2);
    env.sandbox
        .edit_key(adopted.id, |key| key.description = Some("by hand".into()));
    for name in ["changed", "renamed", "adopted"] {
        let secret = match name {
            "adopted" => adopted.secret.clone(),
            _ => "T:secret".to_owned(),
        };
        env.home.write_secret(&format!("{name}.key"), &secret);
    }
    let secrets = |env: &TestEnv| -> Vec<String> {
        (env.sandbox.api_keys().iter())
            .map(|key| key.secret.clone())
            .collect()
    };
    let before = secrets(&env);
    let keys = "changed = { role = \"Full Access\", allow-full-access = true, description = \"new\" }\n\
        renamed = { was = \"former\" }\n\
        adopted = { adopt = true, expires = \"never\" }";
    let result = apply(&env, &fleet(keys), &[]);
    contains(
        result.success(),
        &[
            "~ changed",
            "change: done",
            "rename: done",
            "adopt: done",
            ": 3 done",
        ],
    );
    assert_eq!(secrets(&env), before);
    let now = key(&env, "changed");
    assert_eq!((now.id, now.role_id), (changed, 1));
    assert_eq!(
        now.description.as_deref(),
        Some("new [swp-keys 11111111 ops]")
    );
    assert_eq!(key(&env, "renamed").id, former);
    let now = key(&env, "adopted");
    let description = now.description.unwrap_or_default();
    assert!(description.starts_with("by hand [swp-keys ") && description.ends_with(" ops]"));
    is_as_declared(&env);
}

#[test]
fn a_stranger_is_left_and_the_others_are_created() {
    let env = TestEnv::new();
    let stranger = env.sandbox.add_key("a", 2);
    let result = apply(&env, &fleet("a = {}\nb = {}"), &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["! a", "+ b", "1 done", "1 problem"]);
    assert_eq!(key(&env, "a"), stranger);
    key(&env, "b");
}

#[test]
fn a_destination_that_cannot_be_written_does_not_stop_the_others() {
    let env = TestEnv::new();
    env.home.write("file", "");
    let keys = "a = { out-file = \"file/a.key\" }\nb = {}\nc = { deliver-cmd = \"false\" }";
    // The plan would find the first destination.
    let result = apply(&env, &fleet(keys), &["--no-look"]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["! a", "+ b", "! c", "1 done", "2 failed"]);
    let names: Vec<String> = env
        .sandbox
        .api_keys()
        .into_iter()
        .filter_map(|key| key.name)
        .collect();
    assert_eq!(names, ["b"]);
    assert_eq!(env.run(["recover", "--list"]).success(), "");
}

/// The requests for the key with this ID.
fn requests_of(env: &TestEnv, id: i64) -> Vec<String> {
    let path = format!("/api/apikeys/{id}");
    let mut calls = env.calls();
    calls.retain(|call| call.ends_with(&path));
    calls
}

#[test]
fn a_change_is_one_request_after_the_key_was_read_again() {
    let env = with_keys(&["a"]);
    env.home.write_secret("a.key", &key(&env, "a").secret);
    let text = fleet("a = { description = \"new\", locked = true }");
    apply(&env, &text, &["--yes"]).success();
    assert_eq!(
        requests_of(&env, 1),
        ["GET /api/apikeys/1", "POST /api/apikeys/1"]
    );
    is_as_declared(&env);
    // The confirmation of a delivery is one request too.
    let env = TestEnv::new();
    let text = fleet("a = { deliver-cmd = \"true\" }").replace("out-file", "#");
    apply(&env, &text, &[]).success();
    assert_eq!(requests_of(&env, 1), ["POST /api/apikeys/1"]);
}

/// The manager reports the requested values and does not keep them.
#[test]
fn a_change_that_the_manager_does_not_keep_is_reported() {
    let env = with_keys(&["a"]);
    env.home.write_secret("a.key", &key(&env, "a").secret);
    let answer = json!({"ID": 1, "keyName": "a", "active": true, "locale": "ja-JP", "created": 1});
    env.sandbox
        .inject(success_without_effect("POST", "/api/apikeys/1", &answer));
    let result = apply(&env, &fleet("a = { locale = \"ja-JP\" }"), &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(
        &result.stdout,
        &["! a", "reported success", "locale is", "instead of ja-JP"],
    );
    // The marker of a finished key contains the word `pending`.
    let env = with_keys(&["a"]);
    env.sandbox.edit_key(1, |key| {
        key.created -= 16 * 60_000;
        key.expiry_date = Some(key.created + 90 * DAY);
        key.description = Some("[swp-keys 1a2b3c4d ops pending]".to_owned());
    });
    let answer = json!({"ID": 1, "keyName": "a", "active": true, "created": 1, "description": "[swp-keys 1a2b3c4d ops]"});
    env.sandbox
        .inject(success_without_effect("POST", "/api/apikeys/1", &answer));
    let result = apply(&env, &fleet("a = {}"), &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["! a", "reported success", "`pending`"]);
    apply(&env, &fleet("a = {}"), &[]).success();
    is_as_declared(&env);
}

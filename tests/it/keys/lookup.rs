//! KEY on the command line: `N` and `id:N` are an ID, and `name:TEXT` and all other values are a name. A new key cannot have a name that could be
//! confused with an ID.

use serde_json::json;

use crate::support::requests::nothing_was_sent;
use crate::support::wording::INTERRUPTED_AT;
use crate::support::{TestEnv, contains};

/// Names for which KEY would find a different key or no key.
const AMBIGUOUS: [&str; 5] = ["1", "777", "007", "id:1", "name:ci"];

#[test]
fn a_name_that_could_be_confused_with_an_id_is_rejected() {
    for name in AMBIGUOUS {
        for command in [
            &["create", "--role", "Auditor", "--name", name][..],
            &["exec", "--role", "Auditor", "--name", name, "--", "true"],
            &["update-key", "ci", "--name", name],
            &["create", "--role", "Auditor", "--dry-run", "--name", name],
        ] {
            let env = TestEnv::new();
            let stderr = env.run(command).failure(2).to_owned();
            contains(&stderr, &["`--name`", "hint: "]);
            nothing_was_sent(&env.sandbox);
        }
    }
    // Names that only resemble an ID.
    for name in ["7a", "-7", "1.5", "ID:1", "ids:1", "a id:1"] {
        let env = TestEnv::new();
        let name = format!("--name={name}");
        env.run(["create", "--role", "Auditor", &name]).success();
    }
}

/// Returns an environment in which the key named `2` has the ID 1, the key named `id:2` has the ID 2, and the key named `ci` has the ID 3.
fn env() -> TestEnv {
    let env = TestEnv::new();
    for name in ["2", "id:2", "ci"] {
        env.sandbox.add_key(name, 2);
    }
    env
}

fn active(env: &TestEnv) -> Vec<bool> {
    let keys = env.sandbox.api_keys();
    keys.iter().map(|key| key.active).collect()
}

#[test]
fn every_command_takes_an_id_and_a_name_with_a_prefix() {
    for (key, id) in [
        ("2", 2),
        ("id:2", 2),
        ("name:2", 1),
        ("name:id:2", 2),
        ("name:ci", 3),
        ("ci", 3),
        ("id:3", 3),
    ] {
        let env = env();
        let at = |id: i64| usize::try_from(id - 1).expect("an index");
        let document = env.run(["show-key", key, "-o", "json"]).json();
        assert_eq!(document["ID"], json!(id), "{key}");
        env.run(["lock-key", key]).success();
        let locked: Vec<bool> = (1..=3).map(|other| other != id).collect();
        assert_eq!(active(&env), locked, "{key}");
        env.run(["unlock-key", key]).success();
        assert_eq!(active(&env), [true; 3], "{key}");
        env.run(["update-key", key, "--description", "x"]).success();
        let changed = &env.sandbox.api_keys()[at(id)];
        contains(changed.description.as_deref().unwrap_or_default(), &["x"]);
        let before = env.sandbox.api_keys()[at(id)].secret.clone();
        let rotated = env.run(["rotate-key", key, "--in-place"]);
        let secret = rotated.success().to_owned();
        assert_ne!(secret, before);
        assert_eq!(env.sandbox.api_keys()[at(id)].secret, secret, "{key}");
        env.run(["delete-key", key, "--yes"]).success();
        let left: Vec<i64> = env.sandbox.api_keys().iter().map(|key| key.id).collect();
        assert_eq!(left.len(), 2);
        assert!(!left.contains(&id), "{key}: {left:?}");
    }
}

/// The successor takes over the name, which is not new and therefore not rejected.
#[test]
fn a_key_with_a_numeric_name_can_be_rotated_and_renamed() {
    let env = env();
    let rotated = env.run(["rotate-key", "name:2", "-o", "json"]).json();
    assert_eq!(rotated["keyName"], "2");
    assert_eq!(rotated["meta"]["predecessor"]["ID"], 1);
    env.run(["update-key", "name:2", "--name", "two"]).success();
    let names: Vec<_> = (env.sandbox.api_keys().iter())
        .filter_map(|key| key.name.clone())
        .collect();
    assert!(names.contains(&"two".to_owned()), "{names:?}");
    assert!(!names.contains(&"2".to_owned()), "{names:?}");
}

#[test]
fn an_invalid_key_argument_is_rejected_before_anything_is_sent() {
    for key in [
        "id:",
        "id:x",
        "id:007",
        "id:-1",
        "id: 5",
        "name:",
        "id:99999999999999999999",
    ] {
        let env = TestEnv::new();
        env.run(["show-key", key]).failure(2);
        env.run(["delete-key", "ci", key, "--yes"]).failure(2);
        env.run(["rotate-key", key]).failure(2);
        nothing_was_sent(&env.sandbox);
    }
}

/// If an ID does not exist, the error suggests how to write a name that consists of digits.
#[test]
fn a_missing_id_suggests_the_name_prefix() {
    let env = TestEnv::new();
    let key = env.sandbox.add_key("777", 2);
    let error = env.run(["show-key", "777", "-o", "json"]).json_error(3);
    contains(error["hint"].as_str().unwrap_or_default(), &["name:777"]);
    let document = env.run(["show-key", "name:777", "-o", "json"]).json();
    assert_eq!(document["ID"], key.id);
}

/// The record of an interrupted rotation is found by the meaning of KEY: `5` is the ID, and `name:5` is the name.
#[test]
fn an_interrupted_rotation_is_found_by_id_or_name_but_not_by_both() {
    for (key, continued) in [
        ("name:2", true),
        ("2", false),
        ("id:2", false),
        ("id:1", true),
        ("1", true),
    ] {
        let env = env();
        let record = json!({
            "operation": "0a0b0c0d", "work": "create", "manager": env.sandbox.url(), "tenant": null, "keyName": "2",
            "roleID": 2, "keyID": null, "existingIDs": [], "marked": true, "unique": true, "sinks": ["stdout"], "started": 0,
            "predecessor": {"ID": 1, "overlap": 86_400_000}
        });
        let folder = env.home.path("state/unfinished");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("0a0b0c0d.json"), record.to_string()).expect("a file");
        let result = env.run(["rotate-key", key, "--dry-run"]);
        assert_eq!(
            result.stderr.contains(INTERRUPTED_AT),
            continued,
            "{key}: {}",
            result.stderr
        );
    }
}

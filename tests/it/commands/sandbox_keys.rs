//! The command `sandbox`: the keys that exist when it starts and when it ends.

use serde_json::{Value, json};

use crate::support::{Home, contains};

/// Returns the keys in a file of `--keys-at-end`.
fn keys_in(home: &Home, file: &str) -> Value {
    let text = crate::support::files::read(home.path(file));
    serde_json::from_str(&text).expect("JSON")
}

const BEFORE: &str = r#"[
    {"keyName": "old", "description": "by hand", "roleID": 40, "created": "-61d", "lastSignIn": "-1h", "expiryDate": "+29d"},
    {"ID": 17, "keyName": "locked", "active": false, "unsuccessfulSignInAttempts": 5, "unlockTime": "+10m", "created": 1700000000000,
     "locale": "ja-JP", "timeZone": "Europe/Berlin", "secretKey": "17:mine"},
    {}
]"#;

/// Runs a command in a sandbox with the keys of a file and a role with the ID 40. Returns the keys at the end.
fn run(home: &Home, keys: &str, command: &[&str]) -> Value {
    home.write("roles.json", r#"[{"ID": 40, "name": "Operator"}]"#);
    let start = [
        "sandbox",
        "--roles",
        "roles.json",
        "--keys",
        keys,
        "--keys-at-end",
        "after.json",
        "--",
    ];
    home.run([&start[..], command].concat()).success();
    keys_in(home, "after.json")
}

#[test]
fn keys_exist_at_the_start_and_are_written_at_the_end() {
    let home = Home::new();
    home.write("before.json", BEFORE);
    let after = run(&home, "before.json", &["true"]);
    let created = after[2]["created"].as_i64().expect("a time");
    let (minute, day) = (60_000, 86_400_000);
    let expected = json!([
        {"keyName": "old", "description": "by hand", "locale": "en-US", "roleID": 40, "timeZone": "America/New_York", "active": true,
         "created": created - 61 * day, "lastSignIn": created - 60 * minute, "unsuccessfulSignInAttempts": 0,
         "expiryDate": created + 29 * day, "ID": 1},
        {"keyName": "locked", "locale": "ja-JP", "roleID": 2, "timeZone": "Europe/Berlin", "active": false,
         "created": 1_700_000_000_000_i64, "unlockTime": created + 10 * minute, "unsuccessfulSignInAttempts": 5, "ID": 17},
        {"locale": "en-US", "roleID": 2, "timeZone": "America/New_York", "active": true, "created": created,
         "unsuccessfulSignInAttempts": 0, "ID": 18},
    ]);
    assert!(is_close(&after, &expected), "{after:#}\n{expected:#}");
    let text = crate::support::files::read(home.path("after.json"));
    assert!(
        !text.contains("secretKey") && !text.contains("mine"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 3);
}

/// Compares JSON. Times may differ by a minute, because the keys of a file are not added in the same millisecond.
fn is_close(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| is_close(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, one)| other.get(name).is_some_and(|other| is_close(one, other)))
        }
        (one, other) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) if one > 1_000_000 => one.abs_diff(other) < 60_000,
            _ => one == other,
        },
    }
}

#[test]
fn the_keys_at_the_end_can_be_the_keys_at_the_start() {
    let home = Home::new();
    home.write("before.json", BEFORE);
    let before = run(&home, "before.json", &["swp-keys", "list-keys"]);
    let command = [
        "swp-keys",
        "create",
        "--role",
        "Auditor",
        "--name",
        "new",
        "--out-file",
        "key",
    ];
    let mut after = run(&home, "after.json", &command);
    let new = after.as_array_mut().and_then(Vec::pop).expect("a key");
    assert_eq!((&new["ID"], &new["keyName"]), (&19.into(), &"new".into()));
    assert_eq!(after, before);
}

#[test]
fn a_secret_of_the_file_works() {
    let home = Home::new();
    home.write(
        "keys.json",
        r#"[{"ID": 3, "roleID": 1, "secretKey": "3:mine"}]"#,
    );
    home.write_secret("key", "3:mine");
    let sandbox = [
        "sandbox",
        "--keys",
        "keys.json",
        "--many-keys",
        "1",
        "--keys-at-end",
        "after.json",
        "--",
    ];
    let verify = ["swp-keys", "verify-key", "--key-file", "key"];
    home.run([&sandbox[..], &verify].concat()).success();
    let after = keys_in(&home, "after.json");
    assert!(after[0]["lastSignIn"].is_i64(), "{after}");
    // Keys of `--many-keys` follow the keys of the file.
    assert_eq!(
        (&after[1]["ID"], &after[1]["keyName"]),
        (&4.into(), &"key-000001".into())
    );
}

#[test]
fn the_keys_are_written_if_the_command_fails() {
    let home = Home::new();
    for (command, code) in [("false", 1), ("there-is-no-such-command", 2)] {
        let result = home.run([
            "sandbox",
            "--many-keys",
            "2",
            "--keys-at-end",
            "after.json",
            "--",
            command,
        ]);
        assert_eq!(result.code(), code, "{result:?}");
        let after = keys_in(&home, "after.json");
        assert_eq!(after.as_array().map(Vec::len), Some(2));
        std::fs::remove_file(home.path("after.json")).expect("the file");
    }
    let result = home.run([
        "sandbox",
        "--keys-at-end",
        "none/after.json",
        "--",
        "touch",
        "ran",
    ]);
    contains(result.failure(2), &["`--keys-at-end`", "none/after.json"]);
    assert!(!home.path("ran").exists());
}

#[test]
fn a_problem_in_a_file_of_keys_is_reported_with_its_place() {
    let home = Home::new();
    for (text, parts) in [
        ("{}", &["JSON array of keys"][..]),
        ("[\n{\"ID\": 1,\n}]", &["JSON array of keys", "line 3"]),
        ("[{}, 7]", &["key number 2", "JSON object"]),
        (
            "[{\"ID\": 1, \"keyname\": \"a\"}]",
            &["key number 1", "field number 2", "keyName"],
        ),
        (
            "[{\"created\": \"61d\"}]",
            &["key number 1", "`created`", "-61d"],
        ),
        ("[{}, {\"ID\": 1}]", &["key number 2", "the ID 1"]),
        (
            "[{\"roleID\": 9}]",
            &["key number 1", "no role has the ID 9"],
        ),
        (
            "[{\"secretKey\": \"a\"}, {\"secretKey\": \"a\"}]",
            &["key number 2", "same secret"],
        ),
    ] {
        home.write("keys.json", text);
        let result = home.run(["sandbox", "--keys", "keys.json", "--", "touch", "ran"]);
        contains(result.failure(2), &["`--keys`", "keys.json", "hint:"]);
        contains(&result.stderr, parts);
        assert!(!home.path("ran").exists());
    }
    let result = home.run(["sandbox", "--keys", "none.json"]);
    contains(
        result.failure(2),
        &["`--keys`", "none.json", "could not be read"],
    );
}

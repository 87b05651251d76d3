//! Whole command lines: `swp-keys sandbox --keys FILE --keys-at-end FILE -- sh -c '...'` with the files in `files/`.

use serde_json::Value;

use crate::support::files::{mode, read};
use crate::support::{Home, RunResult, contains};

const DAY: i64 = 86_400_000;

/// A home folder with the files in `files/`.
fn home() -> Home {
    let home = Home::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fleet/files");
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("a file").path();
        let name = path.file_name().and_then(|name| name.to_str());
        home.write(name.expect("a name"), &read(&path));
    }
    home
}

/// Runs a script in a sandbox with these flags. The keys at the end are in `after.json`.
fn sandbox(home: &Home, flags: &[&str], script: &str) -> RunResult {
    let start = [
        "sandbox",
        "--roles",
        "roles.json",
        "--keys-at-end",
        "after.json",
    ];
    home.run([&start[..], flags, &["--", "sh", "-c", script]].concat())
}

/// The keys in a file.
fn keys(home: &Home, file: &str) -> Vec<Value> {
    match serde_json::from_str(&read(home.path(file))) {
        Ok(Value::Array(keys)) => keys,
        Ok(mut document) => match document["apiKeys"].take() {
            Value::Array(keys) => keys,
            other => panic!("{file}: {other}"),
        },
        Err(error) => panic!("{file}: {error}"),
    }
}

fn named<'k>(keys: &'k [Value], name: &str) -> Vec<&'k Value> {
    keys.iter().filter(|key| key["keyName"] == name).collect()
}

fn names(keys: &[Value]) -> Vec<&str> {
    keys.iter()
        .filter_map(|key| key["keyName"].as_str())
        .collect()
}

fn time(key: &Value, field: &str) -> i64 {
    key[field]
        .as_i64()
        .unwrap_or_else(|| panic!("{field}: {key}"))
}

#[test]
fn five_keys_are_delivered_to_five_destinations() {
    let home = home();
    let script = "swp-keys apply -f five.toml && swp-keys plan -f five.toml --exit-code && \
        umask 077 && sed -n \"s/^DS_KEY=//p\" grafana.env | tr -d \"'\" > grafana.key && \
        for file in secrets/*.key grafana.key siem.key; do swp-keys verify-key --key-file $file -o json >> verified; done";
    let result = sandbox(&home, &[], script);
    contains(result.success(), &[": 5 done", "5 keys are as declared"]);
    for file in [
        "secrets/reporting.key",
        "secrets/backup.key",
        "secrets/audit.key",
        "grafana.env",
        "siem.key",
    ] {
        assert_eq!(mode(&home.path(file)), 0o600, "{file}");
    }
    let verified = read(home.path("verified"));
    assert_eq!(
        verified.matches("\"works\": true,\n  \"meta\"").count(),
        5,
        "{verified}"
    );
    let after = keys(&home, "after.json");
    assert_eq!(after.len(), 5);
    assert_eq!(named(&after, "siem")[0]["roleID"], 7);
    // Each secret was used.
    assert!(
        after.iter().all(|key| key["lastSignIn"].is_i64()),
        "{after:?}"
    );
}

#[test]
fn a_plan_sends_five_calls() {
    let home = home();
    let script = "swp-keys plan -f five.toml --exit-code -vv 2> log";
    let result = sandbox(&home, &[], script);
    assert_eq!(result.code(), 13, "{result:?}");
    contains(&result.stdout, &["+ reporting", ": 5 create"]);
    let log = read(home.path("log"));
    let calls: Vec<&str> = log.lines().filter(|line| line.contains(" /api/")).collect();
    assert_eq!(calls.len(), 5, "{log}");
    // Two roles, the keys, and the session.
    for (call, count) in [
        ("POST /api/sessions", 1),
        ("POST /api/roles/search", 2),
        ("POST /api/apikeys/search", 1),
        ("DELETE /api/sessions/current", 1),
    ] {
        let found = calls.iter().filter(|line| line.contains(call)).count();
        assert_eq!(found, count, "{call}: {log}");
    }
    assert!(keys(&home, "after.json").is_empty());
}

#[test]
fn only_undeclared_keys_of_the_fleet_that_nobody_uses_are_pruned() {
    let home = home();
    home.write_secret("declared.key", "1:declared\n");
    let script =
        "swp-keys list-keys -o json > before.json; swp-keys apply -f left-overs.toml --prune --yes";
    let result = sandbox(&home, &["--keys", "left-overs.json"], script);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(
        &result.stdout,
        &[
            "- ours",
            "? used today",
            "? new",
            "! copied",
            "! copy",
            "1 key is as declared",
            "1 done",
        ],
    );
    let (before, after) = (keys(&home, "before.json"), keys(&home, "after.json"));
    assert_eq!(before.len(), 10);
    assert!(named(&after, "ours").is_empty());
    let rest: Vec<&str> = names(&before)
        .into_iter()
        .filter(|name| *name != "ours")
        .collect();
    assert_eq!(names(&after), rest);
    for key in &after {
        let name = key["keyName"].as_str().expect("a name");
        let old = named(&before, name)[0];
        for (field, value) in key.as_object().expect("a key") {
            assert_eq!(old[field], *value, "{name}: {field}");
        }
    }
}

#[test]
fn a_file_without_keys_deletes_none_of_forty() {
    let home = home();
    let forty = (1..=40).map(|number| {
        format!("{{\"keyName\": \"k{number}\", \"description\": \"[swp-keys {number:08x} ops]\", \"created\": \"-30d\"}}")
    });
    // The manager reports the last use of the key that does not belong to the fleet.
    let used = "{\"keyName\": \"used\", \"created\": \"-30d\", \"lastSignIn\": \"-1d\"}";
    let all: Vec<String> = forty.chain([used.to_owned()]).collect();
    home.write("forty.json", &format!("[{}]", all.join(",\n")));
    let script =
        "swp-keys list-keys -o json > before.json; swp-keys apply -f empty.toml --prune --yes";
    let result = sandbox(&home, &["--keys", "forty.json"], script);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["--prune-at-most 40"]);
    let (before, after) = (keys(&home, "before.json"), keys(&home, "after.json"));
    assert_eq!((names(&before), after.len()), (names(&after), 41));
    // With the number of the message, the keys are deleted.
    let script = "swp-keys apply -f empty.toml --prune --yes --prune-at-most 40";
    sandbox(&home, &["--keys", "forty.json"], script).success();
    assert_eq!(names(&keys(&home, "after.json")), ["used"]);
}

/// More than ten left-overs are counted. The count does not suggest the flag that was set.
#[test]
fn keys_whose_last_use_is_unknown_are_counted_and_stay() {
    let home = home();
    let twelve = (1..=12).map(|number| {
        format!("{{\"keyName\": \"k{number}\", \"description\": \"[swp-keys {number:08x} ops]\", \"created\": \"-30d\"}}")
    });
    let twelve: Vec<String> = twelve.collect();
    home.write("twelve.json", &format!("[{}]", twelve.join(",\n")));
    let script = "swp-keys apply -f empty.toml --prune --yes --prune-at-most 12";
    let result = sandbox(&home, &["--keys", "twelve.json"], script);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["? 12 keys", "`-v` shows why"]);
    assert_eq!(keys(&home, "after.json").len(), 12);
    let all = format!("{script} -v");
    let result = sandbox(&home, &["--keys", "twelve.json"], &all);
    contains(
        &result.stdout,
        &["k12", "last use not reported", "--prune-used"],
    );
    let used = format!("{script} --prune-used");
    sandbox(&home, &["--keys", "twelve.json"], &used).success();
    assert!(keys(&home, "after.json").is_empty());
}

#[test]
fn aged_keys_get_successors_once() {
    let home = home();
    home.write_secret("old.key", "1:old\n");
    let script = "swp-keys apply -f aged.toml; echo \"exit code $?\"; swp-keys list-keys -o json > between.json; \
        swp-keys apply -f aged.toml; echo \"exit code $?\"; \
        for name in old expired; do swp-keys verify-key --key-file $name.key; done";
    let result = sandbox(&home, &["--keys", "aged.json"], script);
    let text = result.success();
    assert_eq!(text.matches("exit code 12").count(), 2, "{result:?}");
    contains(text, &["> old", "> expired", "! locked", "2 done"]);
    let (between, after) = (keys(&home, "between.json"), keys(&home, "after.json"));
    assert_eq!(after.len(), 5, "{after:?}");
    let by_id = |id: i64| -> &Value {
        let found = after.iter().find(|key| key["ID"] == id);
        found.expect("the key")
    };
    for (name, id) in [("old", 1), ("expired", 2)] {
        let [successor] = named(&after, name)[..] else {
            panic!("{after:?}")
        };
        assert_ne!(successor["ID"], id);
        let mark = successor["description"].as_str().expect("a description");
        assert!(mark.ends_with(&format!(" ops after {id}]")), "{mark}");
        // The secret of the file is the secret of the successor, which `verify-key` has used.
        assert!(successor["lastSignIn"].is_i64(), "{successor}");
        assert!(
            time(successor, "expiryDate").abs_diff(time(successor, "created") + 90 * DAY) < 60_000
        );
    }
    let end = time(by_id(1), "expiryDate");
    assert!(end.abs_diff(time(named(&after, "old")[0], "created") + DAY) < 60_000);
    assert!(time(by_id(2), "expiryDate") < time(named(&after, "expired")[0], "created"));
    assert_eq!(by_id(3)["keyName"], "locked");
    assert_eq!(by_id(3)["active"], false);
    // The second run changed nothing.
    for (key, before) in after.iter().zip(&between) {
        for (field, value) in key.as_object().expect("a key") {
            let is_used = field == "lastSignIn";
            assert!(
                is_used || before[field] == *value,
                "{field}: {before} {key}"
            );
        }
    }
}

/// The keys that `list-keys` printed, and nothing else of the document.
fn listed(home: &Home, file: &str) -> Value {
    serde_json::from_str::<Value>(&read(home.path(file))).expect("JSON")["apiKeys"].take()
}

#[test]
fn a_key_made_by_create_is_left_until_it_is_adopted() {
    let home = home();
    let manifest = "fleet = \"ops\"\n[keys.siem]\nrole = \"Auditor\"\nexpires = \"90d\"\nout-file = \"siem.key\"\n";
    home.write("conflict.toml", manifest);
    home.write("adopt.toml", &format!("{manifest}adopt = true\n"));
    let script = "swp-keys create-key --name siem --role Auditor --expires 90d --description mine --out-file siem.key > /dev/null; \
        swp-keys list-keys -o json > before.json; swp-keys apply -f conflict.toml; echo \"exit code $?\"; \
        swp-keys list-keys -o json > between.json; swp-keys apply -f adopt.toml; echo \"exit code $?\"; \
        swp-keys verify-key --key-file siem.key; echo \"exit code $?\"";
    let result = sandbox(&home, &[], script);
    let lines: Vec<&str> = (result.success().lines())
        .filter_map(|line| line.strip_prefix("exit code "))
        .collect();
    assert_eq!(lines, ["12", "0", "0"], "{result:?}");
    contains(&result.stdout, &["! siem", "~ siem", "adopt: done"]);
    assert_eq!(listed(&home, "before.json"), listed(&home, "between.json"));
    let (before, after) = (keys(&home, "before.json"), keys(&home, "after.json"));
    let [(before, after)] = [(&before[..], &after[..])];
    let ([before], [after]) = (before, after) else {
        panic!("{before:?} {after:?}")
    };
    let mark = after["description"].as_str().expect("a description");
    assert!(
        mark.starts_with("mine [swp-keys ") && mark.ends_with(" ops]"),
        "{mark}"
    );
    for field in ["ID", "keyName", "roleID", "active", "created", "expiryDate"] {
        assert_eq!(before[field], after[field], "{field}");
    }
    assert!(before["lastSignIn"].is_null() && after["lastSignIn"].is_i64());
}

#[test]
fn a_missing_secret_is_reported_or_replaced() {
    for (word, code, old_works, new_works) in [
        ("report", 12, 0, 2),
        ("rotate", 0, 0, 0),
        ("rekey", 0, 13, 0),
    ] {
        let home = home();
        let manifest = read(home.path("five.toml"));
        let manifest = manifest.replace("[keys]\n", &format!("on-missing = \"{word}\"\n[keys]\n"));
        home.write("five.toml", &manifest);
        let script = "umask 077; swp-keys apply -f five.toml > /dev/null; mv secrets/reporting.key old.key; \
            swp-keys apply -f five.toml --yes; echo \"exit code $?\"; \
            for file in old.key secrets/reporting.key; do swp-keys verify-key --key-file $file > /dev/null; echo \"exit code $?\"; done";
        let result = sandbox(&home, &[], script);
        let codes: Vec<&str> = (result.stdout.lines())
            .filter_map(|line| line.strip_prefix("exit code "))
            .collect();
        let expected = [code, old_works, new_works].map(|code: i32| code.to_string());
        assert_eq!(codes, expected, "{word}: {result:?}");
        let after = keys(&home, "after.json");
        assert_eq!(after.len(), if word == "rotate" { 6 } else { 5 }, "{word}");
    }
}

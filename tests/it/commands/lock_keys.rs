//! `lock-key` and `unlock-key` with several keys: all keys are found before the first one is changed, and each key has a result.

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, Fault, Settings};

use super::delete_key::with_keys;
use crate::support::requests::{count, nothing_was_sent};
use crate::support::tables::rows;
use crate::support::{TestEnv, contains};

fn locked(env: &TestEnv) -> Vec<i64> {
    let keys = env.sandbox.api_keys().into_iter();
    keys.filter(|key| !key.active).map(|key| key.id).collect()
}

#[test]
fn several_keys_are_locked_and_unlocked_with_a_result_for_each() {
    let env = with_keys(Settings::default());
    env.run(["lock-key", "b"]).success();
    let result = env.run(["lock-key", "a", "2", "id:1", "c"]);
    let expected = [
        vec!["1", "a", "locked"],
        vec!["2", "b", "was locked already"],
        vec!["3", "c", "locked"],
    ];
    assert_eq!(rows(result.success()), expected);
    assert_eq!(locked(&env), [1, 2, 3]);
    assert_eq!(count(&env.sandbox, "POST /api/apikeys/2"), 1);
    let result = env.run(["unlock-key", "a", "b"]);
    contains(result.success(), &["a", "b", "unlocked"]);
    let result = env.run(["unlock-key", "a", "c"]);
    contains(result.success(), &["was not locked", "unlocked"]);
    assert_eq!(locked(&env), [0; 0]);
    assert_eq!(env.sandbox.live_sessions(), 0);
}

/// Every command that changes keys without a new secret prints a table with `-o tsv`.
#[test]
fn tab_separated_output_has_the_same_columns_for_one_key_and_for_several() {
    let env = with_keys(Settings::default());
    for (arguments, rows) in [
        (&["lock-key", "a"][..], &["1\ta\tlocked"][..]),
        (
            &["unlock-key", "a", "b"],
            &["1\ta\tunlocked", "2\tb\twas not locked"],
        ),
        (&["delete-key", "a", "--yes"], &["1\ta\tgone"]),
    ] {
        let result = env.run(arguments.iter().chain(&["-o", "tsv"]));
        let lines: Vec<&str> = result.success().lines().collect();
        assert_eq!(lines, [&["id\tname\tresult"], rows].concat());
    }
    let update = ["update-key", "b", "--description", "for ci", "-o", "tsv"];
    contains(env.run(update).success(), &["Description\t"]);
    env.run(["lock-key", "missing", "-o", "tsv"]).failure(3);
}

#[test]
fn json_contains_each_key_with_its_result() {
    let env = with_keys(Settings::default());
    let document = env.run(["lock-key", "a", "b", "-o", "json"]).json();
    let meta = json!({"manager": env.sandbox.url(), "changed": true});
    assert_eq!(document["meta"], meta);
    let keys = document["apiKeys"].as_array().expect("a list");
    for (key, (id, name)) in keys.iter().zip([(1, "a"), (2, "b")]) {
        assert_eq!((&key["ID"], &key["keyName"]), (&json!(id), &json!(name)));
        assert_eq!(key["active"], false);
        assert_eq!(key["meta"]["result"], "locked");
        assert_eq!(key["meta"]["state"], "locked");
        assert_eq!(key["meta"]["role"], "Auditor");
    }
    assert_eq!(keys.len(), 2);
    let result = env.run(["unlock-key", "a", "c", "-o", "jsonl"]);
    let lines: Vec<Value> = (result.success().lines())
        .map(|line| serde_json::from_str(line).expect("a line"))
        .collect();
    assert_eq!(lines[0]["meta"]["result"], "unlocked");
    assert_eq!(lines[1]["meta"]["result"], "was not locked");
}

#[test]
fn all_keys_are_found_before_one_is_locked() {
    let env = with_keys(Settings::default());
    let stderr = env.run(["lock-key", "a", "bb", "c"]);
    contains(stderr.failure(3), &["bb", "hint: "]);
    assert_eq!(locked(&env), [0; 0]);
    let fresh = TestEnv::new();
    for arguments in [
        &["lock-key", "a", "007"][..],
        &["unlock-key", "a", ""],
        &["lock-key", "a", "b", "-o", "env"],
    ] {
        fresh.run(arguments).failure(2);
    }
    nothing_was_sent(&fresh.sandbox);
}

#[test]
fn a_failure_of_one_key_is_a_partial_failure() {
    let env = with_keys(Settings::default());
    let refused = Action::status(403, "No such right");
    env.sandbox
        .inject(Fault::new("POST", "/api/apikeys/2", refused));
    let result = env.run(["lock-key", "a", "b", "c", "-o", "json"]);
    let document: Value = serde_json::from_str(&result.stdout).expect("a document");
    let results: Vec<_> = (document["apiKeys"].as_array().expect("a list").iter())
        .map(|key| key["meta"]["result"].as_str().expect("a result"))
        .collect();
    assert_eq!(results, ["locked", "failed", "locked"]);
    assert_eq!(document["apiKeys"][1]["meta"]["error"]["code"], "forbidden");
    assert_eq!(result.code(), 12);
    contains(&result.stderr, &["1 of 3"]);
    assert_eq!(locked(&env), [1, 3]);
}

#[test]
fn after_a_failure_that_affects_all_keys_no_other_key_is_tried() {
    let env = with_keys(Settings::default());
    let lost = Fault::new("POST", "/api/apikeys/1", Action::Drop).times(9);
    env.sandbox.inject(lost);
    let result = env.run(["lock-key", "a", "b", "--retries", "0"]);
    assert_eq!(result.code(), 12);
    contains(&result.stdout, &["failed", "not tried"]);
    assert_eq!(locked(&env), [0; 0]);
}

#[test]
fn the_key_that_authenticates_the_run_is_locked_last_and_only_with_force() {
    let mut env = TestEnv::new();
    let key = env.sandbox.add_key("mine", 1);
    env.sandbox.add_key("other", 2);
    env.use_key(&key.secret);
    let stderr = env.run(["lock-key", "other", "mine"]).failure(2).to_owned();
    contains(&stderr, &["`mine` (ID 1)", "--force"]);
    assert_eq!(locked(&env), [0; 0]);
    let result = env.run(["lock-key", "mine", "other", "--force"]);
    let expected = [vec!["2", "other", "locked"], vec!["1", "mine", "locked"]];
    assert_eq!(rows(result.success()), expected);
    assert_eq!(locked(&env), [1, 2]);
}

#[cfg(unix)]
#[test]
fn a_signal_between_two_keys_lists_locked_and_unlocked_keys() {
    use crate::support::held_manager::HeldManager;
    let held = HeldManager::new("POST /api/apikeys/1");
    for name in ["a", "b"] {
        held.sandbox.add_key(name, 2);
    }
    let mut running = held.start(["lock-key", "a", "b", "-o", "json"]);
    held.wait_until_held();
    running.signal(rustix::process::Signal::INT);
    running.wait_for_line(crate::support::wording::FINISHING);
    held.release();
    let error = running.finish().json_error(130);
    let message = error["message"].as_str().expect("a message");
    contains(message, &["`a` (ID 1)", "`b` (ID 2)"]);
    let hint = error["hint"].as_str().expect("a hint");
    contains(hint, &["`swp-keys lock-key 2`"]);
    assert!(held.sandbox.api_keys()[1].active);
}

/// The user can repeat both commands, so the run does not wait for the whole settle time.
#[test]
fn a_batch_ends_soon_if_the_manager_is_gone() {
    use crate::support::held_manager::HeldManager;
    let lock = &["lock-key", "a", "b"][..];
    let delete = &["delete-key", "a", "b", "--yes"][..];
    std::thread::scope(|scope| {
        for (route, arguments) in [
            ("POST /api/apikeys/1", lock),
            ("DELETE /api/apikeys/1", delete),
        ] {
            scope.spawn(move || {
                let held = HeldManager::new(route);
                for name in ["a", "b"] {
                    held.sandbox.add_key(name, 2);
                }
                let begun = std::time::Instant::now();
                let more = ["--retries", "0", "--settle-timeout", "2m"];
                let running = held.start(arguments.iter().chain(&more));
                held.wait_until_held();
                held.vanish();
                let result = running.finish();
                assert_eq!(result.code(), 12, "{}", result.stderr);
                let rows = rows(&result.stdout);
                assert_eq!(rows[0][..2], ["1", "a"]);
                contains(&rows[0].concat(), &["failed", "unknown"]);
                assert_eq!(rows[1], ["2", "b", "not tried"]);
                assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
            });
        }
    });
}

/// The changes are made, so the message lists the keys although stdout cannot.
#[cfg(target_os = "linux")]
#[test]
fn a_batch_with_a_full_stdout_names_what_it_changed() {
    for arguments in [
        &["lock-key", "a", "b"][..],
        &["delete-key", "a", "b", "--yes"],
    ] {
        let env = with_keys(Settings::default());
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let mut command = env.home.command(arguments);
        let output = command.stdout(full.expect("a full device")).output();
        let result = crate::support::RunResult::from(output.expect("the binary runs"));
        assert_eq!(result.code(), 1, "{}", result.stderr);
        contains(&result.stderr, &["`a` (ID 1)", "`b` (ID 2)"]);
        assert_eq!(env.sandbox.live_sessions(), 0);
    }
}

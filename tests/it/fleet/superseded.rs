//! A run is interrupted, and another machine continues its work. The first machine has the record of a key that is no longer current.

use swp_keys::sandbox::ApiKey;

use super::apply::{key, secret};
use super::apply_records::killed;
use super::plan::fleet;
use crate::support::{RunResult, TestEnv, contains};

/// Applies the manifest on a second machine, which has a folder and a state folder of its own.
fn apply_elsewhere(env: &TestEnv, text: &str) -> RunResult {
    std::fs::create_dir_all(env.home.path("two")).expect("a folder");
    env.home.write("two/keys.toml", text);
    let mut command = env.home.command(["apply", "-f", "two/keys.toml", "--yes"]);
    command.env("SWP_STATE_DIR", env.home.path("state2"));
    RunResult::of(&mut command)
}

/// Applies the manifest on the first machine. No secret may be delivered or replaced.
#[track_caller]
fn nothing_is_reset(env: &TestEnv, words: &[&str]) {
    let before = env.sandbox.api_keys();
    let plan = env.run(["plan", "-f", "keys.toml"]);
    let result = env.run(["apply", "-f", "keys.toml", "--yes"]);
    for shown in [plan, result] {
        assert_eq!(shown.code(), 12, "{shown:?}");
        contains(&shown.stdout, words);
        contains(&shown.stdout, &["! a", "needs no more work"]);
        assert!(!shown.stdout.contains("finish"), "{shown:?}");
    }
    assert_eq!(env.sandbox.api_keys(), before);
    assert!(!env.home.path("a.key").exists());
    assert_eq!(env.run(["recover", "--list"]).success(), "");
    let plan = env.run(["plan", "-f", "keys.toml"]);
    assert!(!plan.stdout.contains("needs no more work"), "{plan:?}");
}

#[test]
fn the_secret_of_a_key_that_was_rotated_elsewhere_is_not_delivered() {
    let text = fleet("a = { on-missing = \"rotate\" }");
    let env = killed(&text);
    let old = key(&env, "a").id;
    apply_elsewhere(&env, &text).success();
    let new = key(&env, "a");
    assert!(new.id > old);
    nothing_is_reset(&env, &["the rotation waits", &format!("ID {old}")]);
    assert_eq!(secret(&env, "two/a.key"), new.secret);
}

#[test]
fn a_secret_that_was_replaced_elsewhere_and_used_is_not_reset() {
    let env = killed(&fleet("a = {}"));
    let rekeys = fleet("a = { on-missing = \"rekey\" }");
    apply_elsewhere(&env, &rekeys).success();
    // Ten minutes later.
    let used_at = env.sandbox.now() + 600_000;
    let used = |key: &mut ApiKey| key.last_sign_in = Some(used_at);
    env.sandbox.edit_key(key(&env, "a").id, used);
    nothing_is_reset(&env, &["the secret is missing", "ID 1 was"]);
    assert_eq!(secret(&env, "two/a.key"), key(&env, "a").secret);
}

#[test]
fn a_key_that_was_deleted_and_created_elsewhere_is_not_reset() {
    let env = killed(&fleet("a = {}"));
    env.sandbox.remove_key(key(&env, "a").id);
    apply_elsewhere(&env, &fleet("a = {}")).success();
    let new = key(&env, "a");
    // The create request of the interrupted run may be in flight, so the plan is to finish the run.
    let result = env.run(["apply", "-f", "keys.toml", "--yes"]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["no longer exists"]);
    assert_eq!(
        (key(&env, "a").id, &key(&env, "a").secret),
        (new.id, &new.secret)
    );
    assert!(!env.home.path("a.key").exists());
    assert_eq!(env.run(["recover", "--list"]).success(), "");
    assert_eq!(secret(&env, "two/a.key"), key(&env, "a").secret);
}

//! `plan --from-manager`: it prints a manifest of the keys on the manager.

use super::apply::key;
use super::plan::add;
use crate::support::{TestEnv, contains};

const DAY: i64 = 86_400_000;

#[test]
fn the_keys_on_a_manager_become_a_fleet() {
    let env = TestEnv::new();
    let now = env.sandbox.now();
    let ci = env.sandbox.add_key("ci \\ \"x\"", 2);
    env.sandbox.edit_key(ci.id, |key| {
        key.description = Some("nightly \"build\" [swp-keys 1a2b3c4d]".to_owned());
        key.expiry_date = Some(now / 1000 * 1000 + 30 * DAY);
    });
    let full = env.sandbox.add_key("full", 1);
    env.sandbox.edit_key(full.id, |key| key.active = false);
    env.sandbox.add_key("twice", 2);
    env.sandbox.add_key("TWICE", 2);
    add(&env, "old (retiring 2026-11-24T09:00Z)", |_| {});
    let gone = env.sandbox.add_key("gone", 2);
    env.sandbox
        .edit_key(gone.id, |key| key.expiry_date = Some(now - DAY));
    let result = env.run(["plan", "--from-manager", "team-a"]);
    let text = result.success().to_owned();
    contains(
        &result.stderr,
        &["`twice`", "`TWICE`", "(retiring ", "`gone`"],
    );
    env.home.write("keys.toml", &text);
    env.run(["plan", "-f", "keys.toml", "--offline"]).success();
    let plan = env.run(["plan", "-f", "keys.toml", "--no-look"]);
    contains(plan.success(), &["2 adopt"]);
    let before = env.sandbox.api_keys();
    env.run(["apply", "-f", "keys.toml", "--no-look"]).success();
    let plan = env.run(["plan", "-f", "keys.toml", "--no-look", "--exit-code"]);
    contains(plan.success(), &["nothing to do"]);
    let now = key(&env, "ci \\ \"x\"");
    let description = now.description.clone().unwrap_or_default();
    assert!(
        description.starts_with("nightly \"build\" [swp-keys ")
            && description.ends_with(" team-a]")
    );
    for (before, after) in before.iter().zip(env.sandbox.api_keys()) {
        assert_eq!(
            (&before.secret, before.expiry_date, before.active),
            (&after.secret, after.expiry_date, after.active)
        );
    }
}

#[test]
fn a_key_of_another_fleet_is_a_comment_until_the_user_removes_its_sign() {
    let env = TestEnv::new();
    add(&env, "a", |_| {});
    let text = env.run(["plan", "--from-manager", "team-a"]);
    contains(
        text.success(),
        &[
            "belong to other fleets",
            "\n# \"a\" = { ",
            "adopt = \"ops\"",
        ],
    );
    env.home.write("keys.toml", text.success());
    let plan = env.run(["plan", "-f", "keys.toml", "--no-look"]);
    contains(plan.success(), &["nothing to do"]);
    let with_key = text.success().replace("# \"a\" = ", "\"a\" = ");
    env.home.write("keys.toml", &with_key);
    let plan = env.run(["plan", "-f", "keys.toml", "--no-look"]);
    contains(plan.success(), &["1 adopt"]);
    let text = env.run(["plan", "--from-manager", "ops"]);
    env.home.write("keys.toml", text.success());
    let plan = env.run(["plan", "-f", "keys.toml", "--no-look"]);
    contains(plan.success(), &["1 key is as declared"]);
}

#[test]
fn the_name_of_the_fleet_is_checked() {
    let env = TestEnv::new();
    let result = env.run(["plan", "--from-manager", "Team A"]);
    contains(result.failure(2), &["--from-manager"]);
    assert_eq!(env.sandbox.connections().tcp, 0);
}

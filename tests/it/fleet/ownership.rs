//! The marker of a key that belongs to a fleet, and the commands that keep it.

use super::apply::{apply, key};
use super::plan::{add, fleet, plan, with_keys};
use crate::support::{TestEnv, contains};

fn description(env: &TestEnv, name: &str) -> String {
    let keys = env.sandbox.api_keys();
    let mut named = keys
        .into_iter()
        .filter(|key| key.name.as_deref() == Some(name));
    named
        .next_back()
        .and_then(|key| key.description)
        .unwrap_or_default()
}

#[test]
fn a_changed_key_stays_in_its_fleet() {
    let env = with_keys(&["ci"]);
    env.run(["update-key", "ci", "--description", "for CI"])
        .success();
    assert_eq!(description(&env, "ci"), "for CI [swp-keys 00000001 ops]");
    let result = plan(&env, &fleet("ci = {}"), &["--no-look"]);
    contains(result.success(), &["1 key is as declared"]);
}

#[test]
fn a_key_without_its_marker_is_released() {
    let env = with_keys(&["ci"]);
    env.run(["update-key", "ci", "--no-mark"]).success();
    assert_eq!(description(&env, "ci"), "");
    let result = plan(&env, &fleet("ci = {}"), &["--no-look"]);
    assert_eq!(result.code(), 12);
    contains(
        &result.stdout,
        &["! ci", "does not belong to the fleet", "`adopt = true`"],
    );
}

#[test]
fn the_successor_of_a_key_belongs_to_the_same_fleet() {
    let env = TestEnv::new();
    let id = add(&env, "ci", |key| {
        key.description = Some("for CI [swp-keys 00000001 ops]".to_owned());
    });
    env.run(["rotate-key", "ci", "--out-file", "ci.key"])
        .success();
    let description = description(&env, "ci");
    let end = format!(" ops after {id}]");
    assert!(
        description.starts_with("for CI [swp-keys ") && description.ends_with(&end),
        "{description}"
    );
    // The old key is retired, so nothing is left to do.
    let result = plan(&env, &fleet("ci = {}"), &["--exit-code"]);
    contains(result.success(), &["1 key is as declared"]);
    // A rotation of the successor names the new predecessor.
    env.run(["delete-key", "1", "--yes"]).success();
    env.run(["rotate-key", "ci", "--out-file", "ci.key", "--force"])
        .success();
    let result = plan(&env, &fleet("ci = {}"), &["--exit-code"]);
    contains(result.success(), &["1 key is as declared"]);
}

/// What the marker says about an unfinished operation stays true after the adoption.
#[test]
fn an_adopted_key_keeps_the_other_words_of_its_marker() {
    let env = TestEnv::new();
    let id = env.sandbox.add_key("a", 2).id;
    let text = fleet("a = { adopt = \"old\" }");
    for words in [" after 99", " pending", " after 99 pending", ""] {
        let mark = format!("by hand [swp-keys 1a2b3c4d old{words}]");
        env.sandbox.edit_key(id, |key| key.description = Some(mark));
        apply(&env, &text, &["--no-look"]).success();
        let now = key(&env, "a").description.unwrap_or_default();
        assert!(
            now.starts_with("by hand [swp-keys ") && now.ends_with(&format!(" ops{words}]")),
            "{now}"
        );
    }
}

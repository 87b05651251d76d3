//! Keys of a fleet that were renamed, rotated or created by hand.

use super::apply::{apply, key};
use super::plan::{add, fleet, plan, with_keys};
use crate::support::{TestEnv, contains};

#[test]
fn a_plan_that_adopts_a_key_notes_that_its_secret_is_missing() {
    let env = TestEnv::new();
    let by_hand = env.sandbox.add_key("a", 2);
    env.sandbox.edit_key(by_hand.id, |key| {
        key.expiry_date = Some(key.created + 90 * 86_400_000);
    });
    let read_cmd = "a = { adopt = true, deliver-cmd = \"true\", read-cmd = \"cat a.key\" }";
    for keys in ["a = { adopt = true }", read_cmd] {
        let text = fleet(keys);
        std::fs::remove_file(env.home.path("a.key")).ok();
        if keys == read_cmd {
            env.home.write("a.key", "");
        }
        let result = plan(&env, &text, &[]);
        contains(result.success(), &["~ a", "adopt", "the secret is missing"]);
        env.home.write_secret("a.key", &by_hand.secret);
        let result = plan(&env, &text, &[]);
        assert!(!result.success().contains("secret"), "{result:?}");
    }
    std::fs::remove_file(env.home.path("a.key")).expect("a file");
    apply(&env, &fleet("a = { adopt = true }"), &[]).success();
    assert_eq!(key(&env, "a").secret, by_hand.secret);
    let result = plan(&env, &fleet("a = { adopt = true }"), &[]);
    assert_eq!(result.code(), 12, "{result:?}");
}

#[test]
fn a_plan_notes_that_a_new_key_replaces_the_secret_of_a_key_elsewhere() {
    let env = TestEnv::new();
    env.home
        .write_secret("a.key", "77:c2VjcmV0LW9mLWEta2V5LWVsc2V3aGVyZQ==");
    let result = plan(&env, &fleet("a = {}"), &[]);
    contains(
        result.success(),
        &["+ a", "the secret replaces the present value", "a.key"],
    );
}

#[test]
fn the_secret_of_a_renamed_key_is_moved_and_not_replaced() {
    for on_missing in ["report", "rotate", "rekey"] {
        let env = with_keys(&["a"]);
        let before = key(&env, "a");
        env.home.write_secret("a.key", &before.secret);
        let text = fleet(&format!(
            "b = {{ was = \"a\", on-missing = \"{on_missing}\" }}"
        ));
        for word in ["rename: name a -> b", "the secret is missing"] {
            let result = apply(&env, &text, &["--yes"]);
            assert_eq!(result.code(), 12, "{result:?}");
            contains(&result.stdout, &["b.key; move it there from a.key"]);
            assert_eq!(key(&env, "b").secret, before.secret, "{word}");
        }
        assert_eq!(env.sandbox.api_keys().len(), 1);
        std::fs::rename(env.home.path("a.key"), env.home.path("b.key")).expect("a move");
        plan(&env, &text, &["--exit-code"]).success();
    }
    // The file with the former name has the secret of another key.
    let env = with_keys(&["a"]);
    env.home.write_secret("a.key", "999:c2VjcmV0");
    let result = plan(&env, &fleet("b = { was = \"a\" }"), &[]);
    assert!(!result.stdout.contains("move it"), "{result:?}");
}

#[test]
fn commands_for_one_key_note_that_it_belongs_to_a_fleet() {
    let env = with_keys(&["a", "b"]);
    env.sandbox.add_key("alone", 2);
    let note = "belongs to the fleet `ops`";
    for command in [
        &["rotate-key", "a", "--out-file", "1.key"][..],
        &["rotate-key", "b", "--in-place", "--out-file", "2.key"],
        &["update-key", "b", "--name", "c"],
    ] {
        let result = env.run(command);
        result.success();
        contains(&result.stderr, &[note]);
    }
    let result = env.run(["rotate-key", "alone", "--in-place", "--out-file", "3.key"]);
    result.success();
    assert!(!result.stderr.contains("fleet"), "{result:?}");
    let result = env.run(["update-key", "b", "--name", "c", "--dry-run"]);
    assert_ne!(result.code(), 0);
    // The step in the note works: the destination gets a new secret.
    env.home.write_secret("a.key", "1:b2xk");
    let text = fleet("a = { on-missing = \"rekey\" }\nc = { out-file = \"2.key\" }");
    apply(&env, &text, &["--verify", "--yes"]).success();
    assert_eq!(super::apply::secret(&env, "a.key"), key(&env, "a").secret);
}

#[test]
fn a_new_key_does_not_hide_that_a_key_was_renamed_by_hand() {
    let env = TestEnv::new();
    let id = add(&env, "renamed", |_| {});
    env.home.write_secret("a.key", &format!("{id}:c2VjcmV0"));
    let result = plan(&env, &fleet("a = {}"), &[]);
    let id = format!("ID {id}");
    contains(
        result.success(),
        &["+ a", "`renamed`", &id, "`was = \"renamed\"`", "? renamed"],
    );
    let result = plan(&env, &fleet("a = {}\nrenamed = {}"), &["--no-look"]);
    assert!(!result.stdout.contains("was ="), "{result:?}");
}

#[test]
fn a_change_of_a_role_or_a_lock_shows_both_values_in_the_same_form() {
    let env = with_keys(&["a", "b"]);
    for name in ["a.key", "b.key"] {
        env.home.write_secret(name, "x");
    }
    env.sandbox
        .edit_key(key(&env, "a").id, |key| key.role_id = 1);
    let result = plan(&env, &fleet("a = {}\nb = { locked = true }"), &[]);
    contains(
        result.success(),
        &[
            "change: role ID 1 -> ID 2 (Auditor)",
            "lock: unlocked -> locked",
        ],
    );
    let both = "a = {}\nb = { role-id = 1, allow-full-access = true }";
    let result = plan(&env, &fleet(both), &[]);
    contains(&result.stdout, &["role Full Access -> Auditor"]);
}

//! Two keys of the fleet with the same name, neither of which replaces the other.

use super::apply::{apply, is_as_declared, is_unconfirmed, key};
use super::plan::{add, add_used, fleet};
use crate::support::{TestEnv, contains};

const DAY: i64 = 86_400_000;
const USE: &str = "GET /api/apikeys/current";

/// A fleet with two keys named `a`, each created a day ago, on a manager that reports the last use of another key. Returns their IDs.
pub(super) fn two() -> (TestEnv, i64, i64) {
    let env = TestEnv::new();
    let old = || {
        add(&env, "a", |key| {
            key.created -= DAY;
            key.expiry_date = Some(key.created + 90 * DAY);
        })
    };
    let (one, two) = (old(), old());
    add_used(&env);
    (env, one, two)
}

pub(super) fn secret_of(env: &TestEnv, id: i64) -> String {
    let keys = env.sandbox.api_keys();
    let found = keys.iter().find(|key| key.id == id).expect("the key");
    found.secret.clone()
}

#[test]
fn the_unused_key_whose_secret_is_not_at_the_destination_is_deleted() {
    for first_is_kept in [true, false] {
        let (env, one, two) = two();
        let (kept, unneeded) = match first_is_kept {
            true => (one, two),
            false => (two, one),
        };
        let text = fleet("a = {}");
        env.home.write_secret("a.key", &secret_of(&env, kept));
        // A deletion must be confirmed.
        is_unconfirmed(&apply(&env, &text, &[]));
        assert_eq!(env.sandbox.api_keys().len(), 3);
        let result = apply(&env, &text, &["--yes"]);
        let expected = format!("delete: done (ID {unneeded})");
        contains(result.success(), &["- a", &expected]);
        assert_eq!(key(&env, "a").id, kept);
        is_as_declared(&env);
    }
}

#[test]
fn the_plan_names_both_keys_and_uses_the_secret_once() {
    let (env, one, two) = two();
    env.home.write_secret("a.key", &secret_of(&env, one));
    env.home.write("keys.toml", &fleet("a = {}"));
    let result = env.run(["plan", "-f", "keys.toml"]);
    contains(
        result.success(),
        &[
            "- a",
            "delete: never used",
            &format!("(ID {one})"),
            "1 delete",
        ],
    );
    assert_eq!(env.count(USE), 1);
    let document = env.run(["plan", "-f", "keys.toml", "-o", "json"]).json();
    assert_eq!(document["apiKeys"][0]["ID"], two);
    assert_eq!(document["apiKeys"].as_array().map(Vec::len), Some(1));
}

#[test]
fn everything_else_is_a_conflict() {
    let text = fleet("a = {}");
    let check = |env: &TestEnv, text: &str, uses: usize| {
        let before = env.sandbox.requests().len();
        let result = apply(env, text, &["--yes"]);
        assert_eq!(result.code(), 12, "{result:?}");
        contains(&result.stdout, &["! a", "several keys have this name"]);
        assert_eq!(env.sandbox.api_keys().len(), 3);
        let later = env.sandbox.requests().split_off(before);
        let used = later
            .iter()
            .filter(|one| one.path == "/api/apikeys/current");
        assert_eq!(used.count(), uses);
    };
    // Nothing at the destination, a secret of neither key, or a secret that does not work.
    let (env, _, _) = two();
    check(&env, &text, 0);
    let other = env.sandbox.add_key("other", 2);
    env.home.write_secret("a.key", &other.secret);
    env.sandbox.remove_key(other.id);
    check(&env, &text, 1);
    // The rejected secret is not used again.
    check(&env, &text, 0);
    // One destination has the secret of the one key, and one has the secret of the other key.
    let (env, first, second) = two();
    env.home.write_secret("a.key", &secret_of(&env, first));
    env.home.write_secret("b.key", &secret_of(&env, second));
    let two_places = fleet("a = { out-file = [\"a.key\", \"b.key\"] }");
    check(&env, &two_places, 2);
    // The destination cannot be read.
    let (env, _, _) = two();
    let unknown = fleet("a = { deliver-cmd = \"true\" }").replace("out-file", "#");
    check(&env, &unknown, 0);
    // Both keys were used, or the unused key is new.
    let (env, first, second) = two();
    env.home.write_secret("a.key", &secret_of(&env, first));
    let now = env.sandbox.now();
    env.sandbox.edit_key(second, |key| key.created = now);
    env.sandbox
        .edit_key(first, |key| key.last_sign_in = Some(now));
    check(&env, &text, 0);
    env.sandbox.edit_key(second, |key| {
        key.created = now - DAY;
        key.last_sign_in = Some(now);
    });
    check(&env, &text, 0);
    // The marker of the unused key says that its secret may still be delivered.
    env.sandbox.edit_key(second, |key| {
        key.last_sign_in = None;
        key.description = Some("[swp-keys 77777777 ops pending]".into());
    });
    check(&env, &text, 0);
}

/// A manager may omit the last use of every key. Then nothing shows that a key was never used.
#[test]
fn neither_key_is_deleted_if_the_manager_does_not_report_the_last_use() {
    let (env, one, _) = two();
    let used = key(&env, "used").id;
    env.sandbox.remove_key(used);
    env.home.write_secret("a.key", &secret_of(&env, one));
    let result = apply(&env, &fleet("a = {}"), &["--yes"]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["! a", "does not report when"]);
    assert_eq!(env.sandbox.api_keys().len(), 2);
}

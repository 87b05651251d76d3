//! `apply`: rotations, missing secrets and keys whose delivery is not confirmed.

use std::time::Duration;

use swp_keys::sandbox::ApiKey;

use super::apply::{apply, is_as_declared, is_unconfirmed, key, secret};
use super::plan::{add, fleet, with_keys};
use crate::support::{TestEnv, answering_unknowns, contains};

const DAY: i64 = 86_400_000;

/// A key of the fleet that is 61 days old, with its secret in its file.
fn aged(env: &TestEnv, name: &str, edit: impl FnOnce(&mut ApiKey)) -> ApiKey {
    let id = add(env, name, |key| {
        key.created -= 61 * DAY;
        key.expiry_date = Some(key.created + 90 * DAY);
        edit(key);
    });
    let found = by_id(env, id);
    env.home.write_secret(&format!("{name}.key"), &found.secret);
    found
}

fn by_id(env: &TestEnv, id: i64) -> ApiKey {
    let mut keys = env.sandbox.api_keys();
    keys.retain(|key| key.id == id);
    keys.remove(0)
}

#[test]
fn old_keys_get_successors() {
    let env = TestEnv::new();
    let old = aged(&env, "old", |_| {});
    let expired = aged(&env, "expired", |key| {
        key.expiry_date = Some(key.created + 60 * DAY)
    });
    let locked = aged(&env, "locked", |key| key.active = false);
    let keys = "old = { rotate = \"60d\" }\nexpired = {}\nlocked = { rotate = \"60d\" }";
    let result = apply(&env, &fleet(keys), &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(
        &result.stdout,
        &[
            "> old",
            "rotate: done",
            "> expired",
            "! locked",
            "2 done",
            "1 problem",
        ],
    );
    for before in [&old, &expired] {
        let name = before.name.as_deref().expect("a name");
        let now = key(&env, name);
        assert_ne!(now.id, before.id);
        let description = now.description.unwrap_or_default();
        assert!(
            description.ends_with(&format!(" ops after {}]", before.id)),
            "{description}"
        );
        assert_eq!(secret(&env, &format!("{name}.key")), now.secret);
    }
    let retired = by_id(&env, old.id).expiry_date.unwrap_or_default();
    assert!(retired.abs_diff(env.sandbox.now() + DAY) < 60_000);
    assert_eq!(by_id(&env, expired.id).expiry_date, expired.expiry_date);
    assert_eq!(by_id(&env, locked.id), locked);
    let before = env.sandbox.api_keys();
    assert_eq!(apply(&env, &fleet(keys), &[]).code(), 12);
    assert_eq!(env.sandbox.api_keys(), before);
}

#[test]
fn the_old_key_of_a_rotation_is_deleted_after_its_expiry() {
    let env = TestEnv::new();
    let old = aged(&env, "old", |_| {});
    let text = fleet("old = { rotate = \"60d\" }");
    apply(&env, &text, &[]).success();
    assert_eq!(env.sandbox.api_keys().len(), 2);
    env.sandbox.advance_clock(Duration::from_secs(9 * 86_400));
    let result = apply(&env, &text, &[]);
    contains(result.success(), &["- old (retiring ", "delete: done"]);
    assert_ne!(key(&env, "old").id, old.id);
    is_as_declared(&env);
}

#[test]
fn a_missing_secret_is_reported_rotated_or_reset() {
    let with = |word: &str| fleet(&format!("a = {{ on-missing = \"{word}\" }}"));
    let env = with_keys(&["a"]);
    let before = key(&env, "a");
    let result = apply(&env, &with("report"), &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    assert_eq!(key(&env, "a"), before);
    apply(&env, &with("rotate"), &[]).success();
    let successor = key(&env, "a");
    assert_eq!(secret(&env, "a.key"), successor.secret);
    assert_eq!(by_id(&env, before.id).secret, before.secret);
    // The old key still works, so a second rotation waits.
    std::fs::remove_file(env.home.path("a.key")).expect("the file");
    let result = apply(&env, &with("rotate"), &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["waits"]);
    let env = with_keys(&["a"]);
    let before = key(&env, "a");
    // A reset stops the old secret from working, so it must be confirmed.
    is_unconfirmed(&apply(&env, &with("rekey"), &[]));
    assert_eq!(key(&env, "a"), before);
    apply(&env, &with("rekey"), &["--yes"]).success();
    let now = key(&env, "a");
    assert_eq!(
        (now.id, secret(&env, "a.key")),
        (before.id, now.secret.clone())
    );
    assert_ne!(now.secret, before.secret);
    is_as_declared(&env);
}

#[test]
fn a_key_whose_delivery_is_not_confirmed_is_finished_after_a_while() {
    let env = TestEnv::new();
    let pending = |age: i64| {
        let id = add(&env, "a", |key| {
            key.created -= age;
            key.expiry_date = Some(key.created + 90 * DAY);
            key.description = Some("[swp-keys 1a2b3c4d ops pending]".to_owned());
        });
        by_id(&env, id)
    };
    let text = fleet("a = { deliver-cmd = \"sh -c 'cat > a.key'\" }").replace("out-file", "#");
    let young = pending(0);
    let result = apply(&env, &text, &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["another run"]);
    assert_eq!(key(&env, "a"), young);
    env.sandbox.remove_key(young.id);
    let old = pending(16 * 60_000);
    contains(apply(&env, &text, &[]).success(), &["finish: done"]);
    let now = key(&env, "a");
    assert_eq!(
        (now.id, secret(&env, "a.key")),
        (old.id, now.secret.clone())
    );
    assert_eq!(now.description.as_deref(), Some("[swp-keys 1a2b3c4d ops]"));
    is_as_declared(&env);
}

#[test]
fn a_delivery_to_a_command_is_confirmed_on_the_manager() {
    let env = TestEnv::new();
    let text = fleet("a = { deliver-cmd = \"sh -c 'cat > a.key'\" }").replace("out-file", "#");
    apply(&env, &text, &[]).success();
    let description = key(&env, "a").description.unwrap_or_default();
    assert!(description.ends_with(" ops]"), "{description}");
    let created = crate::support::requests::bodies(&env.sandbox, crate::support::requests::CREATE);
    let requested = created[0]["description"].as_str().expect("a text");
    assert!(requested.ends_with(" ops pending]"), "{requested}");
}

/// The file of a key may have something else, such as a certificate, which must not be replaced.
#[test]
fn a_rotation_does_not_replace_other_content() {
    let env = TestEnv::new();
    let old = aged(&env, "a", |_| {});
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    env.home.write("a.key", certificate);
    let result = apply(&env, &fleet("a = { rotate = \"60d\" }"), &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(
        &result.stdout,
        &["! a", "cannot get the secret", "move the"],
    );
    let content = std::fs::read_to_string(env.home.path("a.key")).expect("the file");
    assert_eq!(content, certificate);
    assert_eq!(env.sandbox.api_keys(), [old]);
}

/// The secret of the adopted key is in use, so the key must not expire at once.
#[test]
fn an_adopted_key_that_is_too_old_is_rotated_by_the_next_run() {
    let env = TestEnv::with(answering_unknowns(&[("past-expiry", "accepted")]));
    let stranger = env.sandbox.add_key("a", 2);
    env.sandbox
        .edit_key(stranger.id, |key| key.created -= 200 * DAY);
    env.home.write_secret("a.key", &stranger.secret);
    let text = fleet("a = { adopt = true }");
    apply(&env, &text, &[]).success();
    assert_eq!(key(&env, "a").expiry_date, None);
    apply(&env, &text, &[]).success();
    let now = key(&env, "a");
    assert_ne!(now.id, stranger.id);
    assert_eq!(secret(&env, "a.key"), now.secret);
    is_as_declared(&env);
}

//! `apply` finishes an interrupted run only if it resets no secret that may be in use.

use swp_keys::sandbox::{ApiKey, SecretShape, Settings};

use super::apply::{apply, is_as_declared, secret};
use super::plan::{add, fleet};
use crate::support::TestEnv;

const DAY: i64 = 86_400_000;
const MINUTE: i64 = 60_000;

pub(super) fn by_id(env: &TestEnv, id: i64) -> ApiKey {
    let mut keys = env.sandbox.api_keys().into_iter();
    keys.find(|key| key.id == id).expect("a key")
}

/// The key `a` and its successor. The rotation was interrupted 16 minutes ago on another machine, and its state folder is lost.
pub(super) fn rotation(env: &TestEnv) -> (ApiKey, ApiKey) {
    let old = add(env, "a", |key| {
        key.created -= 61 * DAY;
        key.expiry_date = Some(key.created + 90 * DAY);
    });
    let new = add(env, "a", |key| {
        key.description = Some(format!("[swp-keys 1a2b3c4d ops after {old}]"));
        key.created -= 16 * MINUTE;
        key.expiry_date = Some(key.created + 90 * DAY);
    });
    (by_id(env, old), by_id(env, new))
}

/// The manager does not report the key of a secret, and the old secret still works.
#[test]
fn a_working_secret_of_an_unknown_key_does_not_show_a_delivery() {
    let env = TestEnv::with(Settings {
        secret_shape: SecretShape::GuidBase64,
        ..Settings::default()
    });
    let (old, new) = rotation(&env);
    env.home.write_secret("a.key", &old.secret);
    apply(&env, &fleet("a = {}"), &[]).success();
    let now = by_id(&env, new.id);
    assert_ne!(now.secret, new.secret);
    assert_eq!(secret(&env, "a.key"), now.secret);
    let end = by_id(&env, old.id).expiry_date.expect("an expiry");
    assert!(end.abs_diff(env.sandbox.now() + DAY) < 60_000);
    is_as_declared(&env);
}

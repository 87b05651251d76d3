//! An interrupted run may have used its new secret itself, with `--verify` or after a lost response. Such a use does not show a delivery.

use std::time::Duration;

use swp_keys::sandbox::{Action, Fault, SecretShape, Settings};

use super::apply::{apply, is_as_declared, key, secret};
use super::apply_records::killed;
use super::kept_secrets::{DAY, DELAY, MINUTE, by_id, rotation, run_hint, to_command};
use super::plan::{add, fleet};
use crate::support::running::Running;
use crate::support::{TestEnv, answering_unknowns, contains, wait_until};

fn use_a(env: &TestEnv, id: i64) {
    env.sandbox
        .edit_key(id, |key| key.last_sign_in = Some(key.created + MINUTE));
}

#[test]
fn a_key_that_only_its_own_run_has_used_is_finished() {
    let env = killed(&fleet("a = {}"));
    let before = key(&env, "a");
    use_a(&env, before.id);
    env.run(["apply", "-f", "keys.toml"]).success();
    assert_eq!(secret(&env, "a.key"), key(&env, "a").secret);
    is_as_declared(&env);
}

/// The file has the secret of the old key.
#[test]
fn a_successor_that_only_its_own_run_has_used_is_finished() {
    let env = TestEnv::new();
    let (old, new) = rotation(&env);
    env.home.write_secret("a.key", &old.secret);
    use_a(&env, new.id);
    apply(&env, &fleet("a = {}"), &[]).success();
    assert_eq!(secret(&env, "a.key"), by_id(&env, new.id).secret);
    assert!(by_id(&env, old.id).expiry_date < old.expiry_date);
    is_as_declared(&env);
}

/// It is unknown whether the destination has the secret, and only the record shows the unfinished work.
#[test]
fn the_record_of_a_used_key_is_kept_if_nothing_else_shows_its_work() {
    let command = "sh -c 'cat shared || test ! -e unknown'";
    let env = killed(&to_command(&format!(", read-cmd = \"{command}\"")));
    env.home.write("unknown", "");
    let before = key(&env, "a");
    use_a(&env, before.id);
    for _ in 0..2 {
        let result = env.run(["apply", "-f", "keys.toml"]);
        assert_eq!(result.code(), 12, "{result:?}");
        contains(&result.stdout, &["may be in use", "--forget", "--out-file"]);
        assert_eq!(key(&env, "a").secret, before.secret);
        assert_ne!(env.run(["recover", "--list"]).success(), "");
    }
    let result = env.run(["apply", "-f", "keys.toml"]);
    run_hint(&env, &result.stdout, "swp-keys recover");
    assert_eq!(env.run(["recover", "--list"]).success(), "");
    assert_eq!(key(&env, "a").secret, before.secret);
}

/// The expiry of the old key does not confirm the delivery to a successor with the word `pending`.
#[test]
fn a_pending_successor_that_was_used_can_be_replaced() {
    for life in [-DAY, DAY / 2] {
        let env = TestEnv::new();
        let (old, new) = rotation(&env);
        let now = env.sandbox.now();
        env.sandbox
            .edit_key(old.id, |key| key.expiry_date = Some(now + life));
        env.sandbox.edit_key(new.id, |key| {
            key.description = Some(format!("[swp-keys 1a2b3c4d ops after {} pending]", old.id));
            key.last_sign_in = Some(key.created + 10 * MINUTE);
        });
        let result = apply(&env, &to_command(""), &[]);
        assert_eq!(result.code(), 12, "{result:?}");
        contains(&result.stdout, &["may be in use", "rotate-key"]);
        assert_eq!(by_id(&env, new.id).secret, new.secret);
        run_hint(&env, &result.stdout, "swp-keys update-key");
        // The old key must have expired.
        env.sandbox.advance_clock(Duration::from_secs(13 * 60 * 60));
        let hint = ["rotate-key", &new.id.to_string(), "--out-file", "a.key"];
        env.run(hint).success();
        assert_eq!(by_id(&env, old.id).expiry_date, Some(now + life));
        is_as_declared(&env);
    }
}

/// A rotation of the key `a` whose run was killed before it received the secret of the successor. Then the user declares a longer overlap. Returns
/// the IDs of the old key and of its successor.
fn rotation_with_new_overlap(env: &TestEnv) -> (i64, i64) {
    let old = add(env, "a", |key| {
        key.created -= 75 * DAY;
        key.expiry_date = Some(key.created + 90 * DAY);
    });
    env.home.write_secret("a.key", &by_id(env, old).secret);
    let text = fleet("a = { rotate = \"60d\" }");
    env.home.write("keys.toml", &text);
    let slow = Fault::new("POST", "/api/apikeys", Action::Delay(DELAY)).after();
    env.sandbox.inject(slow);
    let run = Running::start(&mut env.home.command(["apply", "-f", "keys.toml"]));
    wait_until("a successor exists", || env.sandbox.api_keys().len() == 2);
    run.kill(rustix::process::Signal::KILL);
    run.finish();
    env.sandbox.clear_faults();
    env.sandbox.advance_clock(Duration::from_secs(16 * 60));
    let text = text.replace("rotate =", "overlap = \"30d\", rotate =");
    env.home.write("keys.toml", &text);
    let keys = env.sandbox.api_keys();
    let new = keys.iter().find(|key| key.id != old).expect("a key");
    (old, new.id)
}

fn with_equal_names() -> TestEnv {
    TestEnv::with(answering_unknowns(&[("duplicate-name", "accepted")]))
}

#[test]
fn a_rotation_is_finished_after_its_overlap_has_changed() {
    let env = with_equal_names();
    let (_, new) = rotation_with_new_overlap(&env);
    contains(env.run(["apply", "-f", "keys.toml"]).success(), &["finish"]);
    assert_eq!(secret(&env, "a.key"), by_id(&env, new).secret);
    is_as_declared(&env);
}

/// The expiry may be that of a rotation with the new overlap, or of a user.
#[test]
fn a_rotation_that_may_be_complete_keeps_its_record() {
    let env = with_equal_names();
    let (old, new) = rotation_with_new_overlap(&env);
    let end = env.sandbox.now() + 20 * DAY;
    env.sandbox.edit_key(old, |key| key.expiry_date = Some(end));
    let before = env.sandbox.api_keys();
    let mut result = env.run(["apply", "-f", "keys.toml"]);
    for _ in 0..2 {
        assert_eq!(result.code(), 12, "{result:?}");
        contains(&result.stdout, &["it is unknown", "--forget", "--out-file"]);
        assert_eq!(env.sandbox.api_keys(), before);
        assert_ne!(env.run(["recover", "--list"]).success(), "");
        result = env.run(["apply", "-f", "keys.toml"]);
    }
    run_hint(&env, &result.stdout, "swp-keys recover");
    assert_eq!(env.run(["recover", "--list"]).success(), "");
    assert_eq!(by_id(&env, new).secret, before[1].secret);
}

/// The role of the key that authenticates the runs may not read the key, and its secret does not contain its ID.
#[test]
fn a_run_with_a_key_of_unknown_id_finishes_its_work() {
    for has_record in [true, false] {
        let mut env = TestEnv::with(Settings {
            secret_shape: SecretShape::GuidBase64,
            ..Settings::default()
        });
        let signer = env.sandbox.add_key("signer", 1);
        env.use_key(&signer.secret);
        for method in ["GET", "POST"] {
            let refused = Action::status(403, "Not authorized to view API keys.");
            let fault = Fault::new(method, "/api/apikeys/current", refused);
            env.sandbox.inject(fault.times(99));
        }
        env.home.write("keys.toml", &to_command(""));
        let slow = Fault::new("POST", "/api/apikeys", Action::Delay(DELAY)).after();
        env.sandbox.inject(slow);
        let run = Running::start(&mut env.home.command(["apply", "-f", "keys.toml"]));
        wait_until("a key exists", || env.sandbox.api_keys().len() == 2);
        run.kill(rustix::process::Signal::KILL);
        run.finish();
        let before = key(&env, "a");
        if !has_record {
            std::fs::remove_dir_all(env.home.path("state")).expect("the state folder");
        }
        env.sandbox.advance_clock(Duration::from_secs(16 * 60));
        let result = env.run(["apply", "-f", "keys.toml"]);
        let now = key(&env, "a");
        if has_record {
            contains(result.success(), &["finish"]);
            assert_eq!(secret(&env, "a.key"), now.secret);
        } else {
            assert_eq!(result.code(), 12, "{result:?}");
            contains(&result.stdout, &["was not reset", "different key"]);
            assert_eq!(now.secret, before.secret);
        }
    }
}

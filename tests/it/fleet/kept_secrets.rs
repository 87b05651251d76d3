//! `apply` finishes an interrupted run only if it resets no secret that may be in use.

use std::time::Duration;

use swp_keys::sandbox::{Action, ApiKey, Fault, SecretShape, Settings};

use super::apply::{apply, is_as_declared, key, secret};
use super::apply_records::killed;
use super::plan::{add, fleet};
use crate::support::running::Running;
use crate::support::shell::sh;
use crate::support::{TestEnv, answering_unknowns, contains, wait_until};

pub(super) const DAY: i64 = 86_400_000;
pub(super) const MINUTE: i64 = 60_000;
pub(super) const DELAY: Duration = Duration::from_secs(300);

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

/// A manifest with the key `a`, whose secret goes to a command that shows nothing.
pub(super) fn to_command(lines: &str) -> String {
    fleet(&format!(
        "a = {{ deliver-cmd = \"sh -c 'cat > a.key'\"{lines} }}"
    ))
    .replace("out-file", "#")
}

/// Runs the command in the output that starts with these words.
pub(super) fn run_hint(env: &TestEnv, output: &str, start: &str) {
    let output = output.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, rest) = output.split_once(start).expect(start);
    let command = rest.split('`').next().expect("a command");
    let start = start.replacen("swp-keys", "\"$SWP_KEYS\"", 1);
    sh(&env.home, &format!("{start}{command}")).success();
}

/// A user extends the old key of a complete rotation, because a consumer is late.
#[test]
fn an_old_key_that_a_user_has_extended_leads_to_no_reset() {
    for (renamed, extended) in [(true, Some(7 * DAY)), (false, Some(7 * DAY)), (true, None)] {
        let env = TestEnv::new();
        let (old, new) = rotation(&env);
        let now = env.sandbox.now();
        env.sandbox.edit_key(old.id, |key| {
            key.expiry_date = extended.map(|life| now + life);
            if renamed {
                key.name = Some("a (retiring 2020-01-01T00:00Z)".to_owned());
            }
        });
        let before = env.sandbox.api_keys();
        let result = apply(&env, &to_command(""), &[]);
        assert_eq!(result.code(), 12, "{result:?}");
        contains(&result.stdout, &["! a", "complete the rotation"]);
        assert_eq!(env.sandbox.api_keys(), before);
        run_hint(&env, &result.stdout, "swp-keys update-key");
        is_as_declared(&env);
        assert_eq!(by_id(&env, new.id).secret, new.secret);
        if extended.is_some() {
            let end = by_id(&env, old.id).expiry_date;
            assert_eq!(end, extended.map(|life| now + life));
        }
    }
}

/// The destinations cannot show whether the secret was delivered, but it was used.
#[test]
fn the_secret_of_a_successor_that_was_used_is_not_reset() {
    let env = TestEnv::new();
    let (old, new) = rotation(&env);
    env.sandbox
        .edit_key(new.id, |key| key.last_sign_in = Some(key.created + MINUTE));
    let before = env.sandbox.api_keys();
    let result = apply(&env, &to_command(""), &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["may be in use", "was not reset"]);
    assert_eq!(env.sandbox.api_keys(), before);
    assert_eq!(env.run(["recover", "--list"]).success(), "");
    run_hint(&env, &result.stdout, "swp-keys update-key");
    is_as_declared(&env);
    assert_eq!(by_id(&env, new.id).secret, new.secret);
    assert!(by_id(&env, old.id).expiry_date < old.expiry_date);
}

#[test]
fn the_secret_of_an_unconfirmed_key_that_was_used_is_not_reset() {
    let env = TestEnv::new();
    let id = add(&env, "a", |key| {
        key.description = Some("[swp-keys 1a2b3c4d ops pending]".to_owned());
        key.created -= 16 * MINUTE;
        key.expiry_date = Some(key.created + 90 * DAY);
        key.last_sign_in = Some(key.created + MINUTE);
    });
    let before = by_id(&env, id);
    let result = apply(&env, &to_command(""), &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["may be in use", "rotate-key"]);
    assert_eq!(env.sandbox.api_keys(), [before]);
    let hint = ["rotate-key", &id.to_string(), "--out-file", "a.key"];
    env.run(hint).success();
    is_as_declared(&env);
}

/// The run is killed while the command stores the secret.
#[test]
fn a_secret_that_read_cmd_shows_is_not_reset() {
    let env = TestEnv::new();
    let wait = env.home.write("wait", "");
    let command = format!(
        "sh -c 'cat > a.key; while [ -e {} ]; do sleep 0.05; done'",
        wait.display()
    );
    let text = fleet(&format!(
        "a = {{ deliver-cmd = \"{command}\", read-cmd = \"sh -c 'cat a.key || true'\" }}"
    ))
    .replace("out-file", "#");
    env.home.write("keys.toml", &text);
    let run = Running::start(&mut env.home.command(["apply", "-f", "keys.toml"]));
    wait_until("the secret is stored", || {
        std::fs::read_to_string(env.home.path("a.key")).is_ok_and(|text| !text.is_empty())
    });
    run.kill(rustix::process::Signal::KILL);
    std::fs::remove_file(wait).expect("the file was there");
    run.finish();
    let before = key(&env, "a");
    assert_eq!(secret(&env, "a.key"), before.secret);
    env.run(["apply", "-f", "keys.toml"]).success();
    assert_eq!(key(&env, "a").secret, before.secret);
    is_as_declared(&env);
}

/// This machine has the record of a run that was killed before it received the secret. Another machine has reset and delivered the secret since
/// then.
#[test]
fn the_secret_that_another_machine_has_delivered_is_not_reset() {
    let text = to_command(", read-cmd = \"sh -c 'cat shared || true'\"");
    // The other machine stored the secret at the shared destination, or the key was used.
    for is_shown in [true, false] {
        let env = killed(&text);
        let before = key(&env, "a");
        if is_shown {
            env.home.write_secret("shared", &before.secret);
        } else {
            let used = Some(before.created + 10 * MINUTE);
            env.sandbox
                .edit_key(before.id, |key| key.last_sign_in = used);
        }
        let result = env.run(["apply", "-f", "keys.toml"]);
        assert_eq!(result.code(), if is_shown { 0 } else { 12 }, "{result:?}");
        assert_eq!(key(&env, "a").secret, before.secret);
        assert_eq!(env.run(["recover", "--list"]).success(), "");
    }
}

/// The key that authenticates the run was rotated, and its successor authenticates the next run.
#[test]
fn the_key_that_authenticates_the_run_is_never_reset() {
    for has_record in [false, true] {
        let mut env = TestEnv::with(answering_unknowns(&[("duplicate-name", "accepted")]));
        let old = add(&env, "a", |key| {
            key.role_id = 1;
            key.created -= 61 * DAY;
            key.expiry_date = Some(key.created + 90 * DAY);
        });
        let old = by_id(&env, old);
        let text = to_command(", rotate = \"60d\"")
            .replace("Auditor\"", "Full Access\"\nallow-full-access = true");
        env.home.write("keys.toml", &text);
        env.use_key(&old.secret);
        // The run is killed while it sets the expiry of the old key.
        let route = format!("/api/apikeys/{}", old.id);
        let slow = Action::Delay(DELAY);
        env.sandbox.inject(Fault::new("POST", &route, slow));
        let run = Running::start(&mut env.home.command(["apply", "-f", "keys.toml"]));
        env.wait_for(&format!("POST {route}"));
        run.kill(rustix::process::Signal::KILL);
        run.finish();
        env.sandbox.clear_faults();
        let keys = env.sandbox.api_keys();
        let new = keys.iter().find(|key| key.id != old.id).expect("a key");
        if !has_record {
            std::fs::remove_dir_all(env.home.path("state")).expect("the state folder");
        }
        env.sandbox.advance_clock(Duration::from_secs(16 * 60));
        env.use_key(&new.secret);
        env.run(["apply", "-f", "keys.toml"]).success();
        assert_eq!(by_id(&env, new.id).secret, new.secret);
        let end = by_id(&env, old.id).expiry_date.expect("an expiry");
        assert!(end < env.sandbox.now() + 2 * DAY);
        let plan = env.run(["plan", "-f", "keys.toml", "--exit-code"]);
        plan.success();
        assert_eq!(env.run(["recover", "--list"]).success(), "");
    }
}

/// The expiry of an old key that expires soon anyway does not show that the secret of its successor was delivered.
#[test]
fn the_rotation_of_an_expired_key_is_finished_on_another_machine() {
    let cases = [
        (61 * DAY - MINUTE, false, "accepted"),
        (61 * DAY - MINUTE, false, "400"),
        (62 * DAY, false, "accepted"),
        (62 * DAY, false, "400"),
        (90 * DAY, true, "accepted"),
    ];
    for (life, was, status) in cases {
        let env = TestEnv::with(answering_unknowns(&[("duplicate-name", status)]));
        let old = add(&env, "a", |key| {
            key.created -= 61 * DAY;
            key.expiry_date = Some(key.created + life);
        });
        let old = by_id(&env, old);
        env.home.write_secret("a.key", &old.secret);
        let lines = "rotate = \"60d\", out-file = \"a.key\"";
        let text = match was {
            true => fleet(&format!("b = {{ was = \"a\", {lines} }}")),
            false => fleet(&format!("a = {{ {lines} }}")),
        };
        env.home.write("keys.toml", &text);
        let slow = Fault::new("POST", "/api/apikeys", Action::Delay(DELAY)).after();
        // If the name must be free, the first request fails.
        let nth = if status == "400" { 2 } else { 1 };
        env.sandbox.inject(Fault { nth, ..slow });
        let run = Running::start(&mut env.home.command(["apply", "-f", "keys.toml"]));
        wait_until("a successor exists", || env.sandbox.api_keys().len() == 2);
        run.kill(rustix::process::Signal::KILL);
        run.finish();
        env.sandbox.clear_faults();
        std::fs::remove_dir_all(env.home.path("state")).expect("the state folder");
        let early = env.run(["apply", "-f", "keys.toml"]);
        assert_eq!(early.code(), 12, "{early:?}");
        contains(&early.stdout, &["another run"]);
        env.sandbox.advance_clock(Duration::from_secs(16 * 60));
        let late = env.run(["apply", "-f", "keys.toml"]);
        contains(late.success(), &["finish: done"]);
        let keys = env.sandbox.api_keys();
        let new = keys.iter().find(|key| key.id != old.id).expect("a key");
        assert_eq!(secret(&env, "a.key"), new.secret);
        let description = new.description.clone().unwrap_or_default();
        assert!(description.ends_with(&format!(" ops after {}]", old.id)));
        let end = by_id(&env, old.id).expiry_date.expect("an expiry");
        assert!(end < env.sandbox.now() + 2 * DAY);
        is_as_declared(&env);
    }
}

/// A complete rotation of such a key confirms the delivery, with `apply` and with `recover`.
#[test]
fn the_successor_of_an_expired_key_is_confirmed() {
    for recovers in [false, true] {
        let env = TestEnv::with(answering_unknowns(&[("duplicate-name", "accepted")]));
        let old = add(&env, "a", |key| {
            key.created -= 61 * DAY;
            key.expiry_date = Some(key.created + 60 * DAY);
        });
        env.home.write("keys.toml", &fleet("a = {}"));
        if recovers {
            let slow = Action::Delay(DELAY);
            env.sandbox
                .inject(Fault::new("POST", "/api/apikeys", slow).after());
            let run = Running::start(&mut env.home.command(["apply", "-f", "keys.toml"]));
            wait_until("a successor exists", || env.sandbox.api_keys().len() == 2);
            run.kill(rustix::process::Signal::KILL);
            run.finish();
            env.sandbox.clear_faults();
            env.run(["recover", "--yes", "--out-file", "a.key"])
                .success();
        } else {
            env.run(["apply", "-f", "keys.toml"]).success();
        }
        let keys = env.sandbox.api_keys();
        let new = keys.iter().find(|key| key.id != old).expect("a key");
        let description = new.description.clone().unwrap_or_default();
        assert!(
            description.ends_with(&format!(" ops after {old}]")),
            "{description}"
        );
        assert_eq!(secret(&env, "a.key"), new.secret);
        is_as_declared(&env);
    }
}

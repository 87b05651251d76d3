//! `apply` on a manager that does not store the markers of the fleet as they were sent.

#[cfg(unix)]
use std::time::Duration;

#[cfg(unix)]
use swp_keys::sandbox::{Action, Fault};

use super::apply::apply;
use super::plan::{add, fleet};
#[cfg(unix)]
use crate::support::requests::SEARCH_KEYS;
#[cfg(unix)]
use crate::support::running::Running;
#[cfg(unix)]
use crate::support::wait_until;
use crate::support::{TestEnv, answering_unknowns, contains};

const DAY: i64 = 86_400_000;
/// The forms in which the manager stores a description, so that the marker is lost.
const FORMS: [&str; 4] = ["upper", "no-brackets", "cut", "dropped"];

fn storing(form: &str) -> TestEnv {
    TestEnv::with(answering_unknowns(&[("descriptions", form)]))
}

#[test]
fn a_new_key_without_its_marker_is_deleted_again() {
    for form in FORMS {
        let env = storing(form);
        // The form `cut` keeps a marker without a text before it.
        let key = "{ description = \"the key of a service\" }";
        let text = fleet(&format!("a = {key}\nb = {key}"));
        let result = apply(&env, &text, &[]);
        assert_eq!(result.code(), 12, "{form}: {result:?}");
        contains(
            &result.stdout,
            &["! a", "! b", "marker", "was deleted", "2 failed"],
        );
        assert_eq!(env.sandbox.api_keys(), [], "{form}");
        assert!(!env.home.path("a.key").exists() && !env.home.path("b.key").exists());
        assert_eq!(env.run(["recover", "--list"]).success(), "");
    }
}

#[test]
fn a_successor_without_its_marker_is_deleted_and_the_old_key_stays() {
    for form in FORMS {
        let env = storing(form);
        let id = add(&env, "a", |key| {
            key.created -= 61 * DAY;
            key.expiry_date = Some(key.created + 90 * DAY);
        });
        let before = env.sandbox.api_keys();
        env.home.write_secret("a.key", &before[0].secret);
        let result = apply(&env, &fleet("a = { rotate = \"60d\" }"), &[]);
        assert_eq!(result.code(), 12, "{form}: {result:?}");
        contains(&result.stdout, &["marker", "was deleted", "1 failed"]);
        let after = env.sandbox.api_keys();
        assert_eq!(after.len(), 1, "{form}: {after:?}");
        assert_eq!(
            (after[0].id, after[0].expiry_date),
            (id, before[0].expiry_date)
        );
        assert_eq!(after[0].name, before[0].name, "{form}");
        assert_eq!(super::apply::secret(&env, "a.key"), before[0].secret);
        assert_eq!(env.run(["recover", "--list"]).success(), "");
    }
}

#[test]
fn a_key_that_cannot_be_marked_is_not_adopted() {
    for form in FORMS {
        let env = storing(form);
        let stranger = env.sandbox.add_key("a", 2);
        env.sandbox.edit_key(stranger.id, |key| {
            key.description = Some(match form {
                "upper" => "BY HAND".to_owned(),
                _ => "by hand".to_owned(),
            })
        });
        env.home.write_secret("a.key", &stranger.secret);
        let before = env.sandbox.api_keys();
        let text = fleet("a = { adopt = true, role = \"Full Access\", allow-full-access = true }");
        let result = apply(&env, &text, &[]);
        assert_eq!(result.code(), 12, "{form}: {result:?}");
        contains(
            &result.stdout,
            &["marker", "changed back", "now expires", "1 failed"],
        );
        // A manager may not know a value for "never", so the expiry is not removed again.
        let mut after = env.sandbox.api_keys();
        after[0].expiry_date = before[0].expiry_date;
        assert_eq!(after, before, "{form}");
    }
}

/// A description that is too long for the manager would remove the marker of a key of the fleet.
#[test]
fn a_key_keeps_its_marker_if_its_new_description_is_too_long() {
    let env = storing("cut");
    add(&env, "a", |_| {});
    let before = env.sandbox.api_keys();
    env.home.write_secret("a.key", &before[0].secret);
    let text = fleet("a = { description = \"the key of the first service\" }");
    let result = apply(&env, &text, &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["marker", "changed back"]);
    assert_eq!(env.sandbox.api_keys(), before);
}

/// The run was killed before it could check the marker.
#[cfg(unix)]
#[test]
fn the_key_of_a_killed_run_without_its_marker_is_deleted() {
    let env = storing("upper");
    let text = fleet("a = {}");
    env.home.write("keys.toml", &text);
    let lost = Action::Delay(Duration::from_secs(300));
    env.sandbox
        .inject(Fault::new("POST", "/api/apikeys", lost).after());
    let run = Running::start(&mut env.home.command(["apply", "-f", "keys.toml"]));
    wait_until("the key exists", || env.sandbox.api_keys().len() == 1);
    run.kill(rustix::process::Signal::KILL);
    run.finish();
    env.sandbox.clear_faults();
    let result = env.run(["apply", "-f", "keys.toml", "--yes"]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["marker", "was deleted", "1 failed"]);
    assert_eq!(env.sandbox.api_keys(), []);
    assert!(!env.home.path("a.key").exists());
    assert_eq!(env.run(["recover", "--list"]).success(), "");
}

/// The run was killed before it could check the marker, and its record contains the ID of the key.
#[cfg(unix)]
#[test]
fn the_key_with_a_recorded_id_and_without_its_marker_is_deleted() {
    let env = storing("upper");
    env.home.write("keys.toml", &fleet("a = {}"));
    let slow = Action::Delay(Duration::from_secs(300));
    let fault = Fault::new("POST", "/api/apikeys/search", slow);
    env.sandbox.inject(Fault { nth: 2, ..fault });
    let run = Running::start(&mut env.home.command(["apply", "-f", "keys.toml"]));
    wait_until("the search is sent", || env.count(SEARCH_KEYS) >= 2);
    run.kill(rustix::process::Signal::KILL);
    run.finish();
    env.sandbox.clear_faults();
    assert_eq!(env.sandbox.api_keys().len(), 1);
    let result = env.run(["apply", "-f", "keys.toml", "--yes"]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["marker", "was deleted", "1 failed"]);
    assert_eq!(env.sandbox.api_keys(), []);
    assert_eq!(env.run(["recover", "--list"]).success(), "");
}

/// The key shows the complete marker of another run.
#[cfg(unix)]
#[test]
fn a_key_that_got_the_marker_of_another_run_is_not_deleted() {
    let env = TestEnv::new();
    env.home.write("keys.toml", &fleet("a = {}"));
    let slow = Action::Delay(Duration::from_secs(3));
    let fault = Fault::new("POST", "/api/apikeys/search", slow);
    env.sandbox.inject(Fault { nth: 2, ..fault });
    let run = Running::start(&mut env.home.command(["apply", "-f", "keys.toml"]));
    wait_until("the search is sent", || env.count(SEARCH_KEYS) >= 2);
    let id = env.sandbox.api_keys()[0].id;
    env.sandbox.edit_key(id, |key| {
        key.description = Some("[swp-keys 00abcdef ops]".to_owned());
    });
    let before = env.sandbox.api_keys();
    let result = run.finish();
    assert_eq!(result.code(), 11, "{result:?}");
    contains(&result.stdout, &["00abcdef", "no key was deleted"]);
    assert_eq!(env.sandbox.api_keys(), before);
    assert!(!env.home.path("a.key").exists());
}

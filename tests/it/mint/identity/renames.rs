//! Keys that a user renames during a run, or before the recovery of an interrupted run.

use swp_keys::sandbox::Sandbox;

use super::fixtures::{NAME, each, records};
use crate::support::answering_unknowns;
use crate::support::held_manager::HeldManager;

const VERIFIED: &str = "GET /api/apikeys/current";

fn rename(sandbox: &Sandbox) {
    let id = sandbox.api_keys().last().expect("a key").id;
    sandbox.edit_key(id, |key| key.name = Some("of another name".to_owned()));
}

fn create(named: bool) -> Vec<&'static str> {
    let mut words = vec!["create", "--role", "Auditor", "--verify"];
    if named {
        words.extend(["--name", NAME]);
    }
    words
}

#[test]
fn a_renamed_key_of_a_killed_run_is_found() {
    let cases = ["POST /api/apikeys", VERIFIED].into_iter();
    let cases = cases.flat_map(|route| [true, false].map(|named| (route, named)));
    each(cases, |(route, named)| {
        for delete in [false, true] {
            let held = HeldManager::new(route);
            let running = held.start(create(named));
            held.wait_until_held();
            rename(&held.sandbox);
            drop(running);
            held.release();
            let mut recover = vec!["recover", "--yes"];
            recover.extend(delete.then_some("--delete"));
            let result = held.home.run(recover);
            let keys = held.sandbox.api_keys();
            let what = format!("{route} {named} {delete}: {} {keys:?}", result.stderr);
            assert_eq!(result.code(), 0, "{what}");
            assert_eq!(keys.len(), usize::from(!delete), "{what}");
            if !delete {
                assert_eq!(result.success(), keys[0].secret, "{what}");
            }
            assert_eq!(records(&held.home).len(), 0, "{what}");
        }
    });
}

/// The name and the description were changed, so only the ID identifies the key.
#[test]
fn a_recorded_id_is_enough_without_name_and_marker() {
    let held = HeldManager::new(VERIFIED);
    let running = held.start(create(true));
    held.wait_until_held();
    rename(&held.sandbox);
    held.sandbox.edit_key(1, |key| key.description = None);
    let recorded = records(&held.home);
    assert_eq!(recorded[0]["keyID"], 1, "{recorded:?}");
    drop(running);
    held.release();
    let result = held.home.run(["recover", "--yes"]);
    assert_eq!(result.success(), held.sandbox.api_keys()[0].secret);
}

/// A key with the recorded ID may be a different key, for example if the manager was restored from a backup.
#[test]
fn a_key_that_is_older_than_the_run_is_not_recovered_by_its_id() {
    let held = HeldManager::new(VERIFIED);
    let running = held.start(create(true));
    held.wait_until_held();
    drop(running);
    held.sandbox.edit_key(1, |key| {
        key.name = Some("of another name".to_owned());
        key.description = None;
        key.created -= 86_400_000;
    });
    held.release();
    let before = held.sandbox.api_keys();
    held.home.run(["recover", "--yes"]).failure(11);
    assert_eq!(held.sandbox.api_keys(), before);
    assert_eq!(records(&held.home).len(), 1);
}

#[test]
fn a_temporary_key_is_deleted() {
    let held = HeldManager::new("POST /api/apikeys");
    let exec = ["exec", "--role-id", "2", "--allow-full-access"];
    let running = held.start([&exec[..], &["--", "true"]].concat());
    held.wait_until_held();
    rename(&held.sandbox);
    held.release();
    running.finish().success();
    assert_eq!(held.sandbox.api_keys(), []);
}

/// The successor is renamed before the run receives its response, and the run is killed.
#[test]
fn a_killed_rotation_creates_no_third_key() {
    for again in [&["rotate-key", "1"][..], &["recover", "--yes"]] {
        let settings = answering_unknowns(&[("duplicate-name", "accepted")]);
        let held = HeldManager::with(settings, "POST /api/apikeys");
        held.sandbox.add_key("ci", 2);
        let running = held.start(["rotate-key", "1"]);
        held.wait_until_held();
        rename(&held.sandbox);
        drop(running);
        held.release();
        let result = held.home.run(again);
        let keys = held.sandbox.api_keys();
        assert_eq!(result.code(), 0, "{} {keys:?}", result.stderr);
        assert_eq!(keys.len(), 2, "{keys:?}");
        assert_eq!(result.success(), keys[1].secret);
        assert_eq!(records(&held.home).len(), 0);
    }
}

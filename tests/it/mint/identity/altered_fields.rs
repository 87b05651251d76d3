//! Managers that store a key's name or description in an altered form.

use super::fixtures::{LOST, NAME, delivered, each, records};
use crate::support::held_manager::HeldManager;
use crate::support::responses::inject;
use crate::support::{RunResult, TestEnv, answering_unknowns, contains};

const NAMES: [&str; 5] = ["upper", "lower", "no-blanks", "no-brackets", "cut"];
/// Alterations that preserve the hexadecimal digits of a marker.
const DESCRIPTIONS: [&str; 5] = ["kept", "upper", "lower", "no-blanks", "no-brackets"];

fn create<'a>(named: bool) -> Vec<&'a str> {
    let mut words = vec!["create", "--role", "Auditor"];
    if named {
        words.extend(["--name", NAME]);
    }
    words
}

fn cases() -> impl Iterator<Item = (&'static str, &'static str, bool)> {
    let alterations = NAMES
        .into_iter()
        .flat_map(|names| DESCRIPTIONS.map(|descriptions| (names, descriptions)));
    alterations
        .flat_map(|(names, descriptions)| [true, false].map(|named| (names, descriptions, named)))
}

#[test]
fn after_a_lost_response_the_key_is_found_by_its_marker() {
    each(cases(), |(names, descriptions, named)| {
        let env = TestEnv::with(answering_unknowns(&[
            ("key-names", names),
            ("descriptions", descriptions),
        ]));
        inject(&env.sandbox, LOST);
        let result = env.run(create(named));
        delivered(&env, &result, &format!("{names} {descriptions} {named}"));
    });
}

#[test]
fn a_killed_run_is_recovered_by_the_marker() {
    each(cases(), |(names, descriptions, named)| {
        let settings = answering_unknowns(&[("key-names", names), ("descriptions", descriptions)]);
        let held = HeldManager::with(settings, "POST /api/apikeys");
        held.kill_while_held(create(named));
        let result = held.home.run(["recover", "--yes"]);
        let keys = held.sandbox.api_keys();
        let what = format!("{names} {descriptions} {named}: {} {keys:?}", result.stderr);
        assert_eq!(result.code(), 0, "{what}");
        assert_eq!(result.success(), keys[0].secret, "{what}");
        assert_eq!(records(&held.home).len(), 0, "{what}");
    });
}

#[test]
fn a_temporary_key_is_deleted() {
    each(NAMES, |names| {
        for fault in [None, Some(LOST)] {
            let env = TestEnv::with(answering_unknowns(&[("key-names", names)]));
            if let Some(fault) = fault {
                inject(&env.sandbox, fault);
            }
            let result = env.run(["exec", "--role", "Auditor", "--", "true"]);
            assert_eq!(result.code(), 0, "{names}: {}", result.stderr);
            assert_eq!(env.sandbox.api_keys(), [], "{names}");
            assert_eq!(records(&env.home).len(), 0, "{names}");
        }
    });
}

/// A similar name does not prove that the key belongs to the run, but it cannot be ignored either.
#[test]
fn without_a_marker_a_similar_name_is_not_ignored() {
    each(NAMES, |names| {
        let env = TestEnv::with(answering_unknowns(&[
            ("key-names", names),
            ("descriptions", "dropped"),
        ]));
        inject(&env.sandbox, LOST);
        let result = env.run(create(true));
        contains(result.failure(11), &["1", "swp-keys recover"]);
        assert_eq!(env.sandbox.api_keys().len(), 1, "{names}");
        assert_eq!(records(&env.home).len(), 1, "{names}");
    });
}

/// Returns a manager with one key, whose name it stores in this form.
fn with_a_key(names: &str, duplicates: &str) -> TestEnv {
    let env = TestEnv::with(answering_unknowns(&[
        ("key-names", names),
        ("duplicate-name", duplicates),
    ]));
    env.run(create(true)).success();
    env
}

/// Asserts that the old key expires, and that the successor has the name.
#[track_caller]
fn rotated(env: &TestEnv, result: &RunResult, what: &str) {
    let keys = env.sandbox.api_keys();
    assert_eq!(result.code(), 0, "{what}: {} {keys:?}", result.stderr);
    assert_eq!(keys.len(), 2, "{what}: {keys:?}");
    assert_eq!(keys[1].secret, result.success(), "{what}");
    assert!(keys[0].expiry_date.is_some(), "{what}: {keys:?}");
    assert_eq!(records(&env.home).len(), 0, "{what}");
}

fn rotations() -> impl Iterator<Item = (&'static str, &'static str)> {
    // `cut` is omitted: a name of the maximum length cannot be extended.
    let names = ["upper", "lower", "no-blanks", "no-brackets"];
    (names.into_iter()).flat_map(|names| ["accepted", "409"].map(|duplicates| (names, duplicates)))
}

#[test]
fn a_rotation_creates_no_third_key() {
    each(rotations(), |(names, duplicates)| {
        for fault in [None, Some(LOST), Some("POST /api/apikeys drop after nth=2")] {
            let what = format!("{names} {duplicates} {fault:?}");
            let env = with_a_key(names, duplicates);
            if let Some(fault) = fault {
                inject(&env.sandbox, fault);
            }
            let mut result = env.run(["rotate-key", "1"]);
            if result.code() == 8 {
                // The manager rejected the first request because of the name, and its response was lost.
                assert_eq!(env.sandbox.api_keys().len(), 1, "{what}");
                result = env.run(["rotate-key", "1"]);
            }
            rotated(&env, &result, &what);
            env.sandbox.clear_faults();
            for again in ["1", "2"] {
                contains(env.run(["rotate-key", again]).failure(6), &["ID 1"]);
            }
        }
    });
}

#[test]
fn a_killed_rotation_continues_with_its_successor() {
    each(rotations(), |(names, duplicates)| {
        for route in ["POST /api/apikeys", "POST /api/apikeys/1"] {
            let settings =
                answering_unknowns(&[("key-names", names), ("duplicate-name", duplicates)]);
            let held = HeldManager::with(settings, route);
            let id = held.sandbox.add_key("CI", 2).id;
            held.sandbox.edit_key(id, |key| {
                let name = match names {
                    "lower" => "ci (a)",
                    "upper" => "CI (A)",
                    "no-blanks" => "ci(a)",
                    _ => "ci a",
                };
                key.name = Some(name.to_owned());
            });
            held.kill_while_held(["rotate-key", "1"]);
            let result = held.home.run(["rotate-key", "1"]);
            let keys = held.sandbox.api_keys();
            let what = format!("{names} {duplicates} {route}: {} {keys:?}", result.stderr);
            assert_eq!(result.code(), 0, "{what}");
            assert_eq!(keys.len(), 2, "{what}");
            assert_eq!(keys[1].secret, result.success(), "{what}");
            assert_eq!(records(&held.home).len(), 0, "{what}");
        }
    });
}

#[test]
fn a_rolled_back_rename_restores_the_name() {
    each(rotations(), |(names, duplicates)| {
        let env = with_a_key(names, duplicates);
        let before = env.sandbox.api_keys();
        let result = env.run(["rotate-key", "1", "--deliver-cmd", "false"]);
        result.failure(10);
        assert_eq!(env.sandbox.api_keys(), before, "{names} {duplicates}");
        assert_eq!(records(&env.home).len(), 0);
    });
}

#[test]
fn every_key_has_the_marker_by_default() {
    let env = TestEnv::new();
    env.run(create(false)).success();
    env.run(create(true)).success();
    let plain = ["create", "--role", "Auditor", "--no-mark"];
    env.run(plain).success();
    let keys = env.sandbox.api_keys();
    for key in &keys[..2] {
        let description = key.description.as_deref().unwrap_or_default();
        assert!(description.starts_with("[swp-keys "), "{description}");
    }
    assert_eq!(keys[2].description, None);
}

//! Rotations that are interrupted, lose responses, or run at the same time as another one.

use std::time::Duration;

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, Fault};

use super::in_place::REKEY;
use super::successor::{CHANGE, DAY, ROTATE, add_ci, env, name, rotate, rotated};
use crate::support::files::read;
use crate::support::files::record_count;
use crate::support::held_manager::HeldManager;
use crate::support::requests::{CREATE, SEARCH_KEYS};
use crate::support::responses::success_without_effect;
use crate::support::running::run_on_machines;
use crate::support::snapshot::snapshot;
use crate::support::{RunResult, TestEnv, answering_unknowns, contains};

/// Returns a manager that holds the response to `route`, and responds to a create with a used name as `duplicates` says.
fn held(duplicates: &str, route: &str) -> HeldManager {
    HeldManager::with(answering_unknowns(&[("duplicate-name", duplicates)]), route)
}

/// Returns the same manager with the key `ci`.
fn held_with_ci(duplicates: &str, route: &str) -> HeldManager {
    let held = held(duplicates, route);
    add_ci(&held.sandbox);
    held
}

/// The result of the run is the same, whichever response is lost.
#[test]
fn a_lost_response_does_not_change_the_result() {
    let routes = [
        "/api/apikeys",
        "/api/apikeys/1",
        "/api/apikeys/search",
        "/api/apikeys/2/secretkey",
    ];
    let cases = ["accepted", "409"]
        .into_iter()
        .flat_map(|duplicates| routes.map(|route| (duplicates, route)));
    std::thread::scope(|scope| {
        for (duplicates, route) in cases {
            scope.spawn(move || {
                for action in [
                    Action::Drop,
                    Action::Cut(30),
                    Action::status(502, "Bad gateway"),
                    Action::status(500, "Oops"),
                ] {
                    lost(duplicates, &Fault::new("POST", route, action.clone()));
                    lost(duplicates, &Fault::new("POST", route, action).after());
                }
            });
        }
    });
}

#[track_caller]
fn lost(duplicates: &str, fault: &Fault) {
    let env = env(duplicates);
    env.sandbox.inject(fault.clone());
    let result = rotate(&env, &["--settle-timeout", "500ms", "--retries", "1"]);
    let again = rotate_until_done(&env, result);
    rotated(&env.sandbox, again.stdout.trim_end());
    assert_eq!(record_count(&env.home), 0, "{fault:?}");
}

/// Runs the command again if the message advises it.
fn rotate_until_done(env: &TestEnv, first: RunResult) -> RunResult {
    if first.code() == 0 {
        return first;
    }
    assert!(matches!(first.code(), 1 | 8), "{}", first.stderr);
    assert_eq!(record_count(&env.home), 0, "{}", first.stderr);
    let again = rotate(env, &[]);
    again.success();
    again
}

/// The routes of the requests of a rotation.
const REQUESTS: [&str; 5] = [
    "POST /api/sessions",
    SEARCH_KEYS,
    CREATE,
    CHANGE,
    "GET /api/apikeys/1",
];

#[test]
fn the_same_command_finishes_a_rotation_that_was_killed_at_any_request() {
    let cases = ["accepted", "409", "500"]
        .into_iter()
        .flat_map(|duplicates| REQUESTS.map(|route| (duplicates, route)));
    std::thread::scope(|scope| {
        for (duplicates, route) in cases {
            scope.spawn(move || {
                killed(duplicates, route, &[]);
                killed(duplicates, route, &["--out-file", "key", "--force"]);
            });
        }
    });
}

#[track_caller]
fn killed(duplicates: &str, route: &str, sink: &[&str]) {
    let held = held_with_ci(duplicates, route);
    let arguments: Vec<_> = ROTATE.iter().chain(sink).collect();
    held.kill_while_held(&arguments);
    let result = held.home.run(&arguments);
    result.success();
    let secret = if sink.is_empty() {
        result.stdout
    } else {
        read(held.home.path("key"))
    };
    rotated(&held.sandbox, secret.trim_end());
    assert_eq!(record_count(&held.home), 0, "{duplicates} {route}");
}

#[test]
fn a_dry_run_reports_the_remaining_steps_of_a_killed_rotation() {
    for (route, sink) in [
        (SEARCH_KEYS, &[][..]),
        (CREATE, &[]),
        (CHANGE, &["--out-file", "key"]),
    ] {
        let held = held_with_ci("accepted", route);
        let arguments: Vec<_> = ROTATE.iter().chain(sink).collect();
        held.kill_while_held(&arguments);
        let before = held.sandbox.api_keys();
        let dry_run = ["--dry-run", "-o", "json"];
        let result = held.home.run(arguments.iter().copied().chain(&dry_run));
        let document = result.json();
        let id = before.iter().map(|key| key.id).find(|id| *id == 2);
        assert_eq!(document["ID"].as_i64(), id, "{document}");
        assert_eq!(document["meta"]["created"], json!(false));
        snapshot(&result.stderr);
        assert_eq!(held.sandbox.api_keys(), before);
        held.home.run(&arguments).success();
    }
}

#[test]
fn a_killed_rotation_can_be_finished_or_rolled_back() {
    for duplicates in ["accepted", "409"] {
        for (route, finish) in [(CREATE, true), (CREATE, false), (CHANGE, false)] {
            let held = held_with_ci(duplicates, route);
            let before = held.sandbox.api_keys();
            held.kill_while_held(ROTATE);
            // The secret is already delivered, and only the expiry of the old key is missing. The rotation is therefore not rolled back.
            if route == CHANGE && duplicates == "accepted" {
                held.home.run(["recover", "--yes", "--delete"]).failure(2);
                continue;
            }
            let listed = held.home.run(["recover", "--list"]);
            contains(listed.success(), &["rotate", "ci"]);
            let way = if finish { "--rekey" } else { "--delete" };
            let result = held.home.run(["recover", "--yes", way]);
            result.success();
            match (finish, held.sandbox.api_keys().len()) {
                (true, 2) => drop(rotated(&held.sandbox, result.stdout.trim_end())),
                _ => assert_eq!(held.sandbox.api_keys(), before, "{duplicates} {route}"),
            }
            assert_eq!(record_count(&held.home), 0);
        }
    }
}

/// The manager responds with success to the deletion, but does not delete the successor. The rotation is therefore not rolled back.
#[test]
fn a_successor_that_survives_its_deletion_leaves_a_record() {
    let held = held_with_ci("accepted", CREATE);
    held.kill_while_held(ROTATE);
    let lie = success_without_effect("DELETE", "/api/apikeys/*", &json!({}));
    held.sandbox.inject(lie.times(999));
    let undo = ["recover", "--yes", "--delete", "--settle-timeout", "300ms"];
    let result = held.home.run(undo);
    snapshot(result.failure(1));
    assert_eq!(record_count(&held.home), 1);
}

#[cfg(unix)]
#[test]
fn a_signal_rolls_the_rotation_back_or_lets_it_finish() {
    use rustix::process::Signal;
    for duplicates in ["accepted", "409"] {
        for (route, code) in [
            (CREATE, 143),
            (CHANGE, if duplicates == "accepted" { 0 } else { 143 }),
        ] {
            let held = held_with_ci(duplicates, route);
            let before = held.sandbox.api_keys();
            let running = held.start(ROTATE);
            held.wait_until_held();
            running.signal(Signal::TERM);
            held.release();
            let result = running.finish();
            assert_eq!(
                result.code(),
                code,
                "{duplicates} {route}: {}",
                result.stderr
            );
            if code == 0 {
                rotated(&held.sandbox, result.stdout.trim_end());
            } else {
                assert_eq!(held.sandbox.api_keys(), before, "{duplicates} {route}");
            }
            assert_eq!(record_count(&held.home), 0);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_second_signal_reports_that_the_old_key_has_no_expiry_yet() {
    let held = held_with_ci("accepted", CHANGE);
    let running = held.start(ROTATE);
    held.wait_until_held();
    let result = running.signal_until_exit(rustix::process::Signal::INT);
    assert_eq!(result.code(), 11, "{}", result.stderr);
    contains(
        &result.stderr,
        &["`ci` (ID 2)", "(ID 1)", "swp-keys recover"],
    );
    assert_eq!(record_count(&held.home), 1);
}

/// The first run was on another machine, and was killed after it had renamed the old key.
#[test]
fn a_renamed_key_is_found_without_a_record() {
    let env = env("409");
    env.sandbox.edit_key(1, |key| {
        key.name = Some("ci (retiring 2026-11-24T09:00Z)".to_owned())
    });
    contains(rotate(&env, &[]).failure(3), &["rotate-key 1"]);
    let result = env.run(["rotate-key", "1"]);
    rotated(&env.sandbox, result.success());
}

#[test]
fn of_two_machines_one_rotates_the_key() {
    for duplicates in ["accepted", "409", "500"] {
        let env = env(duplicates);
        let delay = Fault::new(
            "POST",
            "/api/apikeys",
            Action::Delay(Duration::from_millis(300)),
        )
        .after();
        env.sandbox.inject(delay.times(2));
        let result = run_on_machines(&env.home, 2, &["rotate-key", "1", "-q"]);
        let winner = result.iter().find(|result| result.code() == 0);
        let winner = winner.unwrap_or_else(|| panic!("{duplicates}: {result:?}"));
        rotated(&env.sandbox, winner.success());
        let loser = result.iter().find(|result| result.code() != 0);
        let loser = loser.unwrap_or_else(|| panic!("{result:?}"));
        loser.failure(6);
    }
}

/// The old key is renamed after the manager rejected the create, and before the run searches for the key that has the name.
#[test]
fn a_rotation_that_loses_the_race_for_the_name_is_a_conflict() {
    for duplicates in ["400", "403", "409", "500"] {
        let held = held_with_ci(duplicates, CREATE);
        let running = held.start(["rotate-key", "1"]);
        held.wait_until_held();
        held.sandbox.edit_key(1, |key| {
            key.name = Some("ci (retiring 2026-11-24T09:00Z)".to_owned());
        });
        held.release();
        contains(running.finish().failure(6), &["`ci` (ID 1)"]);
        let keys = held.sandbox.api_keys();
        assert_eq!(keys.len(), 1, "{duplicates}");
        assert_eq!(name(&keys[0]), "ci (retiring 2026-11-24T09:00Z)");
        assert_eq!(record_count(&held.home), 0);
    }
}

/// A key named "5" is not the key with ID 5. This also applies to the record of an interrupted rotation.
#[test]
fn a_name_of_digits_is_not_an_id() {
    let held = held("accepted", CREATE);
    held.sandbox.add_key("5", 2);
    for name in ["two", "three", "four", "five"] {
        held.sandbox.add_key(name, 2);
    }
    held.kill_while_held(["rotate-key", "1"]);
    let result = held.home.run(["rotate-key", "5"]);
    result.success();
    let named = |name: &str| {
        let keys = held.sandbox.api_keys();
        keys.iter()
            .filter(|key| key.name.as_deref() == Some(name))
            .map(|key| key.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(named("five"), [7], "the key with the ID 5 is rotated");
    assert_eq!(
        named("5"),
        [1, 6],
        "and the other rotation is left as it was"
    );
    assert_eq!(record_count(&held.home), 1);
    held.home.run(["rotate-key", "1"]).success();
    assert_eq!(named("5"), [6]);
    assert_eq!(record_count(&held.home), 0);
}

#[test]
fn a_reset_requires_that_an_interrupted_rotation_is_finished() {
    let held = held_with_ci("accepted", CHANGE);
    held.kill_while_held(ROTATE);
    let before = held.sandbox.api_keys();
    let in_place = held.home.run(["rotate-key", "1", "--in-place"]);
    snapshot(in_place.failure(6));
    contains(held.home.run(REKEY).failure(6), &["swp-keys recover"]);
    assert_eq!(held.sandbox.api_keys(), before);
}

/// Old records can still be read. New records contain no secret.
#[test]
fn the_record_contains_the_progress() {
    let held = held_with_ci("409", CHANGE);
    held.kill_while_held(ROTATE);
    let listed = held.home.run(["recover", "--list", "-o", "json"]).json();
    let record: &Value = &listed["unfinished"][0];
    assert_eq!(record["work"], json!("create"));
    assert_eq!(record["existingIDs"], json!([1]));
    let old = &record["predecessor"];
    assert_eq!((&old["ID"], &old["overlap"]), (&json!(1), &json!(DAY)));
    contains(
        old["givenName"].as_str().unwrap_or_default(),
        &["ci (retiring "],
    );
}

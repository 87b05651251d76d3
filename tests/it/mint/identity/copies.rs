//! Keys that a user creates with the description of another key, and so with its marker. They do not belong to the run.

use swp_keys::sandbox::Sandbox;

use super::fixtures::{each, records};
use crate::support::held_manager::HeldManager;
use crate::support::running::Running;
use crate::support::{TestEnv, answering_unknowns, wait_until};

const NAMED: [&str; 6] = ["create", "--role", "Auditor", "--name", "ci", "--verify"];
const HOUR: i64 = 3_600_000;

/// Copies the key with ID 1. The copy is this many milliseconds newer.
fn copy(sandbox: &Sandbox, later: i64) -> i64 {
    let ours = sandbox.api_keys()[0].clone();
    let id = sandbox.add_key("ci", 2).id;
    sandbox.edit_key(id, |key| {
        key.name = ours.name;
        key.description = ours.description;
        key.created = ours.created + later;
    });
    id
}

/// Returns a manager on which a run was killed after it had created its key.
fn killed_run(words: &[&str], route: &str) -> HeldManager {
    let held = HeldManager::with(answering_unknowns(&[("duplicate-name", "accepted")]), route);
    held.kill_while_held(words);
    held
}

#[test]
fn recovery_does_not_delete_the_copy_of_a_key() {
    each([false, true], |delete| {
        let held = killed_run(&NAMED, "GET /api/apikeys/current");
        let id = copy(&held.sandbox, HOUR);
        let copied = held.sandbox.api_keys()[1].clone();
        let mut recover = vec!["recover", "--yes"];
        recover.extend(delete.then_some("--delete"));
        let result = held.home.run(recover);
        let keys = held.sandbox.api_keys();
        let stays = keys.iter().find(|key| key.id == id);
        assert_eq!(stays, Some(&copied), "{delete}: {}", result.stderr);
        assert_eq!(result.code(), 0, "{delete}: {}", result.stderr);
        assert_eq!(keys.len(), if delete { 1 } else { 2 }, "{keys:?}");
        assert_eq!(records(&held.home).len(), 0);
    });
}

/// A user has deleted the key of the run, and created a copy of it.
#[test]
fn a_copy_that_replaced_the_key_is_not_recovered() {
    each([false, true], |delete| {
        let held = killed_run(&NAMED, "GET /api/apikeys/current");
        copy(&held.sandbox, 24 * HOUR);
        held.sandbox.remove_key(1);
        let before = held.sandbox.api_keys();
        let mut recover = vec!["recover", "--yes"];
        recover.extend(delete.then_some("--delete"));
        let result = held.home.run(recover);
        assert_eq!(held.sandbox.api_keys(), before, "{}", result.stderr);
        result.failure(11);
        assert_eq!(records(&held.home).len(), 1);
    });
}

#[test]
fn exec_does_not_delete_the_copy_of_its_key() {
    let env = TestEnv::with(answering_unknowns(&[("duplicate-name", "accepted")]));
    let go = env.home.path("go");
    let script = format!("until test -e {}; do sleep 0.05; done", go.display());
    let exec = ["exec", "--role-id", "2", "--allow-full-access"];
    let words = [&exec[..], &["--", "sh", "-c", &script]].concat();
    let running = Running::start(&mut env.home.command(words));
    wait_until("the key", || !env.sandbox.api_keys().is_empty());
    copy(&env.sandbox, HOUR);
    let copied = env.sandbox.api_keys()[1].clone();
    std::fs::write(&go, "").expect("a file");
    running.finish().success();
    assert_eq!(env.sandbox.api_keys(), [copied]);
    assert_eq!(records(&env.home).len(), 0);
}

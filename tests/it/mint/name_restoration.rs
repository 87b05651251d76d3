//! Two machines rotate one key at the same time: one renames the key, and the other creates the successor but cannot deliver its secret. In the end,
//! the key has its original name, or a record is left.
#![cfg(unix)]

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use swp_keys::sandbox::{Action, ApiKey, Fault};

use crate::support::held_manager::HeldManager;
use crate::support::requests::{CREATE, count};
use crate::support::responses::success;
use crate::support::running::Running;
use crate::support::{RunResult, answering_unknowns, contains};

/// The request that changes the old key.
const CHANGE: &str = "POST /api/apikeys/1";
/// The request that deletes the successor.
const DELETE: &str = "DELETE /api/apikeys/2";
const ROTATE: [&str; 2] = ["rotate-key", "1"];
/// A rotation whose secret is not delivered.
const UNDELIVERED: [&str; 4] = ["rotate-key", "1", "--deliver-cmd", "false"];
const RECOVER: [&str; 2] = ["recover", "--yes"];
const DUPLICATES: [&str; 4] = ["400", "403", "409", "500"];
const RETIRING: &str = "ci (retiring 2026-11-24T09:00Z)";
const DAY: i64 = 86_400_000;

/// Two machines and one manager, which holds its response to one request of machine 0.
struct Machines {
    held: HeldManager,
    /// The key that both machines rotate.
    old: ApiKey,
}

impl Machines {
    fn new(duplicates: &str, route: &str) -> Self {
        let settings = answering_unknowns(&[("duplicate-name", duplicates)]);
        let held = HeldManager::with(settings, route);
        held.sandbox.add_key("ci", 2);
        let later = held.sandbox.now() + 60 * DAY;
        held.sandbox
            .edit_key(1, |key| key.expiry_date = Some(later));
        let status = Command::new("mkfifo").arg(held.home.path("go")).status();
        assert!(status.expect("mkfifo is there").success());
        let old = held.sandbox.api_keys()[0].clone();
        Self { held, old }
    }

    /// Renames the old key, as a rotation on another machine does.
    fn rename(&self) {
        let renamed = |key: &mut ApiKey| key.name = Some(RETIRING.to_owned());
        assert!(self.held.sandbox.edit_key(1, renamed));
    }

    /// Returns a command on machine 1. Its responses are not held.
    fn second(&self, arguments: &[&str]) -> Command {
        let mut command = self.held.home.command(arguments);
        command
            .env("SWP_URL", self.held.sandbox.url())
            .env("SWP_STATE_DIR", self.held.home.path("state-1"));
        command
    }

    fn run_on_second(&self, arguments: &[&str]) -> RunResult {
        RunResult::of(&mut self.second(arguments))
    }

    /// Starts a rotation on machine 1, and waits until it delivers the secret of its successor. The delivery fails after [`Self::fail_delivery`].
    fn start_delivery(&self) -> Running {
        let deliver = "sh -c 'cat > got; echo ready >&2; read word < go; exit 1' argument";
        let mut running =
            Running::start(&mut self.second(&["rotate-key", "1", "--deliver-cmd", deliver]));
        running.wait_for_line("ready");
        running
    }

    /// Lets the delivery on machine 1 fail. The pipe must be kept until the delivery has ended.
    fn fail_delivery(&self) -> File {
        // A FIFO that is open for reading and writing never blocks.
        let mut options = OpenOptions::new();
        let fifo = options.read(true).write(true);
        let mut fifo = fifo.open(self.held.home.path("go")).expect("a pipe");
        fifo.write_all(b"go\n").expect("the pipe is writable");
        fifo
    }

    /// Lets machine 0 lose against the successor that machine 1 has created: the old key is renamed, and the create request is rejected.
    fn lose(&self, first: Running) {
        self.held.release();
        contains(first.finish().failure(6), &["`ci`", "(ID 2)"]);
        assert_eq!(count(&self.held.sandbox, CREATE), 3);
        assert_eq!(self.records(), [0, 1]);
        assert_ne!(self.held.sandbox.api_keys()[0].name, self.old.name);
    }

    /// Returns the number of records on each machine.
    fn records(&self) -> [usize; 2] {
        ["state", "state-1"].map(|state| {
            let folder = self.held.home.path(state).join("unfinished");
            std::fs::read_dir(folder).map_or(0, Iterator::count)
        })
    }

    /// Asserts that the old key is as before the rotations, that there is no other key, and that no record is left.
    #[track_caller]
    fn assert_unchanged(&self, what: &str) {
        let old = std::slice::from_ref(&self.old);
        assert_eq!(self.held.sandbox.api_keys(), old, "{what}");
        assert_eq!(self.records(), [0, 0], "{what}");
    }
}

#[test]
fn the_run_that_deletes_the_successor_restores_the_name_that_another_run_changed() {
    let lost = Fault::new("POST", "/api/apikeys/1", Action::Drop).after();
    for fault in [None, Some(lost)] {
        for duplicates in DUPLICATES {
            let machines = Machines::new(duplicates, CHANGE);
            if let Some(fault) = &fault {
                machines.held.sandbox.inject(fault.clone());
            }
            let first = machines.held.start(ROTATE);
            machines.held.wait_until_held();
            let second = machines.start_delivery();
            machines.lose(first);
            let _fifo = machines.fail_delivery();
            second.finish().failure(10);
            machines.assert_unchanged(duplicates);
        }
    }
}

/// The manager processes the first copy of the rename after the run has failed.
#[test]
fn a_late_rename_does_not_undo_the_restoration() {
    let machines = Machines::new("409", CREATE);
    machines.held.release();
    let sandbox = &machines.held.sandbox;
    let late = Action::Late(Duration::from_secs(1));
    sandbox.inject(Fault::new("POST", "/api/apikeys/1", late));
    sandbox.inject(Fault::new("POST", "/api/apikeys", Action::status(403, "no")).nth(2));
    let begun = Instant::now();
    let settle = ["--settle-timeout", "2s"];
    (machines.held.home.run(ROTATE.iter().chain(&settle))).failure(5);
    assert!(begun.elapsed() >= Duration::from_secs(2));
    // Two copies of the rename, and the restoration.
    assert_eq!(count(sandbox, CHANGE), 3);
    machines.assert_unchanged("late");
}

/// The other order: the name is restored before the run that changed it repeats its create request.
#[test]
fn a_run_whose_rename_was_undone_fails_and_changes_nothing() {
    for duplicates in DUPLICATES {
        let machines = Machines::new(duplicates, CHANGE);
        let first = machines.held.start(ROTATE);
        machines.held.wait_until_held();
        machines.run_on_second(&UNDELIVERED).failure(10);
        assert_eq!(machines.held.sandbox.api_keys()[0].name, machines.old.name);
        machines.held.release();
        contains(first.finish().failure(6), &["`ci`", "(ID 1)"]);
        machines.assert_unchanged(duplicates);
    }
}

#[test]
fn recover_restores_the_name_if_the_run_with_the_successor_was_killed() {
    for recover in [
        &["--delete"][..],
        &["--deliver-cmd", "false"],
        &["--out-file", "key"],
    ] {
        let machines = Machines::new("409", CHANGE);
        let first = machines.held.start(ROTATE);
        machines.held.wait_until_held();
        let second = machines.start_delivery();
        machines.lose(first);
        second.kill(rustix::process::Signal::KILL);
        let _fifo = machines.fail_delivery();
        drop(second);
        let listed = machines
            .run_on_second(&["recover", "--list", "-o", "json"])
            .json();
        let operation = listed["unfinished"][0]["operation"].as_str();
        let operation = operation.expect("an operation");
        let mut arguments = vec!["recover", operation, "--yes"];
        arguments.extend(recover);
        let result = machines.run_on_second(&arguments);
        if recover[0] == "--out-file" {
            // The successor has the name, so the rotation is finished.
            result.success();
            let names: Vec<_> = (machines.held.sandbox.api_keys().into_iter())
                .filter_map(|key| key.name)
                .collect();
            assert!(names[0].starts_with("ci (retiring 20"), "{names:?}");
            assert_eq!((names[1].as_str(), machines.records()), ("ci", [0, 0]));
            continue;
        }
        assert_eq!(result.code() == 0, recover == ["--delete"], "{result:?}");
        machines.assert_unchanged(recover[0]);
    }
}

/// The run is killed after it has deleted its successor, and before it restores the name.
#[test]
fn a_name_is_restored_after_a_kill_between_the_deletion_and_the_restoration() {
    let machines = || {
        let machines = Machines::new("409", DELETE);
        machines.rename();
        machines.held.kill_while_held(UNDELIVERED);
        assert_eq!(machines.held.sandbox.api_keys().len(), 1);
        assert_eq!(machines.records(), [1, 0]);
        machines
    };
    let recovered = machines();
    recovered.held.home.run(RECOVER).success();
    recovered.assert_unchanged("recover");

    // The same command cannot create another successor.
    let failed = machines();
    (failed.held.sandbox).inject(Fault::new(
        "POST",
        "/api/apikeys",
        Action::status(400, "no"),
    ));
    failed.held.home.run(ROTATE).failure(6);
    failed.assert_unchanged("the same command");
}

/// The response to the create request is lost, so the record contains no key ID.
#[test]
fn a_successor_that_only_its_marker_identifies_counts_too() {
    let machines = || {
        let machines = Machines::new("409", CREATE);
        machines.rename();
        machines.held.kill_while_held(ROTATE);
        assert_eq!(machines.held.sandbox.api_keys().len(), 2);
        machines
    };
    let deleted = machines();
    (deleted.held.home).run(["recover", "--yes", "--delete"]);
    deleted.assert_unchanged("--delete");

    let undelivered = machines();
    let result = undelivered
        .held
        .home
        .run(["recover", "--yes", "--deliver-cmd", "false"]);
    result.failure(10);
    undelivered.assert_unchanged("--rekey");

    // An earlier recovery was killed after it had deleted the successor.
    let gone = machines();
    assert!(gone.held.sandbox.remove_key(2));
    gone.held.home.run(RECOVER).success();
    gone.assert_unchanged("no successor");
}

/// The name of the old key contains its expiry, so an earlier rotation is complete. The user has deleted its successor.
#[test]
fn the_name_that_a_complete_rotation_gave_to_a_key_is_not_changed() {
    let machines = Machines::new("409", CREATE);
    let end = 1_795_510_800_000;
    machines.held.sandbox.edit_key(1, |key| {
        key.name = Some(RETIRING.to_owned());
        key.expiry_date = Some(end);
    });
    let retired = machines.held.sandbox.api_keys();
    // The record of an interrupted run, whose successor no longer exists.
    let arguments = [&ROTATE[..], &["--expires", "30d"]].concat();
    machines.held.kill_while_held(&arguments);
    assert!(machines.held.sandbox.remove_key(2));
    machines.held.home.run(RECOVER).success();
    assert_eq!(machines.held.sandbox.api_keys(), retired);
    let arguments = [&UNDELIVERED[..], &["--expires", "30d"]].concat();
    machines.held.home.run(&arguments).failure(10);
    assert_eq!(machines.held.sandbox.api_keys(), retired);
    assert_eq!(count(&machines.held.sandbox, CREATE), 2);
    assert_eq!(machines.records(), [0, 0]);
}

/// Another run creates a successor after the run has searched for the name, and before it restores the name.
#[test]
fn a_name_that_another_run_takes_is_not_restored() {
    let machines = Machines::new("409", CHANGE);
    machines.rename();
    let refusal = Action::status(409, "The name is already in use.");
    (machines.held.sandbox).inject(Fault::new("POST", "/api/apikeys/1", refusal));
    let running = machines.held.start(UNDELIVERED);
    machines.held.wait_until_held();
    machines.held.sandbox.add_key("ci", 2);
    machines.held.release();
    running.finish().failure(10);
    let keys = machines.held.sandbox.api_keys();
    let names: Vec<_> = keys.iter().filter_map(|key| key.name.as_deref()).collect();
    assert_eq!(names, [RETIRING, "ci"]);
    assert_eq!(machines.records(), [0, 0]);
}

#[test]
fn a_name_that_could_not_be_restored_leaves_a_record() {
    for (method, nth) in [("GET", 2), ("POST", 1)] {
        let machines = Machines::new("409", CHANGE);
        machines.rename();
        machines.held.release();
        let refusal = Action::status(403, "Not allowed.");
        (machines.held.sandbox).inject(Fault::new(method, "/api/apikeys/1", refusal).nth(nth));
        let result = machines.held.home.run(UNDELIVERED);
        contains(result.failure(11), &["`ci`", "(ID 1)", "swp-keys recover"]);
        assert_eq!(machines.records(), [1, 0], "{method}");
        machines.held.home.run(RECOVER).success();
        machines.assert_unchanged(method);
    }
}

/// The search still shows the successor after its deletion.
#[test]
fn a_deleted_successor_in_search_results_does_not_keep_the_name() {
    let machines = Machines::new("409", CHANGE);
    machines.held.release();
    machines.rename();
    let second = machines.start_delivery();
    let own = &machines.held.sandbox.api_keys()[1];
    let shown = json!({"apiKeys": [{"ID": own.id, "keyName": own.name, "description": own.description, "created": own.created}]});
    let stale = Fault::new("POST", "/api/apikeys/search", success(&shown));
    machines.held.sandbox.inject(stale.times(99));
    let _fifo = machines.fail_delivery();
    second.finish().failure(10);
    machines.assert_unchanged("stale");
}

//! The record of a run is put on disk while the manager looks for the role, and goes away where nothing comes of it.
#![cfg(unix)]

use rustix::process::Signal;
use swp_keys::sandbox::Settings;

use crate::support::proxy::ReservedPort;
use crate::support::valve::HeldWorld;
use crate::support::{Home, World, contains, set_mode, wait_until};

const SEARCH: &str = "POST /api/roles/search";

/// The records of unfinished work, without those whose writing is under way.
fn records(home: &Home) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(home.path("state/unfinished")) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.into_string().expect("UTF-8"));
    names.filter(|name| !name.starts_with('.')).collect()
}

#[test]
fn the_record_is_on_disk_before_the_manager_says_which_role_it_is() {
    let world = HeldWorld::new(SEARCH);
    let run = world.start(["create", "--role", "Auditor"]);
    world.wait_until_held();
    wait_until("the record", || records(&world.home).len() == 1);
    let name = records(&world.home).remove(0);
    let record = world.home.path(&format!("state/unfinished/{name}"));
    let record = std::fs::read_to_string(record).expect("a record");
    contains(
        &record,
        &["\"keyName\": \"Auditor-", "\"work\": \"create\""],
    );
    world.release();
    run.finish().success();
    assert_eq!(records(&world.home), [""; 0]);
    let made = world.sandbox.api_keys()[0].name.clone().expect("a name");
    assert!(record.contains(&format!("\"{made}\"")));
}

#[test]
fn a_role_that_is_not_there_leaves_no_record() {
    let world = World::new();
    world.run(["create", "--role", "Nobody"]).failure(3);
    world
        .run(["create", "--role", "Auditor", "--dry-run"])
        .success();
    assert_eq!(records(&world.home), [""; 0]);
}

/// A disk may take longer to write and remove a record than a system to say that nobody listens. What is tried again has the time.
#[test]
fn a_connection_that_is_refused_at_once_and_for_good_begins_no_record() {
    let world = World::new();
    let port = ReservedPort::new();
    let url = port.url();
    let words = [
        "create",
        "--role",
        "Auditor",
        "--retries",
        "0",
        "--url",
        &url,
    ];
    contains(world.run(words).failure(8), &["nobody listens at"]);
    assert!(!world.home.path("state/unfinished").exists());
}

#[test]
fn a_signal_while_the_role_is_looked_for_leaves_no_record() {
    let world = HeldWorld::with(Settings::default(), SEARCH);
    let run = world.start(["create", "--role", "Auditor"]);
    world.wait_until_held();
    wait_until("the record", || records(&world.home).len() == 1);
    run.signal(Signal::INT);
    run.finish().failure(130);
    assert_eq!(records(&world.home), [""; 0]);
    assert!(world.sandbox.api_keys().is_empty());
}

#[test]
fn a_run_that_is_killed_meanwhile_leaves_a_record_that_recover_drops() {
    let world = HeldWorld::new(SEARCH);
    let run = world.start(["create", "--role", "Auditor"]);
    world.wait_until_held();
    wait_until("the record", || records(&world.home).len() == 1);
    drop(run);
    world.release();
    let ran = world.home.run(["recover", "--yes"]);
    ran.success();
    assert_eq!(records(&world.home), [""; 0]);
    assert!(world.sandbox.api_keys().is_empty());
}

/// Where no record can be kept, that is said once and the run goes on, or nothing is asked.
#[test]
fn a_record_that_cannot_be_kept_is_said_before_the_key_is_made() {
    let world = World::new();
    std::fs::create_dir(world.home.path("state")).expect("a folder");
    set_mode(&world.home.path("state"), 0o700);
    world.home.write("state/unfinished", "no folder");
    let arguments = ["create", "--role", "Auditor", "--require-journal"];
    contains(
        world.run(arguments).failure(2),
        &["no record of this run can be kept"],
    );
    assert!(world.sandbox.api_keys().is_empty());
    let ran = world.run(["create", "--role", "Auditor"]);
    ran.success();
    assert_eq!(ran.stderr.matches("no record of this run").count(), 1);
}

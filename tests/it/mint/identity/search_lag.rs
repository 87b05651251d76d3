//! Searches that show a key some time after it was created.

use std::process::{Command, Stdio};

use crate::support::{Ran, World, playing};

const RUNS: usize = 8;

fn all_at_once(world: &mut World, arguments: &[&str], runs: usize) -> Vec<Ran> {
    let children: Vec<_> = (0..runs)
        .map(|machine| {
            let state = world.home.path(&format!("state-{machine}"));
            world.home.set("SWP_STATE_DIR", state);
            let mut command: Command = world.home.command(arguments);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("the binary starts")
        })
        .collect();
    (children.into_iter())
        .map(|child| Ran::from(child.wait_with_output().expect("the run ends")))
        .collect()
}

#[test]
fn of_many_at_once_one_key_remains() {
    for lag in ["200ms", "1s"] {
        let mut settings = playing(&[("search-lag", lag), ("duplicate-name", "accepted")]);
        settings.sessions_max = RUNS;
        let mut world = World::with(settings);
        let create = ["create", "--role-id", "2", "--name", "ci"];
        let create = [&create[..], &["--settle-timeout", "20s"]].concat();
        let ran = all_at_once(&mut world, &create, RUNS);
        let keys = world.sandbox.api_keys();
        let codes: Vec<_> = ran.iter().map(Ran::code).collect();
        assert_eq!(keys.len(), 1, "{lag}: {codes:?}");
        let winners: Vec<_> = ran.iter().filter(|ran| ran.code() == 0).collect();
        assert_eq!(winners.len(), 1, "{lag}: {codes:?}");
        assert_eq!(winners[0].success(), keys[0].secret);
        for ran in ran.iter().filter(|ran| ran.code() != 0) {
            ran.failure(6);
        }
    }
}

/// Whoever leaves a key that exists as it is has nothing to do with how many wanted to make it.
#[test]
fn of_many_that_skip_all_succeed_with_one_key() {
    const MANY: usize = 16;
    for (duplicates, lag) in [("accepted", "none"), ("accepted", "200ms"), ("409", "none")] {
        let mut settings = playing(&[("search-lag", lag), ("duplicate-name", duplicates)]);
        settings.sessions_max = MANY;
        settings.rate_limit = None;
        let mut world = World::with(settings);
        let create = ["create", "--role-id", "2", "--name", "ci"];
        let skip = ["--if-exists", "skip", "--settle-timeout", "20s"];
        let ran = all_at_once(&mut world, &[&create[..], &skip].concat(), MANY);
        let said: Vec<_> = ran.iter().map(|ran| (ran.code(), &ran.stderr)).collect();
        assert!(ran.iter().all(|ran| ran.code() == 0), "{said:?}");
        let keys = world.sandbox.api_keys();
        assert_eq!(keys.len(), 1, "{said:?}");
        let secrets: Vec<_> = ran.iter().filter(|ran| !ran.stdout.is_empty()).collect();
        assert_eq!(secrets.len(), 1, "{said:?}");
        assert_eq!(secrets[0].success(), keys[0].secret);
    }
}

#[test]
fn a_search_that_never_shows_the_key_does_not_stop_the_run() {
    let world = World::with(playing(&[("search-lag", "1s")]));
    let ran = world.run(["create", "--role-id", "2", "--name", "ci"]);
    assert_eq!(ran.success(), world.sandbox.api_keys()[0].secret);
    assert!(ran.stderr.contains("warning"), "{}", ran.stderr);
}

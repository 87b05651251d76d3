//! `--in-place` and `--current`: no new key, and the old secret is dead at once.

use swp_keys::sandbox::{Action, ApiKey, Fault};

use super::successor::{key, name, records, rotate, world};
use crate::support::seen::{count, nothing_was_sent};
use crate::support::valve::HeldWorld;
use crate::support::{Ran, World, contains, playing};

#[test]
fn in_place_the_old_secret_dies() {
    let world = world("accepted");
    let before = key(&world.sandbox, 1);
    let ran = rotate(&world, &["--in-place"]);
    let now = key(&world.sandbox, 1);
    assert_eq!(ran.success(), now.secret);
    assert_ne!(now.secret, before.secret);
    assert_eq!((now.expiry_date, name(&now)), (before.expiry_date, "ci"));
    contains(
        &ran.stderr,
        &["the old secret of the key `ci` (ID 1) dies now"],
    );
    assert_eq!(world.sandbox.api_keys().len(), 1);
    assert_eq!(records(&world.home), 0);
}

fn with_its_own_key(role: i64, choices: &[(&str, &str)]) -> (World, ApiKey) {
    let mut world = World::with(playing(choices));
    let own = world.sandbox.add_key("own", role);
    world.use_key(&own.secret);
    (world, own)
}

#[test]
fn the_key_that_signs_gets_a_new_secret() {
    let (world, own) = with_its_own_key(1, &[]);
    let ran = world.run(["rotate-key", "--current", "--verify"]);
    let now = key(&world.sandbox, own.id);
    assert_eq!(ran.success(), now.secret);
    assert_ne!(now.secret, own.secret);
    assert_eq!(
        count(&world.sandbox, "POST /api/apikeys/current/secretkey"),
        1
    );
    assert_eq!(records(&world.home), 0);
    // Nothing was signed with what is dead: no failure is counted.
    assert_eq!(now.unsuccessful_sign_in_attempts, 0);
}

#[test]
fn a_lost_answer_about_the_signing_key_is_told_as_what_it_is() {
    let (world, own) = with_its_own_key(1, &[]);
    let lost = Fault::new("POST", "/api/apikeys/current/secretkey", Action::Drop).after();
    world.sandbox.inject(lost);
    let ran = world.run(["rotate-key", "--current"]);
    contains(
        ran.failure(11),
        &["may be dead", "`own` (ID 1)", "rotate-key 1 --in-place"],
    );
    assert_ne!(key(&world.sandbox, own.id).secret, own.secret);
    assert_eq!(records(&world.home), 1);
    assert!(key(&world.sandbox, own.id).unsuccessful_sign_in_attempts <= 1);
}

/// Nothing was done the first time, so the key still signs.
#[test]
fn a_request_about_the_signing_key_that_was_lost_is_sent_again() {
    let (world, own) = with_its_own_key(1, &[]);
    world.sandbox.inject(Fault::new(
        "POST",
        "/api/apikeys/current/secretkey",
        Action::Reset,
    ));
    let ran = world.run(["rotate-key", "--current"]);
    assert_eq!(ran.success(), key(&world.sandbox, own.id).secret);
}

#[test]
fn current_is_about_a_key_and_a_key_that_sees_itself() {
    let world = World::new();
    contains(
        world.run(["rotate-key", "--current"]).failure(2),
        &["--api-key-file"],
    );
    nothing_was_sent(&world.sandbox);
    let (world, own) = with_its_own_key(2, &[]);
    contains(
        world.run(["rotate-key", "--current"]).failure(5),
        &["--in-place"],
    );
    assert_eq!(key(&world.sandbox, own.id).secret, own.secret);
}

/// Something in between sends a request about the signing key twice: the second finds the secret dead.
#[test]
fn a_request_about_the_signing_key_that_comes_twice_stays_on_record() {
    for (words, route) in [
        (
            &["rotate-key", "--current"][..],
            "/api/apikeys/current/secretkey",
        ),
        (
            &["rotate-key", "1", "--in-place"],
            "/api/apikeys/1/secretkey",
        ),
        (
            &[
                "create",
                "--role-id",
                "2",
                "--name",
                "own",
                "--if-exists",
                "rekey",
            ],
            "/api/apikeys/1/secretkey",
        ),
    ] {
        for status in [401, 403] {
            let (world, own) = with_its_own_key(1, &[]);
            let answer = Action::status(status, "The API key is not valid.");
            let twice = Fault::new("POST", route, answer).after();
            world.sandbox.inject(twice);
            let ran = world.run(words);
            contains(ran.failure(11), &["`own` (ID 1)", "may be dead"]);
            assert_ne!(key(&world.sandbox, own.id).secret, own.secret);
            assert_eq!(records(&world.home), 1, "{words:?} {status}");
        }
    }
}

/// The key still signs, so nothing was done.
#[test]
fn a_role_that_may_not_make_secrets_leaves_no_record() {
    for (words, route) in [
        (
            &["rotate-key", "--current"][..],
            "/api/apikeys/current/secretkey",
        ),
        (
            &["rotate-key", "1", "--in-place"],
            "/api/apikeys/1/secretkey",
        ),
    ] {
        let (world, own) = with_its_own_key(1, &[]);
        let refused = Action::status(403, "Not permitted to generate keys.");
        world.sandbox.inject(Fault::new("POST", route, refused));
        world.run(words).failure(5);
        assert_eq!(key(&world.sandbox, own.id).secret, own.secret);
        assert_eq!(records(&world.home), 0, "{words:?}");
    }
}

const IN_PLACE: [&str; 4] = ["rotate-key", "ci", "--in-place", "-q"];
const REKEY: [&str; 8] = [
    "create",
    "--role-id",
    "2",
    "--name",
    "ci",
    "--if-exists",
    "rekey",
    "-q",
];

/// All see the key before one has its record on disk.
#[test]
fn of_several_new_secrets_at_once_one_is_made() {
    for words in [&IN_PLACE[..], &REKEY] {
        let world = world("accepted");
        for path in ["/api/apikeys/search", "/api/apikeys/1/secretkey"] {
            let meet = Action::Delay(std::time::Duration::from_millis(600));
            world
                .sandbox
                .inject(Fault::new("POST", path, meet).times(99));
        }
        let children: Vec<_> = (0..4).map(|_| world.home.start_piped(words)).collect();
        let ran: Vec<_> = (children.into_iter())
            .map(|child| Ran::from(child.wait_with_output().expect("the run ends")))
            .collect();
        let (done, not): (Vec<_>, Vec<_>) = ran.iter().partition(|ran| ran.code() == 0);
        // On a machine that is busy, one may begin when another has ended.
        let last = key(&world.sandbox, 1).secret;
        assert!(done.iter().any(|ran| ran.success() == last), "{ran:?}");
        let resets = count(&world.sandbox, "POST /api/apikeys/1/secretkey");
        assert_eq!(resets, done.len(), "{ran:?}");
        assert!(done.len() < 4, "nothing was tried: {ran:?}");
        for ran in not {
            contains(ran.failure(6), &["another process deals with the key `ci`"]);
        }
        assert_eq!(records(&world.home), 0);
    }
}

/// Between two machines, the one whose secret is dead when it comes to deliver it does not.
#[test]
fn a_secret_that_another_machine_has_ended_is_not_delivered() {
    let held = HeldWorld::new("POST /api/apikeys/1/secretkey");
    super::successor::add_ci(&held.sandbox);
    let first = held.start(IN_PLACE);
    held.wait_until_held();
    // Past the valve, with a state folder of its own.
    let mut other = held.home.command(IN_PLACE);
    other.env("SWP_STATE_DIR", held.home.path("state-2"));
    other.env("SWP_URL", held.sandbox.url());
    let secret = Ran::of(&mut other).success().to_owned();
    held.release();
    let ran = first.finish();
    contains(ran.failure(11), &["`ci` (ID 1)", "another run", "--forget"]);
    // Nor does it end what the other has delivered.
    let recovered = held.home.run(["recover", "--yes"]);
    contains(recovered.failure(11), &["may be in use"]);
    assert_eq!(key(&held.sandbox, 1).secret, secret);
    assert_eq!(records(&held.home), 1);
}

/// A locked key is refused whatever its secret.
#[test]
fn a_locked_key_gets_a_new_secret() {
    let world = world("accepted");
    world.sandbox.edit_key(1, |key| key.active = false);
    let ran = rotate(&world, &["--in-place"]);
    assert_eq!(ran.success(), key(&world.sandbox, 1).secret);
    assert_eq!(records(&world.home), 0);
}

/// The key was there before, and the secret of another machine may be in use, so nothing advises to delete it.
#[test]
fn without_a_record_no_key_that_was_there_before_is_to_be_deleted() {
    let mut world = World::new();
    world.sandbox.add_key("ci", 2);
    world.home.set("SWP_STATE_DIR", "/dev/null/state");
    let refused = Action::status(401, "Invalid API Key");
    world
        .sandbox
        .inject(Fault::new("GET", "/api/apikeys/current", refused));
    let ran = world.run(["rotate-key", "ci", "--in-place"]);
    contains(ran.failure(11), &["swp-keys rotate-key 1 --in-place"]);
    assert!(!ran.stderr.contains("delete"), "{}", ran.stderr);
}

/// The same for a run that a second signal ends.
#[test]
#[cfg(unix)]
fn a_run_without_a_record_that_is_left_names_no_deletion() {
    use crate::support::running::Running;
    use rustix::process::Signal;
    use swp_keys::sandbox::Action::Delay;
    let minute = std::time::Duration::from_secs(60);
    for (words, route, next) in [
        (
            &["rotate-key", "ci", "--in-place"][..],
            "/api/apikeys/1/secretkey",
            "swp-keys rotate-key 1 --in-place",
        ),
        (
            &["rotate-key", "ci"],
            "/api/apikeys/1",
            "swp-keys update-key 1 --expires 1day",
        ),
    ] {
        let mut world = World::with(playing(&[("duplicate-name", "accepted")]));
        world.sandbox.add_key("ci", 2);
        world.home.set("SWP_STATE_DIR", "/dev/null/state");
        world
            .sandbox
            .inject(Fault::new("POST", route, Delay(minute)).after());
        let running = Running::start(&mut world.home.command(words));
        world.wait_for(&format!("POST {route}"));
        let ran = running.insist(Signal::TERM);
        assert_eq!(ran.code(), 11, "{}", ran.stderr);
        contains(&ran.stderr, &[next]);
        assert!(!ran.stderr.contains("delete"), "{}", ran.stderr);
    }
}

//! `--in-place` and `--current`: no new key, and the old secret is dead at once.

use swp_keys::sandbox::{Action, ApiKey, Fault};

use super::{key, name, records, rotate, world};
use crate::support::seen::{count, nothing_was_sent};
use crate::support::{World, contains, playing};

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

//! `rotate-key`: one living successor, and an old key that retires by itself.

use serde_json::json;
use swp_keys::sandbox::{ApiKey, Sandbox};

use crate::support::files::read;
use crate::support::seen::{CREATE, bodies, count, nothing_was_sent};
use crate::support::{Home, Ran, World, contains, playing};

pub(super) const CHANGE: &str = "POST /api/apikeys/1";
pub(super) const DAY: i64 = 86_400_000;
pub(super) const ROTATE: [&str; 2] = ["rotate-key", "ci"];
/// Whether a manager allows two keys of one name is unknown.
const DUPLICATES: [&str; 5] = ["accepted", "400", "403", "409", "500"];

/// A manager with one key `ci`, whose life is 90 days of which 30 are over.
pub(super) fn world(duplicates: &str) -> World {
    let world = World::with(playing(&[("duplicate-name", duplicates)]));
    add_ci(&world.sandbox);
    world
}

pub(super) fn add_ci(sandbox: &Sandbox) {
    let id = sandbox.add_key("ci", 2).id;
    let now = sandbox.now();
    sandbox.edit_key(id, |key| {
        key.description = Some("for the pipeline [swp-keys 0badcafe]".to_owned());
        key.locale = "ja-JP".to_owned();
        key.time_zone = "Asia/Tokyo".to_owned();
        key.created = now - 30 * DAY;
        key.expiry_date = Some(now + 60 * DAY);
    });
}

pub(super) fn rotate(world: &World, more: &[&str]) -> Ran {
    world.run(ROTATE.iter().chain(more))
}

pub(super) fn key(sandbox: &Sandbox, id: i64) -> ApiKey {
    let keys = sandbox.api_keys();
    let key = keys.iter().find(|key| key.id == id).cloned();
    key.unwrap_or_else(|| panic!("no key {id} in {keys:?}"))
}

pub(super) fn name(key: &ApiKey) -> &str {
    key.name.as_deref().unwrap_or_default()
}

pub(super) fn records(home: &Home) -> usize {
    std::fs::read_dir(home.path("state/unfinished")).map_or(0, Iterator::count)
}

/// So many milliseconds from now by the manager's clock, give or take what a run takes.
#[track_caller]
pub(super) fn is_in(sandbox: &Sandbox, time: Option<i64>, from_now: i64) {
    let wanted = sandbox.now() + from_now;
    let time = time.expect("a time");
    assert!((time - wanted).abs() < 90_000, "{time} and not {wanted}");
}

/// What a rotation ends in: one living successor of the name, and the old key, which ends in a day.
#[track_caller]
pub(super) fn rotated(sandbox: &Sandbox, secret: &str) -> ApiKey {
    let keys = sandbox.api_keys();
    let named: Vec<_> = keys.iter().filter(|key| name(key) == "ci").collect();
    assert_eq!((keys.len(), named.len()), (2, 1), "{keys:?}");
    assert_eq!(named[0].secret, secret, "{keys:?}");
    assert_ne!(named[0].id, 1);
    let old = key(sandbox, 1);
    contains(name(&old), &["ci (retiring 20", "Z)"]);
    is_in(sandbox, old.expiry_date, DAY);
    named[0].clone()
}

#[test]
fn the_successor_takes_the_place_and_the_old_key_retires() {
    for duplicates in DUPLICATES {
        let world = world(duplicates);
        let before = key(&world.sandbox, 1);
        let ran = rotate(&world, &[]);
        let new = rotated(&world.sandbox, ran.success());
        assert_eq!(new.role_id, before.role_id);
        assert_eq!(
            (new.locale.as_str(), new.time_zone.as_str()),
            ("ja-JP", "Asia/Tokyo")
        );
        let description = new.description.as_deref().unwrap_or_default();
        assert!(
            description.starts_with("for the pipeline [swp-keys "),
            "{description}"
        );
        assert!(!description.contains("0badcafe"), "{description}");
        is_in(&world.sandbox, new.expiry_date, 90 * DAY);
        let old = key(&world.sandbox, 1);
        assert_eq!((old.secret, old.active), (before.secret, true));
        contains(&ran.stderr, &["the old key `ci` (ID 1) works until"]);
        assert_eq!(records(&world.home), 0);
        assert_eq!(world.sandbox.live_sessions(), 0);
        // Its end is set after the last request that makes a key, and without a rename before where none is needed.
        let ends: Vec<_> = bodies(&world.sandbox, CHANGE)
            .iter()
            .map(|body| body.get("expiryDate").is_some())
            .collect();
        let wanted = if duplicates == "accepted" {
            &[true][..]
        } else {
            &[false, true]
        };
        assert_eq!(ends, wanted, "{duplicates}");
    }
}

#[test]
fn the_document_names_both_keys() {
    let world = world("accepted");
    let document = rotate(&world, &["-o", "json"]).json();
    assert_eq!(document["keyName"], json!("ci"));
    assert_eq!(document["secretKey"], json!(key(&world.sandbox, 2).secret));
    let old = &document["meta"]["predecessor"];
    assert_eq!((&old["ID"], &old["keyName"]), (&json!(1), &json!("ci")));
    is_in(&world.sandbox, old["expiryDate"].as_i64(), DAY);
    assert_eq!(document["meta"]["created"], json!(true));
}

#[test]
fn the_secret_goes_to_the_places_that_create_key_knows() {
    let world = world("409");
    let ran = rotate(
        &world,
        &["--out-file", "key", "--verify", "--overlap", "7d"],
    );
    assert_eq!(ran.success(), "2");
    let new = key(&world.sandbox, 2);
    assert_eq!(read(world.home.path("key")).trim_end(), new.secret);
    is_in(&world.sandbox, key(&world.sandbox, 1).expiry_date, 7 * DAY);
    assert!(new.last_sign_in.is_some(), "it was used once");
}

#[test]
fn the_life_is_as_asked_or_as_long_as_the_old_one() {
    for (more, life) in [
        (&["--expires", "10d"][..], Some(10)),
        (&["--expires", "never"], None),
    ] {
        let world = world("accepted");
        rotate(&world, more).success();
        let end = key(&world.sandbox, 2).expiry_date;
        match life {
            Some(days) => is_in(&world.sandbox, end, days * DAY),
            None => assert_eq!(end, None),
        }
    }
    let world = World::new();
    world.sandbox.add_key("ci", 2);
    rotate(&world, &[]).success();
    assert_eq!(key(&world.sandbox, 2).expiry_date, None);
    assert!(key(&world.sandbox, 1).expiry_date.is_some());
}

#[test]
fn a_key_that_ends_before_the_overlap_is_over_keeps_its_end() {
    let world = world("accepted");
    let soon = world.sandbox.now() + 3_600_000;
    world
        .sandbox
        .edit_key(1, |key| key.expiry_date = Some(soon));
    rotate(&world, &[]).success();
    assert_eq!(key(&world.sandbox, 1).expiry_date, Some(soon));
    assert_eq!(bodies(&world.sandbox, CHANGE)[0].get("expiryDate"), None);
}

#[test]
fn the_managers_clock_counts() {
    let mut settings = playing(&[]);
    settings.clock_skew_seconds = 7200;
    let world = World::with(settings);
    add_ci(&world.sandbox);
    let ran = rotate(&world, &[]);
    rotated(&world.sandbox, ran.success());
}

#[test]
fn a_key_that_does_not_work_is_told_of() {
    let day_ago = |sandbox: &Sandbox| sandbox.now() - DAY;
    let world = world("accepted");
    world.sandbox.edit_key(1, |key| key.active = false);
    contains(&rotate(&world, &[]).stderr, &["the ID 1 is locked"]);
    let world = super::successor::world("accepted");
    let end = day_ago(&world.sandbox);
    world.sandbox.edit_key(1, |key| key.expiry_date = Some(end));
    let ran = rotate(&world, &[]);
    ran.success();
    contains(&ran.stderr, &["the ID 1 has expired"]);
    assert_eq!(key(&world.sandbox, 1).expiry_date, Some(end));
}

#[test]
fn two_keys_of_the_name_are_told_and_nothing_is_done() {
    let world = world("accepted");
    world.sandbox.add_key("ci", 2);
    contains(rotate(&world, &[]).failure(6), &["IDs 1, 2"]);
    // By its ID it is known which one; that another bears its name is not in order all the same.
    contains(
        world.run(["rotate-key", "1"]).failure(6),
        &["`ci`", "ID 2", "rotated already"],
    );
    assert_eq!(world.sandbox.api_keys().len(), 2);
    assert_eq!(count(&world.sandbox, CREATE), 0);
}

#[test]
fn never_three_keys() {
    for duplicates in ["accepted", "409"] {
        let world = world(duplicates);
        let secret = rotate(&world, &[]).success().to_owned();
        for again in ["ci", "1", "2"] {
            let ran = world.run(["rotate-key", again]);
            contains(ran.failure(6), &["ID 1", "ID 2"]);
        }
        rotated(&world.sandbox, &secret);
        // When the old one has ended, the next rotation is due.
        world
            .sandbox
            .advance_clock(std::time::Duration::from_secs(25 * 3600));
        rotate(&world, &[]).success();
        let keys = world.sandbox.api_keys();
        assert_eq!(
            keys.iter().map(name).filter(|name| *name == "ci").count(),
            1
        );
        assert_eq!(name(&key(&world.sandbox, 3)), "ci");
        // The third lives as long as the first was to, to the minute.
        is_in(&world.sandbox, key(&world.sandbox, 3).expiry_date, 90 * DAY);
    }
}

#[test]
fn a_key_may_rotate_itself() {
    for duplicates in ["accepted", "409"] {
        let mut world = World::with(playing(&[("duplicate-name", duplicates)]));
        let own = world.sandbox.add_key("ci", 1);
        world.use_key(&own.secret);
        let ran = rotate(&world, &[]);
        rotated(&world.sandbox, ran.success());
    }
}

#[test]
fn a_dry_run_changes_nothing() {
    let world = world("409");
    let before = world.sandbox.api_keys();
    let ran = rotate(&world, &["--dry-run"]);
    assert_eq!(ran.success(), "");
    contains(
        &ran.stderr,
        &[
            "would put a key with the role ID 2",
            "`ci` (ID 1)",
            "stdout",
        ],
    );
    let document = rotate(&world, &["--dry-run", "-o", "json"]).json();
    assert_eq!(document["meta"]["dryRun"], json!(true));
    let ran = rotate(&world, &["--dry-run", "--in-place"]);
    contains(
        &ran.stderr,
        &["would give the key `ci` (ID 1) a new secret"],
    );
    assert_eq!(world.sandbox.api_keys(), before);
    assert_eq!(records(&world.home), 0);
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_sent() {
    let world = World::new();
    for arguments in [
        &["rotate-key"][..],
        &["rotate-key", "ci", "--current"],
        &["rotate-key", "ci", "--overlap", "30s"],
        &["rotate-key", "ci", "--overlap", "9999999999y"],
        &["rotate-key", "ci", "--overlap", "1h", "--in-place"],
        &["rotate-key", "ci", "--expires", "1h", "--in-place"],
        &["rotate-key", "ci", "--expires", "2020-01-01"],
        &["rotate-key", "007"],
        &["rotate-key", "--current"],
    ] {
        world.run(arguments).failure(2);
    }
    nothing_was_sent(&world.sandbox);
}

#[test]
fn a_role_that_the_manager_does_not_tell_is_not_guessed() {
    let world = World::with(playing(&[("answer-fields", "sparse")]));
    world.sandbox.add_key("ci", 2);
    contains(rotate(&world, &[]).failure(1), &["which role"]);
    assert_eq!(count(&world.sandbox, CREATE), 0);
}

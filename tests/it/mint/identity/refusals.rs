//! Creates that are refused although the key was made.

use super::fixtures::{delivered, each, inject, records};
use crate::support::{World, contains, playing};

const STATUSES: [u16; 8] = [400, 401, 403, 404, 408, 409, 422, 500];

fn create(named: bool) -> Vec<&'static str> {
    let mut words = vec!["create", "--role", "Auditor"];
    if named {
        words.extend(["--name", "ci"]);
    }
    words
}

fn cases() -> impl Iterator<Item = (u16, bool)> {
    (STATUSES.into_iter()).flat_map(|status| [true, false].map(|named| (status, named)))
}

fn refused(status: u16) -> String {
    format!(
        "POST /api/apikeys status={status} after header='Content-Type: application/json' \
         body='{{\"message\":\"exists\"}}'"
    )
}

#[test]
fn a_refusal_after_the_work_is_a_lost_answer() {
    each(cases(), |(status, named)| {
        let world = World::new();
        inject(&world.sandbox, &refused(status));
        let ran = world.run(create(named));
        delivered(&world, &ran, &format!("{status} {named}"));
    });
}

#[test]
fn what_cannot_be_delivered_then_is_undone() {
    each(cases(), |(status, named)| {
        let world = World::new();
        inject(&world.sandbox, &refused(status));
        let ran = world.run([&create(named)[..], &["--deliver-cmd", "false"]].concat());
        contains(ran.failure(10), &["was deleted again"]);
        assert_eq!(world.sandbox.api_keys(), [], "{status} {named}");
        assert_eq!(records(&world.home).len(), 0, "{status} {named}");
    });
}

#[test]
fn a_rotation_doubts_a_refusal_too() {
    each([400, 403, 408, 409, 500], |status| {
        let world = World::with(playing(&[("duplicate-name", "accepted")]));
        world.sandbox.add_key("ci", 2);
        inject(&world.sandbox, &refused(status));
        let ran = world.run(["rotate-key", "ci"]);
        let keys = world.sandbox.api_keys();
        assert_eq!(ran.code(), 0, "{status}: {} {keys:?}", ran.stderr);
        assert_eq!(keys.len(), 2, "{status}: {keys:?}");
        assert_eq!(ran.success(), keys[1].secret, "{status}");
    });
}

/// The second of two requests is refused because of the first.
#[test]
fn a_request_that_was_sent_twice_is_settled_where_names_are_unique() {
    let cases = ["400", "403", "409", "500"].into_iter();
    let cases = cases.flat_map(|status| ["none", "200ms"].map(|lag| (status, lag)));
    each(cases, |(status, lag)| {
        for named in [true, false] {
            let world = World::with(playing(&[("duplicate-name", status), ("search-lag", lag)]));
            inject(&world.sandbox, "POST /api/apikeys twice");
            let ran = world.run(create(named));
            // A right that lacks is not waited for, and a lagging search may not show the key yet.
            if (status, lag, ran.code()) != ("403", "200ms", 5) {
                delivered(&world, &ran, &format!("{status} {lag} {named}"));
            }
        }
    });
}

#[test]
fn a_server_error_is_doubted_for_as_long_as_a_lost_answer() {
    let world = World::with(playing(&[("search-lag", "1s")]));
    inject(&world.sandbox, &refused(500));
    let settle = ["--settle-timeout", "5s"];
    let ran = world.run([&create(true)[..], &settle].concat());
    delivered(&world, &ran, "500");
}

/// The request is still on its way when its connection breaks.
#[test]
fn a_request_that_is_worked_on_late_is_waited_for() {
    each([true, false], |named| {
        let world = World::new();
        inject(&world.sandbox, "POST /api/apikeys late=500ms");
        let settle = ["--settle-timeout", "10s"];
        let ran = world.run([&create(named)[..], &settle].concat());
        delivered(&world, &ran, &format!("{named}"));
    });
}

/// A manager counts each use of a key that it refuses.
#[test]
fn a_refused_api_key_is_not_used_again() {
    let mut world = World::new();
    let secret = world.sandbox.add_key("signer", 1).secret;
    world.use_key(&secret);
    inject(
        &world.sandbox,
        "POST /api/apikeys status=401 header='Content-Type: application/json' body='{\"message\":\"Invalid API Key\"}'",
    );
    world.run(create(false)).failure(4);
    let calls = world.calls();
    assert_eq!(calls.last().map(String::as_str), Some("POST /api/apikeys"));
}

/// Whether the key was made is not known then.
#[test]
fn a_refusal_that_cannot_be_looked_into_leaves_a_record() {
    let world = World::new();
    inject(&world.sandbox, &refused(409));
    inject(
        &world.sandbox,
        "POST /api/apikeys/search status=503 nth=2 always",
    );
    let ran = world.run([&create(true)[..], &["--retries", "0"]].concat());
    contains(ran.failure(11), &["exists", "swp-keys recover"]);
    assert_eq!(records(&world.home).len(), 1);
    world.sandbox.clear_faults();
    let ran = world.run(["recover", "--yes"]);
    assert_eq!(ran.success(), world.sandbox.api_keys()[0].secret);
}

#[test]
fn who_may_neither_create_nor_look_is_told_that_alone() {
    let mut settings = playing(&[]);
    settings.administrator_role = 2;
    let world = World::with(settings);
    world.run(create(false)).failure(5);
    assert_eq!(records(&world.home).len(), 0);
}

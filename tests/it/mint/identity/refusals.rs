//! Creates that the manager rejects although it created the key.

use super::fixtures::{delivered, each, records};
use crate::support::responses::inject;
use crate::support::{TestEnv, answering_unknowns, contains};

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
fn a_rejection_after_the_create_is_treated_as_a_lost_response() {
    each(cases(), |(status, named)| {
        let env = TestEnv::new();
        inject(&env.sandbox, &refused(status));
        let result = env.run(create(named));
        delivered(&env, &result, &format!("{status} {named}"));
    });
}

#[test]
fn an_undelivered_key_is_deleted_after_a_rejection() {
    each(cases(), |(status, named)| {
        let env = TestEnv::new();
        inject(&env.sandbox, &refused(status));
        let result = env.run([&create(named)[..], &["--deliver-cmd", "false"]].concat());
        result.failure(10);
        assert_eq!(env.sandbox.api_keys(), [], "{status} {named}");
        assert_eq!(records(&env.home).len(), 0, "{status} {named}");
    });
}

#[test]
fn a_rotation_also_checks_after_a_rejection() {
    each([400, 403, 408, 409, 500], |status| {
        let env = TestEnv::with(answering_unknowns(&[("duplicate-name", "accepted")]));
        env.sandbox.add_key("ci", 2);
        inject(&env.sandbox, &refused(status));
        let result = env.run(["rotate-key", "ci"]);
        let keys = env.sandbox.api_keys();
        assert_eq!(result.code(), 0, "{status}: {} {keys:?}", result.stderr);
        assert_eq!(keys.len(), 2, "{status}: {keys:?}");
        assert_eq!(result.success(), keys[1].secret, "{status}");
    });
}

/// The manager processes the request twice, and rejects the second one because the name is taken.
#[test]
fn a_repeated_create_is_recognized_if_names_are_unique() {
    let cases = ["400", "403", "409", "500"].into_iter();
    let cases = cases.flat_map(|status| ["none", "200ms"].map(|lag| (status, lag)));
    each(cases, |(status, lag)| {
        for named in [true, false] {
            let env = TestEnv::with(answering_unknowns(&[
                ("duplicate-name", status),
                ("search-lag", lag),
            ]));
            inject(&env.sandbox, "POST /api/apikeys twice");
            let result = env.run(create(named));
            // 403 may mean a missing permission, for which the run does not wait. A lagging search may not show the key yet.
            if (status, lag, result.code()) != ("403", "200ms", 5) {
                delivered(&env, &result, &format!("{status} {lag} {named}"));
            }
        }
    });
}

#[test]
fn after_a_server_error_the_run_searches_for_the_settle_time() {
    let env = TestEnv::with(answering_unknowns(&[("search-lag", "1s")]));
    inject(&env.sandbox, &refused(500));
    let settle = ["--settle-timeout", "5s"];
    let result = env.run([&create(true)[..], &settle].concat());
    delivered(&env, &result, "500");
}

/// The connection breaks before the manager processes the request.
#[test]
fn a_late_create_is_waited_for() {
    each([true, false], |named| {
        let env = TestEnv::new();
        inject(&env.sandbox, "POST /api/apikeys late=500ms");
        let settle = ["--settle-timeout", "10s"];
        let result = env.run([&create(named)[..], &settle].concat());
        delivered(&env, &result, &format!("{named}"));
    });
}

/// The manager counts each use of a rejected key.
#[test]
fn a_rejected_api_key_is_not_used_again() {
    let mut env = TestEnv::new();
    let secret = env.sandbox.add_key("signer", 1).secret;
    env.use_key(&secret);
    inject(
        &env.sandbox,
        "POST /api/apikeys status=401 header='Content-Type: application/json' body='{\"message\":\"Invalid API Key\"}'",
    );
    env.run(create(false)).failure(4);
    let calls = env.calls();
    assert_eq!(calls.last().map(String::as_str), Some("POST /api/apikeys"));
}

/// The run cannot find out whether the key was created.
#[test]
fn a_rejection_that_cannot_be_checked_leaves_a_record() {
    let env = TestEnv::new();
    inject(&env.sandbox, &refused(409));
    inject(
        &env.sandbox,
        "POST /api/apikeys/search status=503 nth=2 always",
    );
    let result = env.run([&create(true)[..], &["--retries", "0"]].concat());
    contains(result.failure(11), &["swp-keys recover"]);
    assert_eq!(records(&env.home).len(), 1);
    env.sandbox.clear_faults();
    let result = env.run(["recover", "--yes"]);
    assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
}

#[test]
fn missing_permissions_to_create_and_view_are_reported_once() {
    let mut settings = answering_unknowns(&[]);
    settings.administrator_role = 2;
    let env = TestEnv::with(settings);
    env.run(create(false)).failure(5);
    assert_eq!(records(&env.home).len(), 0);
}

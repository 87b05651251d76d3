//! The end of a session: on success and on failure, best effort, within its budget, and never at the cost of the run.

use std::time::{Duration, Instant};

use swp_keys::sandbox::{Action, Fault, Settings};

use crate::support::{World, contains};

const LOGOUT: &str = "/rest/authentication/logout";
const LOGOUTS: &str = "DELETE /rest/authentication/logout";
const NOTE: &str = "info: the session was not ended on the manager: ending the session: ";

/// The last request ended the session of the ones before it, and there was one such request.
#[track_caller]
fn ended(world: &World) {
    let requests = world.sandbox.requests();
    let logout = requests.last().expect("a request");
    assert_eq!(logout.route(), LOGOUTS);
    assert_eq!(world.count(LOGOUTS), 1);
    let (cookie, query) = (logout.header("cookie"), logout.query.as_deref());
    assert_eq!(cookie, query, "sID=VALUE both");
    assert!(query.is_some_and(|query| query.starts_with("sID=") && query.len() == 36));
    assert_eq!(
        cookie,
        requests[1].header("cookie"),
        "the session of the run"
    );
    assert!(logout.header("rid").is_some());
    assert_eq!(world.sandbox.live_sessions(), 0);
}

#[test]
fn a_session_is_ended_on_success() {
    for arguments in [
        &["create", "--role", "Auditor"][..],
        &["create", "--role", "Auditor", "--dry-run"],
        &["find-role", "Auditor"],
        &["list-roles"],
    ] {
        let world = World::new();
        world.run(arguments).success();
        ended(&world);
    }
}

#[test]
fn a_session_is_ended_on_failure() {
    for (arguments, code) in [
        (&["create", "--role", "Nobody"][..], 3),
        (&["create", "--role-id", "999"], 3),
        (&["create", "--role-id", "999", "--allow-full-access"], 1),
        (&["create", "--role-id", "2", "--name", "taken"], 6),
    ] {
        let world = World::new();
        world.sandbox.add_key("taken", 2);
        world.run(arguments).failure(code);
        ended(&world);
    }
    let world = World::with(Settings {
        administrator_role: 2,
        ..Settings::default()
    });
    world.run(["create", "--role-id", "2"]).failure(5);
    ended(&world);
    for (action, code) in [
        (Action::Drop, 8),
        (Action::status(500, "No."), 1),
        (Action::status(400, "No."), 1),
        (Action::status(429, "No."), 9),
        (Action::Delay(Duration::from_secs(60)), 8),
    ] {
        let world = World::new();
        world
            .sandbox
            .inject(Fault::new("POST", "/api/apikeys", action));
        world
            .run([
                "create",
                "--role-id",
                "2",
                "--retries",
                "0",
                "--timeout",
                "3s",
                "--settle-timeout",
                "300ms",
            ])
            .failure(code);
        let requests = world.sandbox.requests();
        assert_eq!(
            requests.last().map(|last| last.route()).as_deref(),
            Some(LOGOUTS)
        );
        assert_eq!(world.sandbox.live_sessions(), 0);
    }
}

#[test]
fn a_session_is_left_alone_where_that_is_asked_for() {
    let world = World::new();
    world
        .run(["create", "--role", "Auditor", "--no-sign-out"])
        .success();
    assert_eq!(
        (world.count(LOGOUTS), world.sandbox.live_sessions()),
        (0, 1)
    );
    world
        .run(["create", "--role", "Nobody", "--no-sign-out"])
        .failure(3);
    assert_eq!(
        (world.count(LOGOUTS), world.sandbox.live_sessions()),
        (0, 2)
    );
    let mut world = World::new();
    world.home.set("SWP_NO_SIGN_OUT", "1");
    world.run(["create", "--role", "Auditor"]).success();
    assert_eq!(
        (world.count(LOGOUTS), world.sandbox.live_sessions()),
        (0, 1)
    );
    world.home.set("SWP_NO_SIGN_OUT", "0");
    world.run(["create", "--role", "Auditor"]).success();
    assert_eq!(
        (world.count(LOGOUTS), world.sandbox.live_sessions()),
        (1, 1)
    );
}

#[test]
fn a_farewell_that_fails_is_a_note_for_the_curious_and_never_a_failed_run() {
    for action in [
        Action::status(401, "No."),
        Action::status(404, "No."),
        Action::status(429, "No."),
        Action::status(500, "No."),
        Action::status(503, "No."),
        Action::Drop,
        Action::Reset,
        Action::Raw(b"hello".to_vec()),
    ] {
        for verbose in [false, true] {
            let world = World::new();
            world
                .sandbox
                .inject(Fault::new("DELETE", LOGOUT, action.clone()));
            let mut arguments = vec!["create", "--role", "Auditor"];
            arguments.extend(verbose.then_some("-v"));
            let ran = world.run(arguments);
            assert_eq!(ran.success(), world.sandbox.api_keys()[0].secret);
            assert_eq!(
                ran.stderr.contains(NOTE),
                verbose,
                "{action:?}: {}",
                ran.stderr
            );
            assert_eq!(world.count(LOGOUTS), 1, "not tried again");
        }
    }
}

#[test]
fn any_answer_but_a_refusal_is_taken_for_success() {
    for (status, media, body) in [
        (200, "text/plain", "bye"),
        (200, "text/html", "<html>bye</html>"),
        (204, "text/plain", ""),
        (202, "application/json", "{"),
    ] {
        let world = World::new();
        let action = Action::Answer {
            status,
            headers: vec![("Content-Type".to_owned(), media.to_owned())],
            body: body.as_bytes().to_vec(),
        };
        world.sandbox.inject(Fault::new("DELETE", LOGOUT, action));
        let ran = world.run(["create", "--role", "Auditor", "-v"]);
        ran.success();
        assert!(!ran.stderr.contains(NOTE), "{}", ran.stderr);
    }
}

#[test]
fn a_farewell_that_hangs_costs_three_seconds_and_not_the_run() {
    let minute = Duration::from_secs(60);
    for (arguments, code) in [
        (&["create", "--role", "Auditor", "-v"][..], 0),
        (&["create", "--role", "Nobody", "-v"], 3),
    ] {
        let world = World::new();
        world
            .sandbox
            .inject(Fault::new("DELETE", LOGOUT, Action::Delay(minute)));
        let begun = Instant::now();
        let ran = world.run(arguments);
        let elapsed = begun.elapsed();
        assert_eq!(ran.code(), code, "{}", ran.stderr);
        contains(&ran.stderr, &[NOTE, "in time"]);
        assert!(elapsed > Duration::from_secs(3), "{elapsed:?}");
        assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
    }
}

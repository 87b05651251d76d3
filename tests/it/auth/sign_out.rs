//! Sign-out after success and failure. It is best effort, has a time limit, and never changes the result of the run.

use std::time::{Duration, Instant};

use swp_keys::sandbox::{Action, Fault, Settings};

use super::sign_in::with;
use crate::support::wording::SESSION_NOT_ENDED;
use crate::support::{END_SESSION, LEGACY_LOGOUT, TestEnv, contains};

const END: &str = "/api/sessions/current";
const LOGOUT: &str = "/rest/authentication/logout";
const NOTE: &str = SESSION_NOT_ENDED;

/// Asserts that the last request ended the session of the requests before it, that it is the only sign-out, and that its address does not contain the
/// session.
#[track_caller]
fn ended(env: &TestEnv) {
    let requests = env.sandbox.requests();
    let end = requests.last().expect("a request");
    assert_eq!(end.route(), END_SESSION);
    assert_eq!((env.count(END_SESSION), env.count(LEGACY_LOGOUT)), (1, 0));
    let session = |name| (end.header(name), requests[1].header(name));
    let (cookie, before) = session("cookie");
    assert_eq!(cookie, before, "the session of the run");
    assert!(cookie.is_some_and(|cookie| cookie.starts_with("sID=") && cookie.len() == 36));
    let (request_id, before) = session("rid");
    assert!(request_id.is_some() && request_id == before);
    assert!(requests.iter().all(|request| request.query.is_none()));
    assert_eq!(env.sandbox.live_sessions(), 0);
}

#[test]
fn a_session_is_ended_on_success() {
    for arguments in [
        &["create", "--role", "Auditor"][..],
        &["create", "--role", "Auditor", "--dry-run"],
        &["find-role", "Auditor"],
        &["list-roles"],
    ] {
        let env = TestEnv::new();
        env.run(arguments).success();
        ended(&env);
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
        let env = TestEnv::new();
        env.sandbox.add_key("taken", 2);
        env.run(arguments).failure(code);
        ended(&env);
    }
    let env = TestEnv::with(Settings {
        administrator_role: 2,
        ..Settings::default()
    });
    env.run(["create", "--role-id", "2"]).failure(5);
    ended(&env);
    for (action, code) in [
        (Action::Drop, 8),
        (Action::status(500, "No."), 1),
        (Action::status(400, "No."), 1),
        (Action::status(429, "No."), 9),
        (Action::Delay(Duration::from_secs(60)), 8),
    ] {
        let env = TestEnv::new();
        env.sandbox
            .inject(Fault::new("POST", "/api/apikeys", action));
        env.run([
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
        let requests = env.sandbox.requests();
        assert_eq!(
            requests.last().map(|last| last.route()).as_deref(),
            Some(END_SESSION)
        );
        assert_eq!(env.sandbox.live_sessions(), 0);
    }
}

#[test]
fn with_no_sign_out_the_session_is_not_ended() {
    let env = TestEnv::new();
    env.run(["create", "--role", "Auditor", "--no-sign-out"])
        .success();
    assert_eq!(
        (env.count(END_SESSION), env.sandbox.live_sessions()),
        (0, 1)
    );
    env.run(["create", "--role", "Nobody", "--no-sign-out"])
        .failure(3);
    assert_eq!(
        (env.count(END_SESSION), env.sandbox.live_sessions()),
        (0, 2)
    );
    let mut env = TestEnv::new();
    env.home.set("SWP_NO_SIGN_OUT", "1");
    env.run(["create", "--role", "Auditor"]).success();
    assert_eq!(
        (env.count(END_SESSION), env.sandbox.live_sessions()),
        (0, 1)
    );
    env.home.set("SWP_NO_SIGN_OUT", "0");
    env.run(["create", "--role", "Auditor"]).success();
    assert_eq!(
        (env.count(END_SESSION), env.sandbox.live_sessions()),
        (1, 1)
    );
}

/// Each of these responses means that the manager does not support the call. The legacy call follows, and also sends the cookie.
#[test]
fn a_rejected_call_is_followed_by_the_legacy_call() {
    let page = |status| Action::Answer {
        status,
        headers: vec![("Content-Type".to_owned(), "text/html".to_owned())],
        body: b"<html><title>Sign in</title></html>".to_vec(),
    };
    let redirect = Action::Answer {
        status: 302,
        headers: vec![("Location".to_owned(), "/SignIn.screen".to_owned())],
        body: Vec::new(),
    };
    let refused = [400, 401, 403, 404, 405, 410, 429, 500, 501];
    let refused = refused.map(|status| Action::status(status, "No."));
    let pages = [page(200), page(404), redirect];
    for action in refused.into_iter().chain(pages) {
        let env = TestEnv::new();
        env.sandbox
            .inject(Fault::new("DELETE", END, action.clone()));
        let result = env.run(["create", "--role", "Auditor", "-v"]);
        assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
        assert!(!result.stderr.contains(NOTE), "{}", result.stderr);
        let requests = env.sandbox.requests();
        let legacy = requests.last().expect("a request");
        assert_eq!(legacy.route(), LEGACY_LOGOUT, "{action:?}");
        let calls = (env.count(END_SESSION), env.count(LEGACY_LOGOUT));
        assert_eq!(calls, (1, 1), "{action:?}");
        let (cookie, query) = (legacy.header("cookie"), legacy.query.as_deref());
        assert!(cookie.is_some() && cookie == query, "sID=VALUE both");
        assert!(legacy.header("rid").is_some());
        assert_eq!(env.sandbox.live_sessions(), 0);
        assert_eq!(env.sandbox.connections().tcp, 1);
    }
}

/// The sign-out may have succeeded. Therefore the legacy call, which has the session ID in its address, must not be sent.
#[test]
fn after_a_lost_response_the_legacy_call_is_not_sent() {
    for action in [
        Action::status(502, "No."),
        Action::status(503, "No."),
        Action::Drop,
        Action::Reset,
        Action::Raw(b"hello".to_vec()),
    ] {
        let env = TestEnv::new();
        env.sandbox
            .inject(Fault::new("DELETE", END, action.clone()));
        let result = env.run(["create", "--role", "Auditor", "-v"]);
        assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
        contains(&result.stderr, &[NOTE]);
        let calls = (env.count(END_SESSION), env.count(LEGACY_LOGOUT));
        assert_eq!(calls, (1, 0), "{action:?}");
    }
}

#[test]
fn a_failed_sign_out_is_only_logged() {
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
            let env = with(|settings| settings.unknowns.end_session = Some(404));
            env.sandbox
                .inject(Fault::new("DELETE", LOGOUT, action.clone()));
            let mut arguments = vec!["create", "--role", "Auditor"];
            arguments.extend(verbose.then_some("-v"));
            let result = env.run(arguments);
            assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
            assert_eq!(
                result.stderr.contains(NOTE),
                verbose,
                "{action:?}: {}",
                result.stderr
            );
            let calls = (env.count(END_SESSION), env.count(LEGACY_LOGOUT));
            assert_eq!(calls, (1, 1), "not tried again");
        }
    }
}

#[test]
fn any_success_status_ends_the_session() {
    for (path, media, body) in [
        (END, "text/plain", "bye"),
        (END, "application/json", "{"),
        (LOGOUT, "text/plain", "bye"),
        (LOGOUT, "text/html", "<html>bye</html>"),
    ] {
        for status in [200, 202, 204] {
            let env = with(|settings| {
                settings.unknowns.end_session = Some(404).filter(|_| path == LOGOUT);
            });
            let action = Action::Answer {
                status,
                headers: vec![("Content-Type".to_owned(), media.to_owned())],
                body: body.as_bytes().to_vec(),
            };
            env.sandbox.inject(Fault::new("DELETE", path, action));
            let result = env.run(["create", "--role", "Auditor", "-v"]);
            result.success();
            assert!(!result.stderr.contains(NOTE), "{}", result.stderr);
            let legacy = env.count(LEGACY_LOGOUT);
            assert_eq!(legacy, usize::from(path == LOGOUT));
        }
    }
}

/// The cookie is sent back unchanged. The session ID may or may not include the quotes.
#[test]
fn a_quoted_cookie_is_sent_back_unchanged() {
    for end_session in [None, Some(404)] {
        let env = with(|settings| {
            settings.unknowns.quoted_cookie = true;
            settings.unknowns.end_session = end_session;
        });
        let result = env.run(["create", "--role", "Auditor", "-vv"]);
        assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
        assert_eq!(env.sandbox.live_sessions(), 0, "{end_session:?}");
        let requests = env.sandbox.requests();
        let cookie = requests[1].header("cookie").unwrap_or_default();
        let id = cookie.trim_start_matches("sID=").trim_matches('"');
        assert_eq!(cookie, format!("sID=\"{id}\""));
        assert!(!result.stderr.contains(id), "{}", result.stderr);
        let legacy = requests.iter().filter(|one| one.route() == LEGACY_LOGOUT);
        let queries: Vec<_> = legacy.filter_map(|one| one.query.clone()).collect();
        let expected = [format!("sID={id}"), format!("sID=%22{id}%22")];
        assert_eq!(
            queries,
            &expected[..if end_session.is_some() { 2 } else { 0 }]
        );
    }
}

/// A session whose sign-in response is unusable would stay open, and count towards the session limit.
#[test]
fn a_session_is_ended_if_its_sign_in_response_is_unusable() {
    let headers = |media: &str| {
        format!(
            "Content-Type: {media}\r\nConnection: close\r\nSet-Cookie: sID=0123456789ABCDEF; Path=/\r\n"
        )
    };
    let answer = |media: &str, length: usize, body: &str| {
        let head = format!(
            "HTTP/1.1 200 OK\r\n{}Content-Length: {length}\r\n\r\n{body}",
            headers(media)
        );
        Action::Raw(head.into_bytes())
    };
    let json = "application/json";
    for (action, code) in [
        (answer(json, 1, "{"), 1),
        (answer(json, 2, "{}"), 1),
        (answer(json, 4, "true"), 1),
        (answer(json, 15, r#"{"RID":["7788"]}"#), 1),
        (answer("text/html", 13, "<html></html>"), 1),
        (answer(json, 0, ""), 1),
        // The body is too large, and it is truncated.
        (answer(json, 300_000, ""), 1),
        (answer(json, 200, r#"{"RID":"7788"#), 8),
    ] {
        for no_sign_out in [false, true] {
            let env = TestEnv::new();
            let fault = Fault::new("POST", "/api/sessions", action.clone());
            env.sandbox.inject(fault);
            let mut arguments = vec!["create", "--role", "Auditor"];
            arguments.extend(no_sign_out.then_some("--no-sign-out"));
            let result = env.run(arguments);
            result.failure(code);
            assert!(!result.stderr.contains("0123456789"), "{}", result.stderr);
            let requests = env.sandbox.requests();
            assert_eq!(requests[0].route(), "POST /api/sessions");
            let rest = &requests[1..];
            let routes: Vec<_> = rest.iter().map(|request| request.route()).collect();
            if no_sign_out {
                assert_eq!(routes, [""; 0]);
                continue;
            }
            // Without the request ID, the manager rejects the first call.
            assert_eq!(routes, [END_SESSION, LEGACY_LOGOUT], "{action:?}");
            for request in rest {
                assert_eq!(request.header("cookie"), Some("sID=0123456789ABCDEF"));
                assert_eq!(request.header("rid"), None);
            }
            assert_eq!(rest[1].query.as_deref(), Some("sID=0123456789ABCDEF"));
        }
    }
}

#[test]
fn a_hanging_sign_out_is_abandoned_after_three_seconds() {
    let minute = Duration::from_secs(60);
    for (arguments, code, path) in [
        (&["create", "--role", "Auditor", "-v"][..], 0, END),
        (&["create", "--role", "Nobody", "-v"], 3, END),
        (&["create", "--role", "Auditor", "-v"], 0, LOGOUT),
    ] {
        let env = with(|settings| settings.unknowns.end_session = Some(404));
        env.sandbox
            .inject(Fault::new("DELETE", path, Action::Delay(minute)));
        let begun = Instant::now();
        let result = env.run(arguments);
        let elapsed = begun.elapsed();
        assert_eq!(result.code(), code, "{}", result.stderr);
        contains(&result.stderr, &[NOTE]);
        assert!(elapsed > Duration::from_secs(3), "{elapsed:?}");
        assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
    }
}

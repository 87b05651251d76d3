//! Which requests are repeated, how often, and which never are.

use std::time::{Duration, Instant};

use swp_keys::sandbox::{Action, Fault};

use crate::support::proxy::ReservedPort;
use crate::support::scripted_server::ScriptedServer;
use crate::support::wording::RETRYING_IN;
use crate::support::{TestEnv, contains};

const SEARCH: &str = "/api/roles/search";
const SEARCHES: &str = "POST /api/roles/search";
const SIGN_INS: &str = "POST /api/sessions";

/// Returns an environment whose runs authenticate with a key, so that a read is their only request.
fn with_key() -> TestEnv {
    let mut env = TestEnv::new();
    let key = env.sandbox.add_key("mine", 1);
    env.use_key(&key.secret);
    env
}

/// Returns a response with this status and this `Retry-After`.
fn later(status: u16, retry_after: &str) -> Action {
    Action::Answer {
        status,
        headers: vec![("Retry-After".to_owned(), retry_after.to_owned())],
        body: Vec::new(),
    }
}

#[test]
fn a_read_is_repeated_as_often_as_configured() {
    for (status, exit) in [(502, 8), (503, 8), (504, 8), (429, 9)] {
        // The number of failures, `--retries` (4 by default), the exit code, and the number of requests.
        for (wrong, retries, code, requests) in [
            (1, Some("0"), exit, 1),
            (1, Some("1"), 0, 2),
            (2, Some("1"), exit, 2),
            (4, Some("4"), 0, 5),
            (4, None, 0, 5),
            (5, None, exit, 5),
        ] {
            let env = with_key();
            let fault = Fault::new("POST", SEARCH, later(status, "0"));
            env.sandbox.inject(fault.times(wrong));
            let mut arguments = vec!["find-role", "Auditor"];
            arguments.extend(retries.iter().flat_map(|retries| ["--retries", retries]));
            let result = env.run(arguments);
            let case = format!("{status} {wrong} {retries:?}: {}", result.stderr);
            assert_eq!(result.code(), code, "{case}");
            assert_eq!(result.stdout, if code == 0 { "2\n" } else { "" }, "{case}");
            assert_eq!(env.count(SEARCHES), requests, "{case}");
        }
    }
}

#[test]
fn a_read_is_repeated_after_a_connection_error() {
    for action in [
        Action::Drop,
        Action::Reset,
        Action::Raw(b"HTTP/1.1 2".to_vec()),
    ] {
        let env = with_key();
        env.sandbox
            .inject(Fault::new("POST", SEARCH, action.clone()));
        let result = env.run(["find-role", "Auditor", "--retries", "1", "-v"]);
        assert_eq!(result.success(), "2", "{action:?}");
        contains(&result.stderr, &["info:"]);
        assert_eq!(env.count(SEARCHES), 2, "{action:?}");

        env.sandbox.clear_faults();
        env.sandbox.inject(Fault::new("POST", SEARCH, action));
        env.run(["find-role", "Auditor", "--retries", "0"])
            .failure(8);
    }
}

#[test]
fn a_read_with_a_permanent_error_is_not_repeated() {
    for (status, code) in [
        (400, 1),
        (401, 4),
        (403, 5),
        (404, 3),
        (405, 1),
        (409, 6),
        (500, 1),
        (501, 1),
    ] {
        let env = with_key();
        let fault = Fault::new("POST", SEARCH, Action::status(status, "It is so."));
        env.sandbox.inject(fault);
        let result = env.run(["find-role", "Auditor"]);
        contains(result.failure(code), &["It is so."]);
        assert_eq!(env.count(SEARCHES), 1, "{status}");
    }
}

#[test]
fn a_retry_after_of_more_than_a_minute_ends_the_run() {
    let in_two_minutes = http_date(120);
    for wait in ["61", "3600", "18446744073709551615", &in_two_minutes] {
        let env = with_key();
        env.sandbox
            .inject(Fault::new("POST", SEARCH, later(429, wait)));
        let begun = Instant::now();
        let result = env.run(["find-role", "Auditor", "-o", "json"]);
        assert_eq!(result.code(), 9, "{wait}: {}", result.stderr);
        let error = result.json_error(9);
        assert_eq!(error["code"], "rate-limited");
        assert_eq!(error["retryable"], true);
        assert_eq!(env.count(SEARCHES), 1, "{wait}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{wait}");
    }
}

#[test]
fn a_retry_after_date_is_waited_for() {
    // HTTP dates have whole seconds, so the pause does too. Without a date, the pause would be less than a second.
    for (date, pauses) in [
        (http_date(-60), &["0.0 s"][..]),
        (http_date(2), &["0.0 s", "1.0 s", "2.0 s"]),
    ] {
        let env = with_key();
        let fault = Fault::new("POST", SEARCH, later(503, &date));
        env.sandbox.inject(fault);
        let result = env.run(["find-role", "Auditor", "-v"]);
        assert_eq!(result.success(), "2");
        let paused = |pause: &&str| result.stderr.contains(&format!("{RETRYING_IN}{pause}"));
        assert!(pauses.iter().any(paused), "{date}: {}", result.stderr);
    }
}

/// Returns the date this many seconds from now in the form of HTTP (RFC 9110, section 5.6.7).
fn http_date(from_now: i64) -> String {
    let time = chrono::Utc::now() + chrono::Duration::seconds(from_now);
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[test]
fn a_request_that_timed_out_is_not_repeated() {
    for action in [Action::Delay(Duration::from_secs(60)), Action::Stall(10)] {
        let env = with_key();
        env.sandbox.inject(Fault::new("POST", SEARCH, action));
        let result = env.run(["find-role", "Auditor", "--timeout", "3s"]);
        contains(result.failure(8), &["`--timeout`"]);
        assert_eq!(env.count(SEARCHES), 1);
    }
}

#[test]
fn connecting_has_a_timeout() {
    let server = ScriptedServer::silent();
    let env = TestEnv::new();
    let url = server.url();
    let result = env.run([
        "create",
        "--role",
        "Auditor",
        "--url",
        &url,
        "--connect-timeout",
        "300ms",
    ]);
    contains(result.failure(8), &["`--connect-timeout`"]);
    assert_eq!(server.connections(), 1, "a sign-in is not tried again");
}

#[test]
fn an_invalid_duration_is_a_usage_error() {
    let env = TestEnv::new();
    for flag in ["--timeout", "--connect-timeout", "--wait"] {
        for value in ["0s", "soon", "-1s", "30"] {
            let value = format!("{flag}={value}");
            let result = env.run(["find-role", "Auditor", &value]);
            contains(result.failure(2), &[&format!("`{flag}`"), "30s"]);
        }
    }
    assert_eq!(env.sandbox.connections().tcp, 0);
}

#[test]
fn a_sign_in_is_sent_once_with_any_outcome() {
    for (action, code) in [
        (later(503, "0"), 8),
        (later(502, "0"), 8),
        (later(504, "0"), 8),
        (later(429, "0"), 9),
        (Action::status(400, "No."), 4),
        (Action::status(401, "No."), 4),
        (Action::status(403, "No."), 4),
        (Action::status(500, "No."), 4),
        (Action::Drop, 8),
        (Action::Reset, 8),
        (Action::Cut(10), 8),
        (Action::Raw(b"HTTP/1.1 2".to_vec()), 8),
        (Action::Raw(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()), 8),
        (Action::Stall(10), 8),
    ] {
        let env = TestEnv::new();
        env.sandbox
            .inject(Fault::new("POST", "/api/sessions", action.clone()));
        let result = env.run(["create", "--role", "Auditor", "--timeout", "3s"]);
        assert_eq!(result.code(), code, "{action:?}: {}", result.stderr);
        assert_eq!(result.stdout, "");
        assert_eq!(env.calls(), [SIGN_INS], "{action:?}");
    }
}

#[test]
fn a_create_is_repeated_only_if_it_was_not_executed() {
    let env = TestEnv::new();
    let fault = Fault::new("POST", "/api/apikeys", later(429, "0"));
    env.sandbox.inject(fault.times(2));
    let result = env.run(["create", "--role", "Auditor"]);
    let keys = env.sandbox.api_keys();
    assert_eq!(keys.len(), 1);
    assert_eq!(result.success(), keys[0].secret);
    assert_eq!(env.count("POST /api/apikeys"), 3);
    assert_eq!(env.count(SIGN_INS), 1);
    for (action, code) in [
        (later(503, "0"), 8),
        (Action::Drop, 8),
        (Action::Reset, 8),
        (Action::status(500, "No."), 1),
    ] {
        let env = TestEnv::new();
        env.sandbox
            .inject(Fault::new("POST", "/api/apikeys", action.clone()));
        let settle = ["--settle-timeout", "300ms"];
        env.run(["create", "--role", "Auditor"].iter().chain(&settle))
            .failure(code);
        assert_eq!(env.count("POST /api/apikeys"), 1, "{action:?}");
    }
}

#[test]
fn without_a_listener_the_manager_is_unreachable() {
    let env = TestEnv::new();
    let port = ReservedPort::new();
    for (retries, again) in [("0", 0), ("2", 2)] {
        let result = env.run([
            "create",
            "--role",
            "Auditor",
            "-v",
            "--retries",
            retries,
            "--url",
            &port.url(),
        ]);
        let address = port.address().to_string();
        contains(result.failure(8), &[&address, "--wait"]);
        assert_eq!(result.stderr.matches(RETRYING_IN).count(), again);
    }
}

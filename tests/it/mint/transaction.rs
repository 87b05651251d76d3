//! The transaction that creates a secret, when the manager's responses fail. A create is sent once, and an undelivered key is deleted or reported.

use std::time::Duration;

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, Fault, Sandbox};

use crate::support::files::record_count;
use crate::support::requests::{CREATE, count};
use crate::support::wording::NO_LISTENER;
use crate::support::{RunResult, TestEnv, answering_unknowns, contains};

const KEYS: &str = "/api/apikeys";
const RESET: &str = "POST /api/apikeys/1/secretkey";
const DELETE: &str = "DELETE /api/apikeys/1";
const NAMED: [&str; 8] = [
    "create",
    "--role",
    "Auditor",
    "--name",
    "ci",
    "-q",
    "--settle-timeout",
    "1s",
];

fn create(env: &TestEnv, more: &[&str]) -> RunResult {
    env.run(NAMED.iter().chain(more))
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Action {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Action::Answer {
        status,
        headers: headers.iter().map(pair).collect(),
        body: body.as_bytes().to_vec(),
    }
}

fn json_answer(status: u16, body: &Value) -> Action {
    let media = [("Content-Type", "application/json")];
    answer(status, &media, &body.to_string())
}

/// Asserts that the create was sent once, and that nothing was repeated or deleted, because the run does not know whether the key exists.
#[track_caller]
fn asked_once(sandbox: &Sandbox, what: &str) {
    assert_eq!(count(sandbox, CREATE), 1, "{what}");
    let deleted = sandbox
        .requests()
        .iter()
        .any(|request| request.method == "DELETE" && request.path.starts_with("/api/apikeys"));
    assert!(!deleted, "{what}");
    assert_eq!(sandbox.live_sessions(), 0, "{what}: the session is ended");
}

#[test]
fn a_create_with_a_lost_response_is_checked_and_never_repeated() {
    let page = "<html><head><title>Sign in to the proxy</title></head></html>";
    let html = [("Content-Type", "text/html")];
    let elsewhere = [("Location", "https://other.example.com/api/apikeys")];
    let no_id = json!({"keyName": "ci", "secretKey": "1:c2VjcmV0"});
    let wrong_id = json!({"ID": "one", "keyName": "ci", "secretKey": "1:c2VjcmV0"});
    for (action, http, expected) in [
        (Action::Drop, None, ""),
        (Action::Reset, None, ""),
        (Action::Cut(0), None, ""),
        (Action::Cut(40), None, ""),
        (Action::Raw(b"HTTP/1.1 200 OK\r\n".to_vec()), None, ""),
        (Action::status(500, "Oops"), Some(500), "Oops"),
        (Action::status(502, "Bad gateway"), Some(502), ""),
        (Action::status(503, "Starting"), Some(503), ""),
        (Action::status(504, "Gateway time-out"), Some(504), ""),
        (answer(503, &[("Retry-After", "0")], ""), Some(503), ""),
        (
            answer(302, &elsewhere, ""),
            Some(302),
            "https://other.example.com",
        ),
        (answer(200, &html, page), Some(200), "Sign in to the proxy"),
        (answer(200, &[], "{\"ID\": 1, \"key"), Some(200), ""),
        (answer(200, &[], ""), Some(200), ""),
        (json_answer(200, &no_id), Some(200), ""),
        (json_answer(200, &wrong_id), Some(200), ""),
    ] {
        lost_after_the_work(&action, expected);
        // A response can only be truncated after the manager has sent it, and by then the key exists.
        if !matches!(action, Action::Cut(_)) {
            lost_before_the_work(&action, http, expected);
        }
    }
}

/// Asserts that the run finds its key, resets its secret and delivers the new one.
#[track_caller]
fn lost_after_the_work(action: &Action, expected: &str) {
    let env = TestEnv::new();
    env.sandbox
        .inject(Fault::new("POST", KEYS, action.clone()).after());
    let result = env.run(["create", "--role", "Auditor", "--name", "ci"]);
    let keys = env.sandbox.api_keys();
    assert_eq!(keys.len(), 1, "{action:?}");
    assert_eq!(result.success(), keys[0].secret, "{action:?}");
    contains(&result.stderr, &[expected]);
    assert!(!result.stderr.contains("c2VjcmV0"), "{}", result.stderr);
    assert_eq!(count(&env.sandbox, CREATE), 1, "{action:?}");
    assert_eq!(count(&env.sandbox, RESET), 1, "{action:?}");
    assert_eq!(record_count(&env.home), 0, "{action:?}");
    assert_eq!(env.sandbox.live_sessions(), 0, "{action:?}");
}

/// Asserts that the run reports that no key was created.
#[track_caller]
fn lost_before_the_work(action: &Action, http: Option<u16>, expected: &str) {
    let env = TestEnv::new();
    env.sandbox.inject(Fault::new("POST", KEYS, action.clone()));
    let result = create(&env, &["-o", "json"]);
    // An error response from the manager itself is reported as a rejection.
    let refused = http == Some(500);
    let error = result.json_error(if refused { 1 } else { 8 });
    let message = error["message"].as_str().unwrap_or_default();
    contains(message, &[expected, "`ci`"]);
    assert!(!result.stderr.contains("c2VjcmV0"), "{}", result.stderr);
    assert_eq!(error["retryable"], json!(!refused), "{action:?}");
    assert_eq!(error["http"], json!(http), "{action:?}");
    asked_once(&env.sandbox, expected);
    assert_eq!(env.sandbox.api_keys(), [], "{action:?}");
    assert_eq!(record_count(&env.home), 0, "{action:?}");
}

#[test]
fn a_response_that_times_out_is_a_lost_response() {
    for action in [Action::Delay(Duration::from_secs(60)), Action::Stall(40)] {
        let env = TestEnv::new();
        env.sandbox.inject(Fault::new("POST", KEYS, action).after());
        let result = create(&env, &["--timeout", "1s"]);
        let keys = env.sandbox.api_keys();
        assert_eq!(keys.len(), 1);
        assert_eq!(result.success(), keys[0].secret);
        assert_eq!(count(&env.sandbox, CREATE), 1);
    }
}

#[test]
fn a_generated_name_identifies_the_key_after_a_lost_response() {
    let env = TestEnv::new();
    env.sandbox
        .inject(Fault::new("POST", KEYS, Action::Drop).after());
    let result = env.run(["create", "--role", "Auditor"]);
    assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
}

#[test]
fn a_definite_rejection_is_reported_and_not_repeated() {
    for (status, code) in [(400, 1), (401, 4), (403, 5), (404, 3), (409, 6), (422, 1)] {
        let env = TestEnv::new();
        let action = Action::status(status, "This will not do.");
        env.sandbox.inject(Fault::new("POST", KEYS, action));
        let result = create(&env, &[]);
        contains(result.failure(code), &["This will not do."]);
        asked_once(&env.sandbox, &result.stderr);
    }
}

#[test]
fn a_limited_create_was_not_executed_and_is_sent_again() {
    for (seconds, times) in [("0", 1), ("0", 4), ("1", 1)] {
        let env = TestEnv::new();
        let action = answer(429, &[("Retry-After", seconds)], "");
        env.sandbox
            .inject(Fault::new("POST", KEYS, action).times(times));
        let result = create(&env, &[]);
        assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
        assert_eq!(count(&env.sandbox, CREATE), times as usize + 1);
        assert_eq!(env.sandbox.api_keys().len(), 1);
    }
}

#[test]
fn a_lasting_limit_is_reported_and_nothing_is_created() {
    // The run does not wait for a `Retry-After` of more than a minute, and does not exceed its number of retries.
    for (seconds, retries, tries) in [("61", "4", 1), ("0", "0", 1), ("0", "2", 3)] {
        let env = TestEnv::new();
        let action = answer(429, &[("Retry-After", seconds)], "");
        env.sandbox
            .inject(Fault::new("POST", KEYS, action).times(99));
        let result = create(&env, &["--retries", retries, "-o", "json"]);
        let error = result.json_error(9);
        assert_eq!(error["retryable"], json!(true));
        assert_eq!(count(&env.sandbox, CREATE), tries, "{seconds} {retries}");
        assert_eq!(env.sandbox.api_keys(), []);
    }
}

/// Makes the response to the create contain the key without its secret, as one way to make the delivery fail.
fn without_secret(env: &TestEnv) {
    let body = json!({"ID": 1, "keyName": "ci"});
    let fault = Fault::new("POST", KEYS, json_answer(200, &body)).after();
    env.sandbox.inject(fault);
}

#[test]
fn after_a_response_without_a_secret_the_key_is_deleted() {
    for secret in [Value::Null, json!("")] {
        let env = TestEnv::new();
        let body = json!({"ID": 1, "keyName": "ci", "secretKey": secret});
        let fault = Fault::new("POST", KEYS, json_answer(200, &body)).after();
        env.sandbox.inject(fault);
        let result = create(&env, &["-o", "json", "--out-file", "key"]);
        let error = result.json_error(10);
        let message = error["message"].as_str().unwrap_or_default();
        contains(message, &["secretKey", "`ci` (ID 1)"]);
        assert_eq!(error["code"], json!("undelivered"));
        assert_eq!(error["keyID"], json!(1));
        assert_eq!(error["retryable"], json!(true));
        assert_eq!(env.sandbox.api_keys(), []);
        assert_eq!(
            (count(&env.sandbox, CREATE), count(&env.sandbox, DELETE)),
            (1, 1)
        );
        assert_eq!(env.sandbox.live_sessions(), 0);
        assert!(!env.home.path("key").exists());
    }
}

#[test]
fn a_deletion_is_repeated_until_the_key_is_gone() {
    for (fault, tries) in [
        (Fault::new("DELETE", "/api/apikeys/1", Action::Drop), 2),
        // The manager has deleted the key, but the response is lost. The second attempt reports that the key does not exist.
        (
            Fault::new("DELETE", "/api/apikeys/1", Action::Drop).after(),
            2,
        ),
        (
            Fault::new("DELETE", "/api/apikeys/1", Action::status(503, "")).times(2),
            3,
        ),
        (
            Fault::new(
                "DELETE",
                "/api/apikeys/1",
                answer(429, &[("Retry-After", "0")], ""),
            ),
            2,
        ),
        (
            Fault::new("DELETE", "/api/apikeys/1", Action::status(404, "Gone")).after(),
            1,
        ),
    ] {
        for delete_missing in ["404", "accepted"] {
            let env = TestEnv::with(answering_unknowns(&[("delete-missing", delete_missing)]));
            without_secret(&env);
            env.sandbox.inject(fault.clone());
            let result = create(&env, &[]);
            contains(result.failure(10), &["(ID 1)"]);
            assert_eq!(count(&env.sandbox, DELETE), tries, "{fault:?}");
            assert_eq!(env.sandbox.api_keys(), [], "{fault:?}");
        }
    }
}

#[test]
fn a_key_that_cannot_be_deleted_is_named() {
    for (action, more, http_says) in [
        (Action::status(403, "Not yours"), &[][..], "Not yours"),
        (Action::status(401, "Who?"), &[], "Who?"),
        (Action::status(500, "Oops"), &[], "Oops"),
        (Action::Drop, &["--retries", "1"], ""),
        (Action::status(502, ""), &["--retries", "1"], ""),
        (
            Action::Delay(Duration::from_secs(60)),
            &["--timeout", "1s"],
            "",
        ),
    ] {
        let env = TestEnv::new();
        without_secret(&env);
        let fault = Fault::new("DELETE", "/api/apikeys/1", action.clone()).times(99);
        env.sandbox.inject(fault);
        let result = create(&env, &[&["-o", "json"], more].concat());
        let error = result.json_error(11);
        let message = error["message"].as_str().unwrap_or_default();
        let failed = "`ci` (ID 1)";
        contains(message, &["secretKey", failed, http_says]);
        contains(
            error["hint"].as_str().unwrap_or_default(),
            &["swp-keys recover"],
        );
        assert_eq!(record_count(&env.home), 1, "{action:?}");
        assert_eq!(error["keyID"], json!(1), "{action:?}");
        assert_eq!(error["retryable"], json!(false), "{action:?}");
        assert_eq!(env.sandbox.api_keys().len(), 1, "it is still there");
        assert_eq!(count(&env.sandbox, CREATE), 1);
        assert_eq!(env.sandbox.live_sessions(), 0, "{action:?}");
    }
}

/// The manager closes the connection between two requests. The run opens a new connection, and sends the create only once.
#[test]
fn a_connection_that_ends_between_calls_loses_no_response() {
    let env = TestEnv::new();
    let body = json!({"roles": [{"ID": 2, "name": "Auditor"}]}).to_string();
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n";
    let raw = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let fault = Fault::new("POST", "/api/roles/search", Action::Raw(raw.into_bytes()));
    env.sandbox.inject(fault);
    let result = create(&env, &[]);
    assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
    assert_eq!(count(&env.sandbox, CREATE), 1);
    assert_eq!(env.sandbox.connections().tcp, 2);
}

/// The connection was refused, so nothing was sent. In this case even a create may be sent again.
#[test]
#[cfg(unix)]
fn a_create_on_a_refused_connection_is_sent_again() {
    use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
    use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
    use swp_keys::sandbox::Settings;

    use crate::support::held_manager::HeldManager;

    // The port is reserved but does not listen yet, so connections to it are refused.
    let port = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    bind(&port, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let listener = TcpListener::from(port);
    let ours = listener.try_clone().expect("a second handle");
    let (mut env, serve) = HeldManager::behind(listener, Settings::default(), "");
    let key = env.sandbox.add_key("first", 1);
    let file = env.home.write_secret("api-key", &key.secret);
    env.home.set("SWP_API_KEY_FILE", file);

    let mut running = env.start(["create", "--role-id", "2", "--allow-full-access", "-v"]);
    running.wait_for_line(NO_LISTENER);
    listen(&ours, 16).expect("it listens");
    serve();
    let result = running.finish();
    let keys = env.sandbox.api_keys();
    assert_eq!(result.success(), keys[1].secret);
    assert_eq!(keys.len(), 2);
    let routes: Vec<String> = env.sandbox.requests().iter().map(|r| r.route()).collect();
    assert_eq!(routes, [CREATE], "the create is the first that comes");
}

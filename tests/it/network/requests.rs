//! The parts of every request, and responses that violate the API contract.

use swp_keys::sandbox::{Action, Fault};

use crate::support::scripted_server::ScriptedServer;
use crate::support::snapshot::snapshot;
use crate::support::{TestEnv, contains};

const SEARCH: &str = "/api/roles/search";
const SESSIONS: &str = "/api/sessions";
const MAX: usize = 8 * 1024 * 1024;

fn answer(status: u16, media: &str, body: impl Into<Vec<u8>>) -> Action {
    Action::Answer {
        status,
        headers: vec![("Content-Type".to_owned(), media.to_owned())],
        body: body.into(),
    }
}

/// Returns an environment with an API key, so that the role search is the only request. Its response is this action.
fn searching(action: Action) -> TestEnv {
    let mut env = TestEnv::new();
    let key = env.sandbox.add_key("mine", 1);
    env.use_key(&key.secret);
    env.sandbox.inject(Fault::new("POST", SEARCH, action));
    env
}

#[test]
fn every_request_names_the_program_and_the_api_version() {
    let env = TestEnv::new();
    env.run(["create", "--role", "Auditor", "--name", "n", "--wait", "5s"])
        .success();
    let requests = env.sandbox.requests();
    assert_eq!(requests.len(), 7, "{:?}", env.calls());
    for request in requests {
        let route = request.route();
        let agent = concat!("swp-keys/", env!("CARGO_PKG_VERSION"));
        assert_eq!(request.header("user-agent"), Some(agent), "{route}");
        assert_eq!(request.header("api-version"), Some("v1"), "{route}");
        assert_eq!(
            request.header("accept"),
            Some("application/json"),
            "{route}"
        );
        let media = (request.method == "POST").then_some("application/json");
        assert_eq!(request.header("content-type"), media, "{route}");
        assert_eq!(request.header("referer"), None, "{route}");
    }
}

#[test]
fn a_redirect_is_not_followed_and_only_its_host_is_named() {
    for status in [301, 302, 303, 307, 308] {
        for (path, exit) in [(SESSIONS, 1), (SEARCH, 1), ("/api/apikeys", 8)] {
            let elsewhere = ScriptedServer::answering(b"");
            let target = elsewhere.url();
            let location = target.replace("://", "://someone:hunter2@") + "/inner/door?ticket=77";
            let env = TestEnv::new();
            let action = Action::Answer {
                status,
                headers: vec![("Location".to_owned(), location)],
                body: Vec::new(),
            };
            env.sandbox.inject(Fault::new("POST", path, action));
            let settle = ["--settle-timeout", "300ms"];
            let result = env.run(["create", "--role", "Auditor", "-vv"].iter().chain(&settle));
            contains(result.failure(exit), &[&target]);
            for inner in ["someone", "hunter2", "inner", "door", "ticket"] {
                assert!(!result.stderr.contains(inner), "{}", result.stderr);
            }
            assert_eq!(env.count(&format!("POST {path}")), 1, "{status} {path}");
            assert_eq!(elsewhere.connections(), 0, "{status} {path}");
        }
    }
}

#[test]
fn a_redirect_without_a_target_or_to_the_manager_is_reported() {
    let env = searching(Action::Answer {
        status: 302,
        headers: Vec::new(),
        body: Vec::new(),
    });
    let result = env.run(["find-role", "Auditor"]);
    snapshot(result.failure(1));
    let env = searching(Action::Answer {
        status: 302,
        headers: vec![("Location".to_owned(), "/SignIn.screen".to_owned())],
        body: Vec::new(),
    });
    let result = env.run(["find-role", "Auditor"]);
    contains(result.failure(1), &["/SignIn.screen"]);
}

/// Returns a list with one role that has this length.
fn roles_of(length: usize) -> Vec<u8> {
    let mut body = br#"{"roles":[{"ID":2,"name":"Auditor"}]}"#.to_vec();
    body.resize(length, b' ');
    body
}

#[test]
fn a_list_is_limited_to_8_mib() {
    let env = searching(answer(200, "application/json", roles_of(MAX)));
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");

    let announced = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", MAX + 1);
    let mut chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in roles_of(MAX + 1).chunks(1024 * 1024) {
        chunked.extend(format!("{:x}\r\n", chunk.len()).bytes());
        chunked.extend(chunk);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    for bytes in [announced.into_bytes(), chunked] {
        let env = searching(Action::Raw(bytes));
        let result = env.run(["find-role", "Auditor"]);
        contains(result.failure(1), &["8192 KiB"]);
        assert_eq!(env.count("POST /api/roles/search"), 1);
    }
}

#[test]
fn a_web_page_is_reported() {
    let page = "<!DOCTYPE html><html><head><TITLE>Corporate\x1b[31m Portal</TITLE></head></html>";
    for media in [
        "text/html; charset=utf-8",
        "application/json",
        "application/xhtml+xml",
    ] {
        for (path, exit) in [(SESSIONS, 1), (SEARCH, 1), ("/api/apikeys", 8)] {
            let env = TestEnv::new();
            let fault = Fault::new("POST", path, answer(200, media, page));
            env.sandbox.inject(fault);
            let settle = ["--settle-timeout", "300ms"];
            let result = env.run(["create", "--role", "Auditor"].iter().chain(&settle));
            contains(result.failure(exit), &["Corporate\\u{1b}[31m Portal"]);
            assert!(!result.stderr.contains('\x1b'), "{}", result.stderr);
            assert_eq!(env.sandbox.api_keys().len(), 0);
        }
    }
    let env = searching(answer(200, "text/html", "<html>no title</html>"));
    let result = env.run(["find-role", "Auditor"]);
    contains(result.failure(1), &["JSON", "--url"]);
}

#[test]
fn an_invalid_response_is_reported_by_position_and_not_quoted() {
    for body in [
        r#"{"roles":[{"ID":"hunter2","name":"Auditor"}]}"#,
        r#"{"roles":[{"ID":1,"name":"Full Access"},{"ID":2,"name":{"hunter2":1}}]}"#,
        r#"{"roles":"hunter2"}"#,
        r#""hunter2""#,
        r#"{"roles":[{"ID":2,"#,
        "hunter2",
        "",
    ] {
        let env = searching(answer(200, "application/json", body));
        let result = env.run(["find-role", "Auditor", "-vv"]);
        result.failure(1);
        let error = result
            .stderr
            .lines()
            .filter(|line| !line.starts_with("debug: "));
        snapshot(&error.collect::<Vec<_>>().join("\n"));
        assert!(!result.stderr.contains("hunter2"), "{}", result.stderr);
        assert_eq!(env.count("POST /api/roles/search"), 1, "{body}");
    }
}

#[test]
fn an_invalid_sign_in_response_ends_the_run() {
    for body in [r#"{"RID":5}"#, "[]", "nonsense"] {
        let env = TestEnv::new();
        let fault = Fault::new("POST", SESSIONS, answer(200, "application/json", body));
        env.sandbox.inject(fault);
        let result = env.run(["create", "--role", "Auditor"]);
        snapshot(result.failure(1));
        assert_eq!(env.calls(), ["POST /api/sessions"]);
    }
}

#[test]
fn a_response_without_a_body_is_reported_as_truncated() {
    let empty = Action::Answer {
        status: 204,
        headers: Vec::new(),
        body: Vec::new(),
    };
    let env = searching(empty);
    let result = env.run(["find-role", "Auditor", "-o", "json"]);
    let error = result.json_error(1);
    assert_eq!(error["http"], 204);
    snapshot(&result.stderr);
}

#[test]
fn a_truncated_body_is_a_connection_error_and_a_read_is_repeated() {
    let env = searching(Action::Cut(20));
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
    assert_eq!(env.count("POST /api/roles/search"), 2);

    let env = searching(Action::Cut(20));
    let result = env.run(["find-role", "Auditor", "--retries", "0"]);
    snapshot(result.failure(8));
}

#[test]
fn the_managers_message_is_escaped_for_terminals() {
    let hostile = "No\x1b]52;c;aGk=\x07 way\u{202e}!\nerror: all is well\u{200b}";
    let harmless = "No\\u{1b}]52;c;aGk=\\u{7} way\\u{202e}!\\u{a}error: all is well\\u{200b}";
    for body in [
        serde_json::json!({"message": hostile}).to_string(),
        serde_json::json!({"error": {"message": hostile}}).to_string(),
        hostile.to_owned(),
    ] {
        let env = searching(answer(403, "application/json", body));
        let result = env.run(["find-role", "Auditor"]);
        contains(result.failure(5), &[harmless]);
    }
}

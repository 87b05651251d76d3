//! What goes out with every request, and what is made of answers that are not the contract's.

use swp_keys::sandbox::{Action, Fault};

use crate::support::raw_server::RawServer;
use crate::support::{World, contains};

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

/// A world whose role search is signed by a key, so that it is the first and only request, and goes wrong like this.
fn searching(action: Action) -> World {
    let mut world = World::new();
    let key = world.sandbox.add_key("mine", 1);
    world.use_key(&key.secret);
    world.sandbox.inject(Fault::new("POST", SEARCH, action));
    world
}

#[test]
fn every_request_says_who_asks_and_which_version_is_spoken() {
    let world = World::new();
    world
        .run(["create", "--role", "Auditor", "--name", "n", "--wait", "5s"])
        .success();
    let requests = world.sandbox.requests();
    assert_eq!(requests.len(), 7, "{:?}", world.calls());
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
            let elsewhere = RawServer::answering(b"");
            let target = elsewhere.url();
            let location = target.replace("://", "://someone:hunter2@") + "/inner/door?ticket=77";
            let world = World::new();
            let action = Action::Answer {
                status,
                headers: vec![("Location".to_owned(), location)],
                body: Vec::new(),
            };
            world.sandbox.inject(Fault::new("POST", path, action));
            let settle = ["--settle-timeout", "300ms"];
            let ran = world.run(["create", "--role", "Auditor", "-vv"].iter().chain(&settle));
            contains(ran.failure(exit), &["redirect to", &target, "not followed"]);
            for inner in ["someone", "hunter2", "inner", "door", "ticket"] {
                assert!(!ran.stderr.contains(inner), "{}", ran.stderr);
            }
            assert_eq!(world.count(&format!("POST {path}")), 1, "{status} {path}");
            assert_eq!(elsewhere.connections(), 0, "{status} {path}");
        }
    }
}

#[test]
fn a_redirect_to_nowhere_or_to_the_manager_itself_is_said_to_be_one() {
    let world = searching(Action::Answer {
        status: 302,
        headers: Vec::new(),
        body: Vec::new(),
    });
    let ran = world.run(["find-role", "Auditor"]);
    contains(
        ran.failure(1),
        &["a redirect to a place that it does not name"],
    );
    let world = searching(Action::Answer {
        status: 302,
        headers: vec![("Location".to_owned(), "/SignIn.screen".to_owned())],
        body: Vec::new(),
    });
    let ran = world.run(["find-role", "Auditor"]);
    contains(ran.failure(1), &["/SignIn.screen", "not followed"]);
}

/// A list with one role, as long as is asked for.
fn roles_of(length: usize) -> Vec<u8> {
    let mut body = br#"{"roles":[{"ID":2,"name":"Auditor"}]}"#.to_vec();
    body.resize(length, b' ');
    body
}

#[test]
fn a_list_may_have_8_mib_and_not_a_byte_more() {
    let world = searching(answer(200, "application/json", roles_of(MAX)));
    assert_eq!(world.run(["find-role", "Auditor"]).success(), "2");

    let announced = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", MAX + 1);
    let mut chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in roles_of(MAX + 1).chunks(1024 * 1024) {
        chunked.extend(format!("{:x}\r\n", chunk.len()).bytes());
        chunked.extend(chunk);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    for bytes in [announced.into_bytes(), chunked] {
        let world = searching(Action::Raw(bytes));
        let ran = world.run(["find-role", "Auditor"]);
        contains(ran.failure(1), &["searching roles", "larger than 8192 KiB"]);
        assert_eq!(world.count("POST /api/roles/search"), 1);
    }
}

#[test]
fn a_page_for_a_browser_is_said_to_be_one() {
    let page = "<!DOCTYPE html><html><head><TITLE>Corporate\x1b[31m Portal</TITLE></head></html>";
    for media in [
        "text/html; charset=utf-8",
        "application/json",
        "application/xhtml+xml",
    ] {
        for (path, exit) in [(SESSIONS, 1), (SEARCH, 1), ("/api/apikeys", 8)] {
            let world = World::new();
            let fault = Fault::new("POST", path, answer(200, media, page));
            world.sandbox.inject(fault);
            let settle = ["--settle-timeout", "300ms"];
            let ran = world.run(["create", "--role", "Auditor"].iter().chain(&settle));
            contains(
                ran.failure(exit),
                &["a web page", "Corporate\\u{1b}[31m Portal"],
            );
            assert!(!ran.stderr.contains('\x1b'), "{}", ran.stderr);
            assert_eq!(world.sandbox.api_keys().len(), 0);
        }
    }
    let world = searching(answer(200, "text/html", "<html>no title</html>"));
    let ran = world.run(["find-role", "Auditor"]);
    contains(
        ran.failure(1),
        &["a web page, not the manager's JSON", "--url"],
    );
}

#[test]
fn what_is_wrong_in_an_answer_is_named_by_its_place_and_not_quoted() {
    for (body, said) in [
        (
            r#"{"roles":[{"ID":"hunter2","name":"Auditor"}]}"#,
            "is not what the contract says, at `roles[0].ID`",
        ),
        (
            r#"{"roles":[{"ID":1,"name":"Full Access"},{"ID":2,"name":{"hunter2":1}}]}"#,
            "is not what the contract says, at `roles[1].name`",
        ),
        (
            r#"{"roles":"hunter2"}"#,
            "is not what the contract says, at `roles`",
        ),
        (r#""hunter2""#, "is not what the contract says"),
        (r#"{"roles":[{"ID":2,"#, "ends too early"),
        ("hunter2", "is not JSON"),
        ("", "ends too early"),
    ] {
        let world = searching(answer(200, "application/json", body));
        let ran = world.run(["find-role", "Auditor", "-vv"]);
        contains(
            ran.failure(1),
            &["searching roles: the manager's answer ", said],
        );
        assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
        assert_eq!(world.count("POST /api/roles/search"), 1, "{body}");
    }
}

#[test]
fn a_sign_in_whose_answer_is_wrong_goes_no_further() {
    for (body, said) in [
        (r#"{"RID":5}"#, "is not what the contract says, at `RID`"),
        ("[]", "is not what the contract says"),
        ("nonsense", "is not JSON"),
    ] {
        let world = World::new();
        let fault = Fault::new("POST", SESSIONS, answer(200, "application/json", body));
        world.sandbox.inject(fault);
        let ran = world.run(["create", "--role", "Auditor"]);
        contains(ran.failure(1), &["signing in: the manager's answer ", said]);
        assert_eq!(world.calls(), ["POST /api/sessions"]);
    }
}

#[test]
fn an_answer_without_a_body_is_an_answer_that_ends_too_early() {
    let empty = Action::Answer {
        status: 204,
        headers: Vec::new(),
        body: Vec::new(),
    };
    let world = searching(empty);
    let ran = world.run(["find-role", "Auditor", "-o", "json"]);
    let error = ran.json_error(1);
    assert_eq!(error["http"], 204);
    contains(&ran.stderr, &["ends too early"]);
}

#[test]
fn a_body_that_is_cut_off_is_a_broken_connection_and_a_read_is_repeated() {
    let world = searching(Action::Cut(20));
    assert_eq!(world.run(["find-role", "Auditor"]).success(), "2");
    assert_eq!(world.count("POST /api/roles/search"), 2);

    let world = searching(Action::Cut(20));
    let ran = world.run(["find-role", "Auditor", "--retries", "0"]);
    contains(
        ran.failure(8),
        &["searching roles: the connection to", "broke"],
    );
}

#[test]
fn the_managers_message_is_shown_and_harms_no_terminal() {
    let hostile = "No\x1b]52;c;aGk=\x07 way\u{202e}!\nerror: all is well\u{200b}";
    let harmless = "No\\u{1b}]52;c;aGk=\\u{7} way\\u{202e}!\\u{a}error: all is well\\u{200b}";
    for body in [
        serde_json::json!({"message": hostile}).to_string(),
        serde_json::json!({"error": {"message": hostile}}).to_string(),
        hostile.to_owned(),
    ] {
        let world = searching(answer(403, "application/json", body));
        let ran = world.run(["find-role", "Auditor"]);
        contains(
            ran.failure(5),
            &["searching roles: the manager forbids it", harmless],
        );
    }
}

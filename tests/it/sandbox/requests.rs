//! The required parts of requests, the parts of responses, and calls outside the API (docs/manager-api.md, "Hosts and transport", "Sign-in" and
//! "Errors").

use std::time::Duration;

use serde_json::json;
use swp_keys::sandbox::{RetryAfter, Settings};

use super::client::{Client, Request};

#[test]
fn unknown_paths_get_a_page_and_unknown_methods_get_a_list() {
    let mut client = Client::signed_in(|_| {});
    for path in [
        "/",
        "/api",
        "/api/computers",
        "/api/apikeys/1/secret",
        "/rest/status",
    ] {
        let answer = client.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(
            answer
                .header("content-type")
                .is_some_and(|value| value.starts_with("text/html")),
            "{path}"
        );
    }
    for (method, path, allowed) in [
        ("PUT", "/api/apikeys", "GET, POST"),
        ("GET", "/api/roles/search", "POST"),
        ("DELETE", "/api/sessions", "POST"),
        ("POST", "/api/sessions/current", "DELETE"),
        ("PATCH", "/api/apikeys/1", "GET, POST, DELETE"),
        ("GET", "/rest/authentication/logout", "DELETE"),
    ] {
        let answer = client.raw(&Request::new(method, path));
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some(allowed)),
            "{method} {path}"
        );
    }
}

#[test]
fn unused_ids_are_not_found_and_other_values_are_not_ids() {
    let mut client = Client::signed_in(|_| {});
    for id in ["0", "99", "2147483647", "-1"] {
        assert_eq!(
            client.get(&format!("/api/apikeys/{id}")).status,
            404,
            "{id}"
        );
        assert_eq!(
            client.get(&format!("/api/roles/{id}")).message(),
            "The administrator role does not exist"
        );
    }
    for id in ["2147483648", "99999999999999999999", "one", ""] {
        assert_eq!(
            client.get(&format!("/api/apikeys/{id}")).status,
            400,
            "{id}"
        );
    }
}

#[test]
fn bodies_must_be_json_with_a_content_type() {
    let mut client = Client::signed_in(|_| {});
    let send = |client: &mut Client, media: &str, body: &[u8]| {
        let request = client.signed(Request::new("POST", "/api/apikeys").body(media, body));
        client.raw(&request).status
    };
    assert_eq!(
        send(
            &mut client,
            "application/x-www-form-urlencoded",
            b"keyName=k"
        ),
        415
    );
    assert_eq!(
        send(
            &mut client,
            "application/json",
            b"{\"keyName\": \"k\", \"roleID: 1}"
        ),
        400
    );
    assert_eq!(send(&mut client, "application/json", b"\xff"), 400);
    assert_eq!(
        send(
            &mut client,
            "application/json",
            &vec![b' '; 1024 * 1024 + 1]
        ),
        413
    );
    assert_eq!(
        send(&mut client, "Application/JSON; charset=utf-8", b"{}"),
        200
    );
    let empty = client
        .signed(Request::new("POST", "/api/apikeys").header("Content-Type", "application/json"));
    assert_eq!(client.raw(&empty).status, 400);
}

#[test]
fn the_version_header_is_required_on_every_call_of_the_api() {
    let mut client = Client::signed_in(|_| {});
    let without = client.signed(Request::bare("GET", "/api/roles"));
    assert_eq!(
        client.raw(&without).message(),
        "Missing 'api-version' request header. Please set this header with the a value of a supported API version"
    );
    let other = client.signed(Request::bare("GET", "/api/roles").header("api-version", "v9"));
    let other = client.raw(&other);
    assert_eq!(other.status, 400);
    assert!(
        other
            .message()
            .ends_with("starts with 'v' followed by a number. E.g. v1")
    );
    client
        .sandbox
        .change(|settings| settings.unknowns.missing_version = None);
    assert_eq!(client.raw(&without).status, 200);
}

#[test]
fn an_unauthenticated_request_is_refused() {
    let mut client = Client::start(Settings::default());
    assert_eq!(
        client.get("/api/roles").message(),
        "Authentication is required."
    );
    assert_eq!(
        client
            .post("/api/apikeys", &json!({"keyName": "k", "roleID": 1}))
            .status,
        401
    );
    assert!(client.sandbox.api_keys().is_empty());
}

#[test]
fn readiness_is_visible_without_a_sign_in() {
    let mut client = Client::start(Settings::default());
    assert_eq!(
        client
            .raw(&Request::bare("GET", "/rest/status/manager/ping"))
            .status,
        200
    );
    let head = client.raw(&Request::bare("HEAD", "/rest/status/manager/ping"));
    assert_eq!((head.status, head.body.len()), (200, 0));
    let version = client.raw(&Request::bare("GET", "/rest/apiVersion"));
    assert_eq!(version.header("content-type"), Some("text/plain"));
    assert!(version.text().parse::<u32>().is_ok());
}

#[test]
fn calls_over_the_limit_are_neither_processed_nor_counted() {
    let mut client = Client::signed_in(|settings| {
        settings.rate_limit = Some(3);
        settings.unknowns.retry_after = RetryAfter::Seconds;
    });
    client.create("one", 2);
    client.sandbox.advance_clock(Duration::from_secs(30));
    client.create("two", 2);
    for _ in 0..5 {
        let answer = client.post("/api/apikeys", &json!({"keyName": "three", "roleID": 2}));
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (429, "Too many API requests")
        );
        let wait: u64 = answer
            .header("retry-after")
            .and_then(|value| value.parse().ok())
            .expect("seconds");
        assert!((25..=30).contains(&wait), "{wait}");
    }
    assert_eq!(client.sandbox.api_keys().len(), 2);
    let other = client.sandbox.add_key("other", 1);
    let as_key = Request::new("GET", "/api/roles").header("api-secret-key", other.secret);
    assert_eq!(
        client.raw(&as_key).status,
        200,
        "each user and key has a limit of its own"
    );
    client.sandbox.advance_clock(Duration::from_secs(30));
    client.create("three", 2);
}

#[test]
fn a_skewed_clock_determines_all_dates() {
    let mut client = Client::signed_in(|settings| settings.clock_skew_seconds = -86_400 * 400);
    let real = chrono::Utc::now().timestamp_millis();
    let key = client.create("old", 2);
    assert!(key["created"].as_i64() < Some(real - 86_400_000 * 399));
    let year_ago = json!({"keyName": "k", "roleID": 2, "expiryDate": real - 86_400_000 * 365});
    let answer = client.post("/api/apikeys", &year_ago);
    assert_eq!(answer.status, 200, "the manager still expects this request");
    let dates = answer.headers_of("date");
    let date = chrono::DateTime::parse_from_rfc2822(dates[0]).expect("a date");
    assert!(dates.len() == 1 && date.timestamp_millis() < real - 86_400_000 * 399);
}

#[test]
fn requests_are_recorded_as_received() {
    let mut client = Client::signed_in(|_| {});
    client.create("seen", 2);
    let requests = client.sandbox.requests();
    assert_eq!(
        requests
            .iter()
            .map(|request| request.route())
            .collect::<Vec<_>>(),
        ["POST /api/sessions", "POST /api/apikeys"]
    );
    let create = &requests[1];
    assert_eq!(
        (create.connection, create.status, create.tls),
        (1, Some(200), "TLSv1.3")
    );
    assert_eq!(create.header("Content-Type"), Some("application/json"));
    assert_eq!(create.body, br#"{"keyName":"seen","roleID":2}"#);
    assert_eq!(
        (
            client.sandbox.connections().tcp,
            client.sandbox.connections().tls
        ),
        (1, 1)
    );
    client.raw(&Request::bare(
        "DELETE",
        "/rest/authentication/logout?sID=none",
    ));
    assert_eq!(
        client.sandbox.requests()[2].query.as_deref(),
        Some("sID=none")
    );
}

//! Injected faults: the response that the client receives, and whether the manager has processed the request.

use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use serde_json::json;
use swp_keys::sandbox::{Action, Fault};

use super::client::{Client, Request};

const KEYS: &str = "/api/apikeys";

fn create(client: &Client) -> Request {
    client.signed(Request::new("POST", KEYS).json(&json!({"keyName": "k", "roleID": 2})))
}

#[test]
fn a_connection_is_closed_before_or_after_the_request_is_processed() {
    let mut client = Client::signed_in(|settings| settings.unknowns.duplicate_name = None);
    for (fault, keys) in [
        (Fault::new("POST", KEYS, Action::Drop), 0),
        (Fault::new("POST", KEYS, Action::Drop).after(), 1),
        (Fault::new("POST", KEYS, Action::Reset), 1),
        (Fault::new("POST", KEYS, Action::Reset).after(), 2),
    ] {
        client.sandbox.inject(fault.clone());
        let error = client.try_raw(&create(&client)).expect_err("no answer");
        let expected = if fault.action == Action::Reset {
            ErrorKind::ConnectionReset
        } else {
            ErrorKind::UnexpectedEof
        };
        assert_eq!(error.kind(), expected, "{fault:?}: {error}");
        assert_eq!(client.sandbox.api_keys().len(), keys, "{fault:?}");
        assert_eq!(
            client
                .sandbox
                .requests()
                .last()
                .and_then(|request| request.status),
            None
        );
    }
    client.create("after the faults", 2);
}

#[test]
fn a_body_is_truncated_after_a_number_of_bytes() {
    let mut client = Client::signed_in(|_| {});
    client.sandbox.inject(Fault::new("*", "*", Action::Cut(10)));
    client.sandbox.inject(Fault {
        method: None,
        ..Fault::new("", KEYS, Action::Cut(10))
    });
    let error = client.try_raw(&create(&client)).expect_err("a short body");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(client.sandbox.api_keys().len(), 1);
}

#[test]
fn a_response_is_delayed() {
    let mut client = Client::signed_in(|settings| settings.unknowns.duplicate_name = None);
    let delay = Duration::from_millis(80);
    for fault in [
        Fault::new("POST", KEYS, Action::Delay(delay)),
        Fault::new("POST", KEYS, Action::Delay(delay)).after(),
    ] {
        client.sandbox.inject(fault);
        let start = Instant::now();
        client.create("late", 2);
        assert!(start.elapsed() >= delay);
    }
}

#[test]
fn a_request_is_processed_although_the_client_has_closed() {
    let mut client = Client::signed_in(|_| {});
    client.sandbox.inject(Fault::new(
        "POST",
        KEYS,
        Action::Delay(Duration::from_millis(50)),
    ));
    let mut connection = super::client::Connection::open(&client.sandbox);
    connection.send_only(&create(&client)).expect("sent");
    let start = Instant::now();
    while client.sandbox.requests().len() < 2 && start.elapsed() < Duration::from_secs(10) {
        std::thread::yield_now();
    }
    drop(connection);
    while client.sandbox.api_keys().is_empty() && start.elapsed() < Duration::from_secs(10) {
        std::thread::yield_now();
    }
    assert_eq!(client.sandbox.api_keys().len(), 1);
    assert_eq!(client.get(KEYS).status, 200);
}

#[test]
fn any_response_is_sent_to_the_nth_and_later_requests() {
    let mut client = Client::signed_in(|_| {});
    client.sandbox.inject(
        Fault::new("GET", "/api/apikeys", Action::status(503, "Later."))
            .nth(2)
            .times(2),
    );
    let statuses: Vec<u16> = (0..5).map(|_| client.get(KEYS).status).collect();
    assert_eq!(statuses, [200, 503, 503, 200, 200]);
    let action = Action::Answer {
        status: 302,
        headers: vec![("Location".into(), "https://elsewhere.example/".into())],
        body: b"moved".to_vec(),
    };
    client
        .sandbox
        .inject(Fault::new("POST", KEYS, action).after());
    let answer = client.raw(&create(&client));
    assert_eq!(
        (answer.status, answer.header("location")),
        (302, Some("https://elsewhere.example/"))
    );
    assert_eq!(
        (answer.text().as_str(), client.sandbox.api_keys().len()),
        ("moved", 1)
    );
}

#[test]
fn faults_are_cleared() {
    let mut client = Client::signed_in(|_| {});
    client
        .sandbox
        .inject(Fault::new("GET", "*", Action::status(500, "x")).times(u32::MAX));
    assert_eq!(
        (client.get(KEYS).status, client.get("/api/roles").status),
        (500, 500)
    );
    client.sandbox.clear_faults();
    assert_eq!(client.get(KEYS).status, 200);
}

#[test]
fn raw_bytes_are_sent_unchanged() {
    let mut client = Client::signed_in(|_| {});
    client.sandbox.inject(Fault::new(
        "GET",
        KEYS,
        Action::Raw(b"SSH-2.0-not HTTP\r\n".to_vec()),
    ));
    let error = client
        .try_raw(&Request::new("GET", KEYS))
        .expect_err("no HTTP");
    assert!(error.to_string().contains("no status"), "{error}");
}

#[test]
fn a_stalled_body_keeps_the_connection_open() {
    let client = Client::signed_in(|_| {});
    client
        .sandbox
        .inject(Fault::new("GET", "/api/roles", Action::Stall(5)));
    let mut connection = super::client::Connection::open(&client.sandbox);
    connection
        .send_only(&client.signed(Request::new("GET", "/api/roles")))
        .expect("sent");
    let mut head = vec![0; 12];
    connection.read_exact(&mut head).expect("the head");
    assert_eq!(head, b"HTTP/1.1 200");
    connection.set_patience(Duration::from_millis(100));
    let mut rest = Vec::new();
    let error = connection.read_to_end(&mut rest).expect_err("no end");
    assert!(
        matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{error}"
    );
    assert!(
        rest.ends_with(b"\r\n\r\n{\"rol"),
        "{:?}",
        String::from_utf8_lossy(&rest)
    );
}

#[test]
fn a_request_is_processed_twice_or_late() {
    let mut client = Client::signed_in(|settings| settings.unknowns.duplicate_name = None);
    client
        .sandbox
        .inject(Fault::new("POST", KEYS, Action::Twice));
    let answer = client.raw(&create(&client));
    assert_eq!(
        (answer.status, answer.json()["ID"].clone()),
        (200, json!(2))
    );
    assert_eq!(client.sandbox.api_keys().len(), 2);
    let late = Action::Late(Duration::from_millis(100));
    client.sandbox.inject(Fault::new("POST", KEYS, late));
    let lost = super::client::Connection::open(&client.sandbox).send(&create(&client));
    assert!(lost.is_err());
    crate::support::wait_until("the late work", || client.sandbox.api_keys().len() == 3);
}

#[test]
fn two_responses_are_exchanged() {
    let client = Client::signed_in(|_| {});
    client
        .sandbox
        .inject(Fault::new("POST", KEYS, Action::Swap).times(2));
    let named = |name: &str| {
        let body = json!({"keyName": name, "roleID": 2});
        client.signed(Request::new("POST", KEYS).json(&body))
    };
    let requests = ["one", "other"].map(named);
    let answers = std::thread::scope(|scope| {
        let sending = requests.map(|request| {
            let sandbox = &client.sandbox;
            scope.spawn(move || super::client::Connection::open(sandbox).send(&request))
        });
        sending.map(|sending| sending.join().expect("no panic").expect("an answer"))
    });
    let names = answers.map(|answer| answer.json()["keyName"].clone());
    assert_eq!(names, [json!("other"), json!("one")]);
}

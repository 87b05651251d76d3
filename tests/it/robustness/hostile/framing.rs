//! Responses that are not HTTP/1.1, or contradict themselves.

use serde_json::json;

use super::case::{
    CREATE, CREATE_NAMED, CREATE_UNNAMED, Case, FIND, KEYS, PING, ROLES, SIGN_IN, SIGN_OUT, Stdout,
    run_all,
};
use super::manager::{answer, json_answer};

const BODY: &str = r#"{"roles":[{"ID":2,"name":"Auditor"}]}"#;

pub(super) fn found() -> Stdout {
    Stdout::Text("2\n".into())
}

/// A role search whose response has these headers and a list of roles.
fn roles(name: &str, headers: &str, exit: i32) -> Case {
    let response = format!("HTTP/1.1 200 OK\r\n{headers}\r\n{BODY}");
    Case::bytes(name, FIND, ROLES, response, exit)
}

#[test]
fn other_protocols() {
    run_all(vec![
        Case::bytes("HTTP/0.9 at the sign-in", FIND, SIGN_IN, BODY, 8),
        Case::bytes("HTTP/0.9 at the role search", FIND, ROLES, BODY, 8),
        Case::bytes("HTTP/0.9 at the create", CREATE_UNNAMED, CREATE, BODY, 8),
        Case::bytes(
            "the preface of HTTP/2",
            FIND,
            SIGN_IN,
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            8,
        ),
        Case::bytes(
            "frames of HTTP/2",
            FIND,
            ROLES,
            [0, 0, 0, 4, 0, 0, 0, 0, 0],
            8,
        ),
        Case::bytes(
            "an HTTP/2.0 status line",
            FIND,
            ROLES,
            format!("HTTP/2.0 200 OK\r\n\r\n{BODY}"),
            8,
        ),
        Case::bytes(
            "HTTP/9.9",
            FIND,
            ROLES,
            format!("HTTP/9.9 200 OK\r\n\r\n{BODY}"),
            8,
        ),
        Case::bytes(
            "a mail server",
            FIND,
            SIGN_IN,
            "220 mail.example.com ESMTP\r\n",
            8,
        ),
        Case::bytes("only NUL bytes", FIND, ROLES, [0; 4096], 8),
        Case::bytes(
            "HTTP/1.0",
            FIND,
            ROLES,
            format!("HTTP/1.0 200 OK\r\n\r\n{BODY}"),
            0,
        )
        .printing(found()),
        Case::bytes(
            "a different protocol at the sign-out",
            FIND,
            SIGN_OUT,
            "PRI * HTTP/2.0\r\n\r\n",
            0,
        )
        .printing(found()),
    ]);
}

fn statuses_without_a_body() -> Vec<Case> {
    vec![
        Case::bytes("204 at the sign-in", FIND, SIGN_IN, answer(204, "", b""), 1),
        Case::bytes(
            "204 at the role search",
            FIND,
            ROLES,
            "HTTP/1.1 204 No\r\n\r\n",
            1,
        ),
        Case::bytes(
            "204 at the key search",
            CREATE_NAMED,
            KEYS,
            "HTTP/1.1 204 No\r\n\r\n",
            1,
        ),
        Case::bytes(
            "204 at the create",
            CREATE_UNNAMED,
            CREATE,
            "HTTP/1.1 204 No\r\n\r\n",
            8,
        ),
        Case::bytes(
            "204 with a body",
            FIND,
            ROLES,
            format!(
                "HTTP/1.1 204 No\r\nContent-Length: {}\r\n\r\n{BODY}",
                BODY.len()
            ),
            1,
        ),
        Case::bytes(
            "205 with a body",
            FIND,
            ROLES,
            answer(205, "", BODY.as_bytes()),
            1,
        ),
    ]
}

fn unknown_statuses() -> Vec<Case> {
    let status = |line: &str| format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n");
    vec![
        Case::bytes(
            "101",
            FIND,
            ROLES,
            "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            1,
        )
        .reporting(&["HTTP 101"]),
        Case::bytes("000", FIND, ROLES, status("000 Zero"), 8),
        Case::bytes("999", FIND, SIGN_IN, status("999 More"), 4).reporting(&["HTTP 999"]),
        Case::bytes("2000", FIND, ROLES, status("2000 More"), 8),
        Case::bytes("no number", FIND, ROLES, status("OK OK"), 8),
    ]
}

fn statuses_of_a_proxy_or_a_start() -> Vec<Case> {
    vec![
        Case::bytes(
            "20 interim responses",
            FIND,
            ROLES,
            [
                b"HTTP/1.1 100 Continue\r\n\r\n".repeat(20),
                json_answer(&json!({"roles": [{"ID": 2, "name": "Auditor"}]})),
            ]
            .concat(),
            0,
        )
        .printing(found()),
        Case::bytes(
            "a 407 that requests proxy credentials",
            FIND,
            SIGN_IN,
            answer(407, "Proxy-Authenticate: Basic", b""),
            4,
        )
        .reporting(&["HTTP 407"]),
        Case::bytes(
            "a 401 that requests Negotiate",
            FIND,
            ROLES,
            answer(401, "WWW-Authenticate: Negotiate", b""),
            4,
        )
        .checking(|manager, _, _| {
            assert!(
                manager
                    .requests()
                    .iter()
                    .all(|one| one.header("authorization").is_empty())
            );
        }),
        Case::bytes(
            "a permanent 503 at the ping",
            FIND,
            PING,
            answer(503, "", b""),
            8,
        )
        .with(&["--wait", "1s"]),
    ]
}

#[test]
fn unusual_statuses() {
    run_all(
        [
            statuses_without_a_body(),
            unknown_statuses(),
            statuses_of_a_proxy_or_a_start(),
        ]
        .into_iter()
        .flatten(),
    );
}

#[test]
fn contradictory_lengths() {
    let length = BODY.len();
    let correct = format!("Content-Length: {length}\r\n");
    run_all(vec![
        roles("two lengths", &format!("{correct}Content-Length: 2\r\n"), 8),
        roles(
            "two lengths in one header",
            &format!("Content-Length: {length}, 2\r\n"),
            8,
        ),
        roles("the same length twice", &correct.repeat(2), 0).printing(found()),
        roles("a negative length", "Content-Length: -1\r\n", 8),
        roles(
            "a length with a plus sign",
            &format!("Content-Length: +{length}\r\n"),
            8,
        ),
        roles(
            "a length above 64 bits",
            "Content-Length: 99999999999999999999999\r\n",
            8,
        ),
        roles("a length that is too short", "Content-Length: 10\r\n", 1),
        roles(
            "a length and a chunked encoding",
            &format!("{correct}Transfer-Encoding: chunked\r\n"),
            8,
        ),
        roles(
            "chunked twice",
            "Transfer-Encoding: chunked, chunked\r\n",
            8,
        ),
        roles("a folded header", &format!("{correct}X-A: b\r\n c\r\n"), 8),
        roles(
            "a header without a colon",
            &format!("{correct}nonsense\r\n"),
            8,
        ),
        roles("NUL in a header", &format!("{correct}X-A: \0\r\n"), 8),
        roles(
            "a lone CR in a header",
            &format!("{correct}X-A: a\rSet-Cookie: sID=evil\r\n"),
            8,
        ),
    ]);
}

//! What is no HTTP/1.1, or two things at once.

use serde_json::json;

use super::case::{
    CREATE, Case, FIND, KEYS, MAKE, MAKE_ONE, PING, ROLES, SIGN_IN, SIGN_OUT, Stdout, judge,
};
use super::manager::{answer, json_answer};

const BODY: &str = r#"{"roles":[{"ID":2,"name":"Auditor"}]}"#;

pub(super) fn found() -> Stdout {
    Stdout::Text("2\n".into())
}

/// These headers, and a list of roles.
fn with(headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{headers}\r\n{BODY}").into_bytes()
}

#[test]
fn other_protocols() {
    let broke = &[][..];
    judge(vec![
        Case::bytes("HTTP/0.9 at the sign-in", FIND, SIGN_IN, BODY, 8, broke),
        Case::bytes("HTTP/0.9 of roles", FIND, ROLES, BODY, 8, broke),
        Case::bytes("HTTP/0.9 at the create", MAKE_ONE, CREATE, BODY, 8, &[]),
        Case::bytes(
            "the preface of HTTP/2",
            FIND,
            SIGN_IN,
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            8,
            broke,
        ),
        Case::bytes(
            "frames of HTTP/2",
            FIND,
            ROLES,
            [0, 0, 0, 4, 0, 0, 0, 0, 0],
            8,
            broke,
        ),
        Case::bytes(
            "HTTP/2.0 in words",
            FIND,
            ROLES,
            format!("HTTP/2.0 200 OK\r\n\r\n{BODY}"),
            8,
            broke,
        ),
        Case::bytes(
            "HTTP/9.9",
            FIND,
            ROLES,
            format!("HTTP/9.9 200 OK\r\n\r\n{BODY}"),
            8,
            broke,
        ),
        Case::bytes(
            "a mail server",
            FIND,
            SIGN_IN,
            "220 mail.example.com ESMTP\r\n",
            8,
            broke,
        ),
        Case::bytes("nothing but NUL", FIND, ROLES, [0; 4096], 8, broke),
        Case::bytes(
            "HTTP/1.0",
            FIND,
            ROLES,
            format!("HTTP/1.0 200 OK\r\n\r\n{BODY}"),
            0,
            &[],
        )
        .printing(found()),
        Case::bytes(
            "another protocol at the farewell",
            FIND,
            SIGN_OUT,
            "PRI * HTTP/2.0\r\n\r\n",
            0,
            &[],
        )
        .printing(found()),
    ]);
}

#[test]
fn statuses_that_there_are_not() {
    let status = |line: &str| format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n");
    let early = &[][..];
    judge(vec![
        Case::bytes(
            "204 at the sign-in",
            FIND,
            SIGN_IN,
            answer(204, "", b""),
            1,
            early,
        ),
        Case::bytes(
            "204 of roles",
            FIND,
            ROLES,
            "HTTP/1.1 204 No\r\n\r\n",
            1,
            early,
        ),
        Case::bytes(
            "204 of keys",
            MAKE,
            KEYS,
            "HTTP/1.1 204 No\r\n\r\n",
            1,
            early,
        ),
        Case::bytes(
            "204 at the create",
            MAKE_ONE,
            CREATE,
            "HTTP/1.1 204 No\r\n\r\n",
            8,
            &[],
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
            early,
        ),
        Case::bytes(
            "205 with a body",
            FIND,
            ROLES,
            answer(205, "", BODY.as_bytes()),
            1,
            &[],
        ),
        Case::bytes(
            "101",
            FIND,
            ROLES,
            "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            1,
            &["HTTP 101"],
        ),
        Case::bytes("000", FIND, ROLES, status("000 Zero"), 8, &[]),
        Case::bytes("999", FIND, SIGN_IN, status("999 More"), 4, &["HTTP 999"]),
        Case::bytes("2000", FIND, ROLES, status("2000 More"), 8, &[]),
        Case::bytes("no number", FIND, ROLES, status("OK OK"), 8, &[]),
        Case::bytes(
            "a few interim answers",
            FIND,
            ROLES,
            [
                b"HTTP/1.1 100 Continue\r\n\r\n".repeat(20),
                json_answer(&json!({"roles": [{"ID": 2, "name": "Auditor"}]})),
            ]
            .concat(),
            0,
            &[],
        )
        .printing(found()),
        Case::bytes(
            "a 407 that asks for a proxy's password",
            FIND,
            SIGN_IN,
            answer(407, "Proxy-Authenticate: Basic", b""),
            4,
            &["HTTP 407"],
        ),
        Case::bytes(
            "a 401 that asks for another password",
            FIND,
            ROLES,
            answer(401, "WWW-Authenticate: Negotiate", b""),
            4,
            &[],
        )
        .and(|manager, _, _| {
            assert!(
                manager
                    .seen()
                    .iter()
                    .all(|one| one.header("authorization").is_empty())
            );
        }),
        Case::bytes(
            "503 for ever at the probe",
            FIND,
            PING,
            answer(503, "", b""),
            8,
            &[],
        )
        .with(&["--wait", "1s"]),
    ]);
}

#[test]
fn lengths_that_contradict() {
    let length = BODY.len();
    let right = format!("Content-Length: {length}\r\n");
    let broke = &[][..];
    judge(vec![
        Case::bytes(
            "two lengths",
            FIND,
            ROLES,
            with(&format!("{right}Content-Length: 2\r\n")),
            8,
            broke,
        ),
        Case::bytes(
            "two lengths in one",
            FIND,
            ROLES,
            with(&format!("Content-Length: {length}, 2\r\n")),
            8,
            broke,
        ),
        Case::bytes(
            "the same length twice",
            FIND,
            ROLES,
            with(&right.repeat(2)),
            0,
            &[],
        )
        .printing(found()),
        Case::bytes(
            "less than nothing",
            FIND,
            ROLES,
            with("Content-Length: -1\r\n"),
            8,
            broke,
        ),
        Case::bytes(
            "with a plus",
            FIND,
            ROLES,
            with(&format!("Content-Length: +{length}\r\n")),
            8,
            broke,
        ),
        Case::bytes(
            "more than there is",
            FIND,
            ROLES,
            with("Content-Length: 99999999999999999999999\r\n"),
            8,
            broke,
        ),
        Case::bytes(
            "a length that is too short",
            FIND,
            ROLES,
            with("Content-Length: 10\r\n"),
            1,
            &[],
        ),
        Case::bytes(
            "a length and chunks that are none",
            FIND,
            ROLES,
            with(&format!("{right}Transfer-Encoding: chunked\r\n")),
            8,
            broke,
        ),
        Case::bytes(
            "chunks twice",
            FIND,
            ROLES,
            with("Transfer-Encoding: chunked, chunked\r\n"),
            8,
            broke,
        ),
        Case::bytes(
            "a header over two lines",
            FIND,
            ROLES,
            with(&format!("{right}X-A: b\r\n c\r\n")),
            8,
            broke,
        ),
        Case::bytes(
            "a header without a colon",
            FIND,
            ROLES,
            with(&format!("{right}nonsense\r\n")),
            8,
            broke,
        ),
        Case::bytes(
            "NUL in a header",
            FIND,
            ROLES,
            with(&format!("{right}X-A: \0\r\n")),
            8,
            broke,
        ),
        Case::bytes(
            "a lone CR in a header",
            FIND,
            ROLES,
            with(&format!("{right}X-A: a\rSet-Cookie: sID=evil\r\n")),
            8,
            broke,
        ),
    ]);
}

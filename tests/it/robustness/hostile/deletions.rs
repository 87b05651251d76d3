//! Deletions that did not happen: after a failed delivery, the key counts as deleted only if it is.

use serde_json::json;

use super::case::{CREATE_NAMED, Case, DELETE, run_all};
use super::manager::{answer, json_answer};

/// A run that deletes its key because the delivery fails. The manager sends the response `respond` at `route`.
fn rollback(name: &str, route: &'static str, respond: Vec<u8>, exit: i32) -> Case {
    Case::bytes(name, CREATE_NAMED, route, respond, exit).with(&["--deliver-cmd", "false"])
}

#[test]
fn a_deletion_is_verified() {
    let pending = &["swp-keys recover"][..];
    let there = json_answer(&json!({"ID": 8, "keyName": "ci", "roleID": 2}));
    run_all(vec![
        rollback(
            "200, but the key still exists",
            "GET /api/apikeys/8",
            there,
            11,
        )
        .reporting(pending),
        rollback(
            "200, and 403 to the check",
            "GET /api/apikeys/8",
            answer(403, "", b"{}"),
            10,
        ),
        rollback(
            "200, and an unreadable response to the check",
            "GET /api/apikeys/8",
            answer(200, "", b"nonsense"),
            10,
        ),
        rollback(
            "200, and a different key at the check",
            "GET /api/apikeys/8",
            json_answer(&json!({"ID": 9})),
            10,
        ),
        rollback("204", DELETE, b"HTTP/1.1 204 No\r\n\r\n".to_vec(), 10),
        rollback(
            "a web page",
            DELETE,
            answer(200, "Content-Type: text/html", b"<html>Sign in"),
            11,
        )
        .reporting(pending),
        rollback(
            "a redirect",
            DELETE,
            answer(302, "Location: https://evil.example.com/", b""),
            11,
        )
        .reporting(pending),
        rollback(
            "half of a response",
            DELETE,
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{".to_vec(),
            11,
        )
        .reporting(pending),
        rollback(
            "a 404 from the manager",
            DELETE,
            answer(404, "", br#"{"message":"no such key"}"#),
            10,
        ),
        rollback("403", DELETE, answer(403, "", br#"{"message":"no"}"#), 11).reporting(pending),
    ]);
}

//! Deletions that are none: a key whose secret nobody got is said to be gone only where it is.

use serde_json::json;

use super::case::{Case, DELETE, MAKE, judge};
use super::manager::{answer, json_answer};

/// A run whose secret cannot be delivered, so that its key is deleted again, and what the manager says to that.
fn undo(name: &str, route: &'static str, says: Vec<u8>, exit: i32, stderr: &[&str]) -> Case {
    Case::bytes(name, MAKE, route, says, exit, stderr).with(&["--deliver-cmd", "false"])
}

#[test]
fn a_deletion_is_verified() {
    let open = &["swp-keys recover"][..];
    let gone = &[][..];
    let there = json_answer(&json!({"ID": 8, "keyName": "ci", "roleID": 2}));
    judge(vec![
        undo(
            "200, and nothing was done",
            "GET /api/apikeys/8",
            there,
            11,
            open,
        ),
        undo(
            "200, and it may not be looked at",
            "GET /api/apikeys/8",
            answer(403, "", b"{}"),
            10,
            gone,
        ),
        undo(
            "200, and nonsense to the look",
            "GET /api/apikeys/8",
            answer(200, "", b"nonsense"),
            10,
            gone,
        ),
        undo(
            "200, and another key to the look",
            "GET /api/apikeys/8",
            json_answer(&json!({"ID": 9})),
            10,
            gone,
        ),
        undo("204", DELETE, b"HTTP/1.1 204 No\r\n\r\n".to_vec(), 10, gone),
        undo(
            "a page",
            DELETE,
            answer(200, "Content-Type: text/html", b"<html>Sign in"),
            11,
            open,
        ),
        undo(
            "a redirect",
            DELETE,
            answer(302, "Location: https://evil.example.com/", b""),
            11,
            open,
        ),
        undo(
            "half of an answer",
            DELETE,
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{".to_vec(),
            11,
            open,
        ),
        undo(
            "a 404 in the manager's form",
            DELETE,
            answer(404, "", br#"{"message":"no such key"}"#),
            10,
            gone,
        ),
        undo(
            "a refusal",
            DELETE,
            answer(403, "", br#"{"message":"no"}"#),
            11,
            open,
        ),
    ]);
}

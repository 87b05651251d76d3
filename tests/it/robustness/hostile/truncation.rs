//! Truncated responses: the run detects the truncation at every point.

use std::io::Write;

use serde_json::json;

use super::case::{CREATE, CREATE_UNNAMED, Case, FIND, ROLES, SIGN_IN, run_all};
use super::manager::{json_answer, session};
use crate::support::secrets::FRESH;

/// The positions within and after each part of a response: the status line, header names and values, every line, the body.
fn points(answer: &[u8]) -> Vec<usize> {
    let text = String::from_utf8_lossy(answer);
    let head = text.find("\r\n\r\n").expect("a head") + 4;
    let mut points = vec![0, 4, 12, head - 1];
    for (at, _) in text[..head].match_indices("\r\n").step_by(2) {
        points.extend([at + 1, at + 2, at + 6]);
    }
    points.extend([
        head,
        head + 1,
        usize::midpoint(head, answer.len()),
        answer.len() - 1,
    ]);
    points.sort_unstable();
    points.dedup();
    points
}

fn cuts(arguments: &'static [&'static str], route: &'static str, answer: &[u8]) -> Vec<Case> {
    let cut = |point| {
        let name = format!("{route} after {point} bytes");
        Case::bytes(name, arguments, route, &answer[..point], 8)
    };
    points(answer).into_iter().map(cut).collect()
}

#[test]
fn at_the_sign_in() {
    run_all(cuts(FIND, SIGN_IN, &session()));
}

#[test]
fn of_a_list() {
    let roles = json_answer(&json!({"roles": [{"ID": 2, "name": "Auditor"}]}));
    run_all(cuts(FIND, ROLES, &roles));
}

#[test]
fn of_a_create() {
    let key = json_answer(&json!({"ID": 8, "keyName": "ci", "secretKey": FRESH}));
    run_all(cuts(CREATE_UNNAMED, CREATE, &key));
}

/// If a body has no length, only TLS closure proves that it is complete. An attacker on the network can end the TCP connection.
#[test]
fn an_end_of_the_connection_without_tls_closure_is_an_error() {
    let body = r#"{"roles":[{"ID":2,"name":"Auditor"}]}"#;
    let cut = move |to: &mut dyn Write| {
        to.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        to.write_all(body.as_bytes())?;
        to.flush()?;
        Err(super::manager::without_tls_closure())
    };
    run_all(vec![Case::new("no close_notify", FIND, ROLES, cut, 8)]);
}

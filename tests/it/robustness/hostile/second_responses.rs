//! Answers within answers: smuggled behind another, or compressed.

use serde_json::json;

use super::case::{Case, FIND, KEYS, LIST, MAKE, ROLES, SIGN_IN, Stdout, judge};
use super::framing::found;
use super::manager::{answer, json_answer, kept_open, session};

/// An answer to a question that was not asked yet is not taken for the answer to the next one.
#[test]
fn second_answers_are_not_listened_to() {
    let smuggled = json_answer(&json!({"roles": [{"ID": 666, "name": "Auditor"}]}));
    let no_key = json_answer(&json!({"apiKeys": []}));
    let after = |first: Vec<u8>, second: &[u8]| [kept_open(first), second.to_vec()].concat();
    let roles = json_answer(&json!({"roles": [{"ID": 2, "name": "Auditor"}]}));
    let key =
        json_answer(&json!({"ID": 66, "keyName": "ci", "roleID": 2, "secretKey": "66:ZXZpbA=="}));
    judge(vec![
        Case::bytes(
            "after the sign-in",
            FIND,
            SIGN_IN,
            after(session(), &smuggled),
            0,
            &[],
        )
        .printing(found()),
        Case::bytes(
            "after the roles",
            &["create", "--role", "Auditor"],
            ROLES,
            after(roles, &key),
            0,
            &[],
        )
        .printing(Stdout::Fresh),
        Case::bytes("after the keys", MAKE, KEYS, after(no_key, &key), 0, &[])
            .printing(Stdout::Fresh),
    ]);
}

#[test]
fn what_is_compressed_is_not_opened() {
    // 10 MiB of blanks, as gzip writes them: 10 KB that would be a thousand times as many.
    let mut bomb = b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec();
    bomb.extend([
        0xed, 0xc1, 0x01, 0x01, 0, 0, 0, 0x80, 0x90, 0xfe, 0xaf, 0xee,
    ]);
    bomb.resize(10_240, 0);
    let mut cases = Vec::new();
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let headers = format!("Content-Type: application/json\r\nContent-Encoding: {coding}");
        cases.push(
            Case::bytes(
                coding,
                LIST,
                ROLES,
                answer(200, &headers, &bomb),
                1,
                &["JSON"],
            )
            .and(|manager, _, _| {
                for request in manager.seen() {
                    assert_eq!(request.header("accept-encoding"), "");
                    assert_eq!(request.header("te"), "");
                }
            }),
        );
    }
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    cases.push(Case::bytes(
        "gzip for the way",
        FIND,
        ROLES,
        chunked,
        3,
        &[],
    ));
    judge(cases);
}

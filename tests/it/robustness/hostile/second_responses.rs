//! Responses that follow another response without a request, and compressed responses.

use serde_json::json;

use super::case::{CREATE_NAMED, Case, FIND, KEYS, LIST, ROLES, SIGN_IN, Stdout, run_all};
use super::framing::found;
use super::manager::{answer, json_answer, session, without_close};

/// A response that arrives before its request is discarded.
#[test]
fn early_responses_are_discarded() {
    let smuggled = json_answer(&json!({"roles": [{"ID": 666, "name": "Auditor"}]}));
    let no_key = json_answer(&json!({"apiKeys": []}));
    let after = |first: Vec<u8>, second: &[u8]| [without_close(first), second.to_vec()].concat();
    let roles = json_answer(&json!({"roles": [{"ID": 2, "name": "Auditor"}]}));
    let key =
        json_answer(&json!({"ID": 66, "keyName": "ci", "roleID": 2, "secretKey": "66:ZXZpbA=="}));
    run_all(vec![
        Case::bytes(
            "after the sign-in",
            FIND,
            SIGN_IN,
            after(session(), &smuggled),
            0,
        )
        .printing(found()),
        Case::bytes(
            "after the roles",
            &["create", "--role", "Auditor"],
            ROLES,
            after(roles, &key),
            0,
        )
        .printing(Stdout::Secret),
        Case::bytes("after the keys", CREATE_NAMED, KEYS, after(no_key, &key), 0)
            .printing(Stdout::Secret),
    ]);
}

#[test]
fn compressed_bodies_are_not_decompressed() {
    // 10 MiB of spaces, compressed by gzip to 10 KB.
    let mut bomb = b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec();
    bomb.extend([
        0xed, 0xc1, 0x01, 0x01, 0, 0, 0, 0x80, 0x90, 0xfe, 0xaf, 0xee,
    ]);
    bomb.resize(10_240, 0);
    let mut cases = Vec::new();
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let headers = format!("Content-Type: application/json\r\nContent-Encoding: {coding}");
        cases.push(
            Case::bytes(coding, LIST, ROLES, answer(200, &headers, &bomb), 1)
                .reporting(&["JSON"])
                .checking(|manager, _, _| {
                    for request in manager.requests() {
                        assert_eq!(request.header("accept-encoding"), "");
                        assert_eq!(request.header("te"), "");
                    }
                }),
        );
    }
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    cases.push(Case::bytes(
        "gzip as a transfer coding",
        FIND,
        ROLES,
        chunked,
        3,
    ));
    run_all(cases);
}

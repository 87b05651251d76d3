//! Malformed and ambiguous JSON.

use super::case::{
    CREATE, CREATE_NAMED, CREATE_UNNAMED, Case, FIND, KEYS, LIST, ROLES, SIGN_IN, Stdout, run_all,
};
use super::manager::answer;

const KEY: &str = "GET /api/apikeys/8";
const SHOW: &[&str] = &["show-key", "8"];

fn deep(begin: &str, open: &str, close: &str, end: &str) -> String {
    [begin, &open.repeat(100_000), &close.repeat(100_000), end].concat()
}

fn nested_successes() -> Vec<Case> {
    let (lists, objects) = (deep("", "[", "]", ""), deep("", r#"{"a":"#, "}", "1"));
    let open = "[".repeat(200_000);
    vec![
        Case::body("in place of a session", FIND, SIGN_IN, &lists, 1),
        Case::body(
            "beside a session",
            FIND,
            SIGN_IN,
            deep(r#"{"x":"#, "[", "]", r#","RID":5}"#),
            1,
        ),
        Case::body("in place of roles", FIND, ROLES, &lists, 1),
        Case::body("objects in place of roles", FIND, ROLES, &objects, 1),
        Case::body(
            "in a role",
            LIST,
            ROLES,
            deep(
                r#"{"roles":[{"ID":2,"name":"Auditor","x":"#,
                "[",
                "]",
                "}]}",
            ),
            1,
        )
        .with(&["-o", "json"]),
        Case::body(
            "in a key",
            SHOW,
            KEY,
            deep(r#"{"ID":8,"x":"#, "[", "]", "}"),
            1,
        ),
        Case::body(
            "in place of a created key",
            CREATE_UNNAMED,
            CREATE,
            &lists,
            8,
        ),
        Case::body("lists that are not closed", FIND, ROLES, &open, 1),
    ]
}

fn nested_errors() -> Vec<Case> {
    vec![
        Case::bytes(
            "in an error",
            FIND,
            ROLES,
            answer(403, "", deep(r#"{"message":"#, "[", "]", "}").as_bytes()),
            5,
        ),
        Case::bytes(
            "nested error objects",
            FIND,
            SIGN_IN,
            answer(
                401,
                "",
                deep("", r#"{"error":"#, "}", "")
                    .replace(":}", ":1}")
                    .as_bytes(),
            ),
            4,
        ),
    ]
}

#[test]
fn very_deep_nesting() {
    run_all([nested_successes(), nested_errors()].into_iter().flatten());
}

fn role(fields: &str) -> String {
    format!(r#"{{"roles":[{{{fields}}}]}}"#)
}

#[test]
fn invalid_ids() {
    let mut cases = Vec::new();
    for id in [
        "1e30",
        "99999999999999999999",
        "-2",
        "0",
        "2.5",
        "2.0",
        r#""2""#,
        "true",
        "null",
        "[2]",
        "{}",
        "1e999",
        "0x2",
        "02",
        "+2",
        "NaN",
    ] {
        cases.push(Case::body(
            format!("the role {id}"),
            FIND,
            ROLES,
            role(&format!(r#""ID":{id},"name":"Auditor""#)),
            1,
        ));
    }
    for id in ["1e30", "-8", "8.5", r#""8""#, "9"] {
        let output = format!(r#"{{"ID":{id},"keyName":"ci"}}"#);
        cases.push(Case::body(format!("the key {id}"), SHOW, KEY, output, 1).reporting(&["ID"]));
    }
    for id in ["1e30", "-8", "8.5", "0"] {
        let created = format!(
            r#"{{"ID":{id},"keyName":"ci","secretKey":"{}"}}"#,
            crate::support::secrets::FRESH
        );
        cases.push(Case::body(
            format!("the new key {id}"),
            CREATE_UNNAMED,
            CREATE,
            created,
            8,
        ));
    }
    let largest = role(&format!(r#""ID":{},"name":"Auditor""#, i64::MAX));
    cases.push(
        Case::body("the largest ID", FIND, ROLES, largest, 0)
            .printing(Stdout::Text(format!("{}\n", i64::MAX))),
    );
    run_all(cases);
}

fn duplicate_fields() -> Vec<Case> {
    vec![
        Case::body(
            "two lists",
            FIND,
            ROLES,
            r#"{"roles":[],"roles":[{"ID":2,"name":"Auditor"}]}"#,
            1,
        ),
        Case::body(
            "two IDs",
            FIND,
            ROLES,
            role(r#""ID":1,"ID":2,"name":"Auditor""#),
            1,
        ),
        Case::body(
            "two names",
            FIND,
            ROLES,
            role(r#""ID":2,"name":"Full Access","name":"Auditor""#),
            1,
        ),
        Case::body(
            "two names of a key",
            SHOW,
            KEY,
            r#"{"ID":8,"keyName":"a","keyName":"b"}"#,
            1,
        ),
        Case::body(
            "two roles of a key",
            SHOW,
            KEY,
            r#"{"ID":8,"roleID":1,"roleID":2}"#,
            1,
        ),
        Case::body(
            "two secrets",
            CREATE_UNNAMED,
            CREATE,
            format!(
                r#"{{"ID":8,"secretKey":"1:a","secretKey":"{}"}}"#,
                crate::support::secrets::FRESH
            ),
            8,
        ),
    ]
}

fn unused_fields() -> Vec<Case> {
    vec![
        Case::body(
            "an unused field",
            FIND,
            ROLES,
            role(r#""ID":2,"name":"Auditor","x":1,"x":2"#),
            0,
        )
        .printing(Stdout::Text("2\n".into())),
        Case::body(
            "a `meta` field",
            FIND,
            ROLES,
            role(r#""ID":2,"name":"Auditor","meta":{"manager":"https://evil"}"#),
            0,
        )
        .with(&["-o", "json"])
        .printing(Stdout::Any)
        .checking(|_, stdout, _| assert!(!stdout.contains("evil"), "{stdout}")),
    ]
}

#[test]
fn repeated_fields() {
    run_all([duplicate_fields(), unused_fields()].into_iter().flatten());
}

fn invalid_strings() -> Vec<Case> {
    let broken = |bytes: &[u8]| {
        [
            &br#"{"roles":[{"ID":2,"name":"Auditor"#[..],
            bytes,
            br#""}]}"#,
        ]
        .concat()
    };
    vec![
        Case::body(
            "bytes that are not UTF-8",
            FIND,
            ROLES,
            broken(b"\xff\xfe"),
            1,
        ),
        Case::body("an overlong slash", FIND, ROLES, broken(b"\xc0\xaf"), 1),
        Case::body(
            "an encoded surrogate",
            FIND,
            ROLES,
            broken(b"\xed\xa0\x80"),
            1,
        ),
        Case::body(
            "an escaped lone surrogate",
            FIND,
            ROLES,
            broken(br"\ud800"),
            1,
        ),
        Case::body("NUL", FIND, ROLES, broken(b"\0"), 1),
        Case::body("a line break in a string", FIND, ROLES, broken(b"\n"), 1),
        Case::body(
            "a lone surrogate in an unused field",
            LIST,
            ROLES,
            role("\"ID\":2,\"name\":\"Auditor\",\"x\":\"\u{e9}\"").replace('é', "\\udfff"),
            1,
        ),
        Case::body(
            "a number out of range",
            LIST,
            ROLES,
            role(r#""ID":2,"name":"Auditor","x":1e999"#),
            1,
        ),
    ]
}

fn no_single_document() -> Vec<Case> {
    let utf16: Vec<u8> = "\u{feff}{}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    vec![
        Case::body("UTF-16", FIND, ROLES, &utf16, 1),
        Case::body(
            "a byte order mark",
            FIND,
            ROLES,
            format!("\u{feff}{}", role(r#""ID":2,"name":"Auditor""#)),
            1,
        ),
        Case::body(
            "two documents",
            FIND,
            ROLES,
            r#"{"roles":[]}{"roles":[{"ID":2,"name":"Auditor"}]}"#,
            1,
        ),
        Case::body("JavaScript", FIND, SIGN_IN, "callback({})", 1).reporting(&["JSON"]),
        Case::body("an empty body", FIND, SIGN_IN, "", 1),
        Case::body("null", CREATE_NAMED, KEYS, "null", 1),
        Case::body("an object without `apiKeys`", CREATE_NAMED, KEYS, "{}", 1)
            .reporting(&["apiKeys"]),
    ]
}

fn error_in_invalid_utf8() -> Vec<Case> {
    vec![Case::bytes(
        "an error that is not UTF-8",
        FIND,
        SIGN_IN,
        answer(401, "", b"\xff\xfe\x00no"),
        4,
    )]
}

fn media_types() -> Vec<Case> {
    let media = |kind: &str| {
        answer(
            200,
            &format!("Content-Type: {kind}"),
            role(r#""ID":2,"name":"Auditor""#).as_bytes(),
        )
    };
    let found = || Stdout::Text("2\n".into());
    vec![
        Case::bytes("as plain text", FIND, ROLES, media("text/plain"), 0).printing(found()),
        Case::bytes(
            "as a byte stream",
            FIND,
            ROLES,
            media("application/octet-stream"),
            0,
        )
        .printing(found()),
        Case::bytes("as a web page", FIND, ROLES, media("text/html"), 1),
        Case::bytes(
            "as an image",
            FIND,
            ROLES,
            answer(200, "Content-Type: image/png", b"\x89PNG\r\n\x1a\n"),
            1,
        )
        .reporting(&["JSON"]),
    ]
}

#[test]
fn invalid_text() {
    run_all(
        [
            invalid_strings(),
            no_single_document(),
            error_in_invalid_utf8(),
            media_types(),
        ]
        .into_iter()
        .flatten(),
    );
}

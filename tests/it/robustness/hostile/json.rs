//! JSON that is none, or more than one thing.

use super::case::{CREATE, Case, FIND, KEYS, LIST, MAKE, MAKE_ONE, ROLES, SIGN_IN, Stdout, judge};
use super::manager::answer;

const KEY: &str = "GET /api/apikeys/8";
const SHOW: &[&str] = &["show-key", "8"];

fn deep(begin: &str, open: &str, close: &str, end: &str) -> String {
    [begin, &open.repeat(100_000), &close.repeat(100_000), end].concat()
}

#[test]
fn depth_without_end() {
    let (lists, objects) = (deep("", "[", "]", ""), deep("", r#"{"a":"#, "}", "1"));
    let contract = &[][..];
    let open = "[".repeat(200_000);
    judge(vec![
        Case::body("instead of a session", FIND, SIGN_IN, &lists, 1, contract),
        Case::body(
            "beside a session",
            FIND,
            SIGN_IN,
            deep(r#"{"x":"#, "[", "]", r#","RID":5}"#),
            1,
            contract,
        ),
        Case::body("instead of roles", FIND, ROLES, &lists, 1, contract),
        Case::body(
            "objects instead of roles",
            FIND,
            ROLES,
            &objects,
            1,
            contract,
        ),
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
            contract,
        )
        .with(&["-o", "json"]),
        Case::body(
            "in a key",
            SHOW,
            KEY,
            deep(r#"{"ID":8,"x":"#, "[", "]", "}"),
            1,
            contract,
        ),
        Case::body("instead of a new key", MAKE_ONE, CREATE, &lists, 8, &[]),
        Case::body("without end", FIND, ROLES, &open, 1, &[]),
        Case::bytes(
            "in an error",
            FIND,
            ROLES,
            answer(403, "", deep(r#"{"message":"#, "[", "]", "}").as_bytes()),
            5,
            &[],
        ),
        Case::bytes(
            "errors in an error",
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
            &[],
        ),
    ]);
}

fn role(fields: &str) -> String {
    format!(r#"{{"roles":[{{{fields}}}]}}"#)
}

#[test]
fn ids_that_there_are_not() {
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
            &[],
        ));
    }
    for id in ["1e30", "-8", "8.5", r#""8""#, "9"] {
        let shown = format!(r#"{{"ID":{id},"keyName":"ci"}}"#);
        cases.push(Case::body(
            format!("the key {id}"),
            SHOW,
            KEY,
            shown,
            1,
            &["ID"],
        ));
    }
    for id in ["1e30", "-8", "8.5", "0"] {
        let created = format!(
            r#"{{"ID":{id},"keyName":"ci","secretKey":"{}"}}"#,
            crate::support::secrets::FRESH
        );
        cases.push(Case::body(
            format!("the new key {id}"),
            MAKE_ONE,
            CREATE,
            created,
            8,
            &[],
        ));
    }
    let largest = role(&format!(r#""ID":{},"name":"Auditor""#, i64::MAX));
    cases.push(
        Case::body("the largest there is", FIND, ROLES, largest, 0, &[])
            .printing(Stdout::Text(format!("{}\n", i64::MAX))),
    );
    judge(cases);
}

#[test]
fn fields_that_come_twice() {
    let contract = &[][..];
    judge(vec![
        Case::body(
            "two lists",
            FIND,
            ROLES,
            r#"{"roles":[],"roles":[{"ID":2,"name":"Auditor"}]}"#,
            1,
            contract,
        ),
        Case::body(
            "two IDs",
            FIND,
            ROLES,
            role(r#""ID":1,"ID":2,"name":"Auditor""#),
            1,
            contract,
        ),
        Case::body(
            "two names",
            FIND,
            ROLES,
            role(r#""ID":2,"name":"Full Access","name":"Auditor""#),
            1,
            contract,
        ),
        Case::body(
            "two names of a key",
            SHOW,
            KEY,
            r#"{"ID":8,"keyName":"a","keyName":"b"}"#,
            1,
            contract,
        ),
        Case::body(
            "two roles of a key",
            SHOW,
            KEY,
            r#"{"ID":8,"roleID":1,"roleID":2}"#,
            1,
            contract,
        ),
        Case::body(
            "two secrets",
            MAKE_ONE,
            CREATE,
            format!(
                r#"{{"ID":8,"secretKey":"1:a","secretKey":"{}"}}"#,
                crate::support::secrets::FRESH
            ),
            8,
            &[],
        ),
        Case::body(
            "one that nobody needs",
            FIND,
            ROLES,
            role(r#""ID":2,"name":"Auditor","x":1,"x":2"#),
            0,
            &[],
        )
        .printing(Stdout::Text("2\n".into())),
        Case::body(
            "a meta of the manager's",
            FIND,
            ROLES,
            role(r#""ID":2,"name":"Auditor","meta":{"manager":"https://evil"}"#),
            0,
            &[],
        )
        .with(&["-o", "json"])
        .printing(Stdout::Something)
        .and(|_, stdout, _| assert!(!stdout.contains("evil"), "{stdout}")),
    ]);
}

#[test]
fn invalid_text() {
    let broken = |bytes: &[u8]| {
        [
            &br#"{"roles":[{"ID":2,"name":"Auditor"#[..],
            bytes,
            br#""}]}"#,
        ]
        .concat()
    };
    let media = |kind: &str| {
        answer(
            200,
            &format!("Content-Type: {kind}"),
            role(r#""ID":2,"name":"Auditor""#).as_bytes(),
        )
    };
    let utf16: Vec<u8> = "\u{feff}{}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let found = || Stdout::Text("2\n".into());
    let answers = &[][..];
    judge(vec![
        Case::body(
            "bytes that are no UTF-8",
            FIND,
            ROLES,
            broken(b"\xff\xfe"),
            1,
            answers,
        ),
        Case::body(
            "an overlong slash",
            FIND,
            ROLES,
            broken(b"\xc0\xaf"),
            1,
            answers,
        ),
        Case::body(
            "a surrogate",
            FIND,
            ROLES,
            broken(b"\xed\xa0\x80"),
            1,
            answers,
        ),
        Case::body(
            "half of a surrogate",
            FIND,
            ROLES,
            broken(br"\ud800"),
            1,
            answers,
        ),
        Case::body("NUL", FIND, ROLES, broken(b"\0"), 1, answers),
        Case::body(
            "a line break in a string",
            FIND,
            ROLES,
            broken(b"\n"),
            1,
            answers,
        ),
        Case::body(
            "no UTF-8 in what nobody needs",
            LIST,
            ROLES,
            role("\"ID\":2,\"name\":\"Auditor\",\"x\":\"\u{e9}\"").replace('é', "\\udfff"),
            1,
            answers,
        ),
        Case::body(
            "a number that there is not",
            LIST,
            ROLES,
            role(r#""ID":2,"name":"Auditor","x":1e999"#),
            1,
            answers,
        ),
        Case::body("UTF-16", FIND, ROLES, &utf16, 1, answers),
        Case::body(
            "a mark of byte order",
            FIND,
            ROLES,
            format!("\u{feff}{}", role(r#""ID":2,"name":"Auditor""#)),
            1,
            answers,
        ),
        Case::body(
            "two documents",
            FIND,
            ROLES,
            r#"{"roles":[]}{"roles":[{"ID":2,"name":"Auditor"}]}"#,
            1,
            answers,
        ),
        Case::body("JavaScript", FIND, SIGN_IN, "callback({})", 1, &["JSON"]),
        Case::body("nothing", FIND, SIGN_IN, "", 1, &[]),
        Case::body("null", MAKE, KEYS, "null", 1, answers),
        Case::body("no list of keys", MAKE, KEYS, "{}", 1, &["apiKeys"]),
        Case::bytes(
            "no UTF-8 in an error",
            FIND,
            SIGN_IN,
            answer(401, "", b"\xff\xfe\x00no"),
            4,
            &[],
        ),
        Case::bytes("as text", FIND, ROLES, media("text/plain"), 0, &[]).printing(found()),
        Case::bytes(
            "as anything",
            FIND,
            ROLES,
            media("application/octet-stream"),
            0,
            &[],
        )
        .printing(found()),
        Case::bytes("as a page", FIND, ROLES, media("text/html"), 1, &[]),
        Case::bytes(
            "as a picture",
            FIND,
            ROLES,
            answer(200, "Content-Type: image/png", b"\x89PNG\r\n\x1a\n"),
            1,
            &["JSON"],
        ),
    ]);
}

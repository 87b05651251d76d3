//! Cookies and request IDs of a session: too many, missing, or with line breaks.

use serde_json::json;

use super::case::{Case, FIND, ROLES, SIGN_IN, Stdout, run_all};
use super::manager::{Request, answer};
use crate::support::secrets::{RID, SID};
use crate::support::{END_SESSION, LEGACY_LOGOUT};

fn session(cookies: &[&str], body: &str) -> Vec<u8> {
    let cookies: Vec<_> = cookies
        .iter()
        .map(|cookie| format!("Set-Cookie: {cookie}"))
        .collect();
    let headers = format!("Content-Type: application/json\r\n{}", cookies.join("\r\n"));
    answer(200, headers.trim_end(), body.as_bytes())
}

fn rid(value: &str) -> String {
    json!({"RID": value}).to_string()
}

/// A sign-in that succeeds: later requests send the cookies `sent`.
fn accepted(name: &str, cookies: &[&str], sent: &'static str) -> Case {
    Case::bytes(name, FIND, SIGN_IN, session(cookies, &rid(RID)), 0)
        .printing(Stdout::Text("2\n".into()))
        .checking(move |manager, _, _| {
            let requests = manager.requests();
            let search = requests
                .iter()
                .find(|one| one.route == ROLES)
                .expect("a search");
            assert_eq!(search.header("cookie"), sent.replace("SID", SID));
            assert_eq!(search.header("rid"), RID);
        })
}

/// A sign-in that fails because the response has no usable session.
fn rejected(name: &str, cookies: &[&str], body: &str) -> Case {
    Case::bytes(name, FIND, SIGN_IN, session(cookies, body), 1).checking(|manager, _, _| {
        // A session that the manager created is ended. It is not used for any other request.
        let requests = manager.requests();
        let ends = |one: &Request| one.route == END_SESSION || one.route == LEGACY_LOGOUT;
        let with_session = |one: &Request| one.header("cookie").contains("sID=");
        assert!(requests[1..].iter().all(ends), "the run continued");
        assert!(requests[1..].iter().all(with_session));
    })
}

fn accepted_cookies() -> Vec<Case> {
    let session = format!("sID={SID}; Path=/; Secure");
    let session = session.as_str();
    vec![
        accepted(
            "several of the same name",
            &["sID=one", "sID=two", session],
            "sID=SID",
        ),
        accepted(
            "an additional cookie",
            &["AWSALB=node7; Path=/", session],
            "AWSALB=node7; sID=SID",
        ),
        accepted(
            "a cookie for a different host",
            &[&format!("sID={SID}; Domain=evil.example.com")],
            "sID=SID",
        ),
        accepted(
            "an expired cookie",
            &[&format!("sID={SID}; Max-Age=0")],
            "sID=SID",
        ),
        accepted(
            "the name in lower case",
            &["sid=evil", session],
            "sid=evil; sID=SID",
        ),
        accepted(
            "two cookies in one header",
            &[&format!("sID={SID}; sID=evil")],
            "sID=SID",
        ),
    ]
}

fn missing_cookies() -> Vec<Case> {
    let missing = &["sID"][..];
    vec![
        rejected("no cookie", &[], &rid(RID)).reporting(missing),
        rejected("an unrelated cookie only", &["JSESSIONID=1"], &rid(RID)).reporting(missing),
        rejected("an empty value", &["sID=; Path=/"], &rid(RID)).reporting(missing),
        rejected("no value", &["sID"], &rid(RID)).reporting(missing),
        rejected(
            "a value that is not ASCII",
            &["sID=\u{e9}\u{e9}"],
            &rid(RID),
        )
        .reporting(missing),
        rejected("no cookie and no request ID", &[], "{}").reporting(&["sID", "RID"]),
    ]
}

fn unreadable_cookies() -> Vec<Case> {
    vec![
        Case::bytes(
            "a hundred cookies",
            FIND,
            SIGN_IN,
            session(&["sID=a"; 100], &rid(RID)),
            8,
        ),
        Case::bytes(
            "a control character",
            FIND,
            SIGN_IN,
            session(&["sID=a\u{1}b"], &rid(RID)),
            8,
        ),
    ]
}

fn quoted_cookies() -> Vec<Case> {
    let missing = &["sID"][..];
    vec![
        accepted(
            "a quoted value",
            &[&format!("sID=\"{SID}\"; Path=/")],
            r#"sID="SID""#,
        ),
        accepted(
            "a quoted semicolon",
            &[r#"sID="a;b" ; Path=/"#],
            r#"sID="a;b""#,
        ),
        rejected("an empty quoted value", &[r#"sID=""; Path=/"#], &rid(RID)).reporting(missing),
        accepted("a lone line feed", &["sID=a\nX-Evil: 1"], "sID=a"),
    ]
}

#[test]
fn malformed_cookies() {
    run_all(
        [
            accepted_cookies(),
            missing_cookies(),
            unreadable_cookies(),
            quoted_cookies(),
        ]
        .into_iter()
        .flatten(),
    );
}

#[test]
fn malformed_request_ids() {
    let session = format!("sID={SID}");
    let cookie: &[&str] = &[&session];
    let missing = &["RID"][..];
    run_all(vec![
        rejected("a line break", cookie, &rid("77\r\nX-Evil: 1")),
        rejected("a line feed", cookie, &rid("77\nX-Evil: 1")),
        rejected("NUL", cookie, &rid("77\0")),
        rejected("an escape sequence", cookie, &rid("\x1b]52;c;aGk=\x07")),
        rejected("empty", cookie, &rid("")).reporting(missing),
        rejected("missing", cookie, r#"{"rid":"77"}"#).reporting(missing),
        rejected("null", cookie, r#"{"RID":null}"#).reporting(missing),
        rejected("a number", cookie, r#"{"RID":77}"#).reporting(missing),
        rejected("a list", cookie, r#"{"RID":["77"]}"#).reporting(missing),
        rejected("twice", cookie, r#"{"RID":"77","RID":"78"}"#),
        rejected("a list instead of an object", cookie, r#"["77"]"#),
        rejected("an escaped lone surrogate", cookie, r#"{"RID":"\ud800"}"#),
        rejected("nothing but NUL", cookie, "\0\0\0\0").reporting(&["JSON"]),
    ]);
}

//! Sessions: cookies and request IDs that are many, missing, or more than one line.

use serde_json::json;

use super::case::{Case, FIND, ROLES, SIGN_IN, Stdout, judge};
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

/// A session that is used, with these cookies sent.
fn used(name: &str, cookies: &[&str], sent: &'static str) -> Case {
    Case::bytes(name, FIND, SIGN_IN, session(cookies, &rid(RID)), 0, &[])
        .printing(Stdout::Text("2\n".into()))
        .and(move |manager, _, _| {
            let seen = manager.seen();
            let search = seen
                .iter()
                .find(|one| one.route == ROLES)
                .expect("a search");
            assert_eq!(search.header("cookie"), sent.replace("SID", SID));
            assert_eq!(search.header("rid"), RID);
        })
}

/// A session that is none.
fn none(name: &str, cookies: &[&str], body: &str, stderr: &[&str]) -> Case {
    Case::bytes(name, FIND, SIGN_IN, session(cookies, body), 1, stderr).and(|manager, _, _| {
        // A session that has begun is ended with its cookie, and is not used for anything else.
        let seen = manager.seen();
        let ends = |one: &Request| one.route == END_SESSION || one.route == LEGACY_LOGOUT;
        let with_session = |one: &Request| one.header("cookie").contains("sID=");
        assert!(seen[1..].iter().all(ends), "it went on");
        assert!(seen[1..].iter().all(with_session));
    })
}

#[test]
fn cookies_of_all_kinds() {
    let ours = format!("sID={SID}; Path=/; Secure");
    let ours = ours.as_str();
    let lacks = &["sID"][..];
    judge(vec![
        used("many of one name", &["sID=one", "sID=two", ours], "sID=SID"),
        used(
            "another beside it",
            &["AWSALB=node7; Path=/", ours],
            "AWSALB=node7; sID=SID",
        ),
        used(
            "one for another host",
            &[&format!("sID={SID}; Domain=evil.example.com")],
            "sID=SID",
        ),
        used(
            "one that is over",
            &[&format!("sID={SID}; Max-Age=0")],
            "sID=SID",
        ),
        used(
            "another one in other letters",
            &["sid=evil", ours],
            "sid=evil; sID=SID",
        ),
        used(
            "one that tries to be two",
            &[&format!("sID={SID}; sID=evil")],
            "sID=SID",
        ),
        none("none", &[], &rid(RID), lacks),
        none("another one only", &["JSESSIONID=1"], &rid(RID), lacks),
        none("an empty one", &["sID=; Path=/"], &rid(RID), lacks),
        none("one without a value", &["sID"], &rid(RID), lacks),
        none(
            "letters beyond ASCII",
            &["sID=\u{e9}\u{e9}"],
            &rid(RID),
            lacks,
        ),
        none("neither", &[], "{}", &["sID", "RID"]),
        Case::bytes(
            "a hundred",
            FIND,
            SIGN_IN,
            session(&["sID=a"; 100], &rid(RID)),
            8,
            &[],
        ),
        Case::bytes(
            "a control character",
            FIND,
            SIGN_IN,
            session(&["sID=a\u{1}b"], &rid(RID)),
            8,
            &[],
        ),
        used(
            "one between quotes",
            &[&format!("sID=\"{SID}\"; Path=/")],
            r#"sID="SID""#,
        ),
        used(
            "a semicolon between quotes",
            &[r#"sID="a;b" ; Path=/"#],
            r#"sID="a;b""#,
        ),
        none(
            "nothing between quotes",
            &[r#"sID=""; Path=/"#],
            &rid(RID),
            lacks,
        ),
        used("a lone line feed", &["sID=a\nX-Evil: 1"], "sID=a"),
    ]);
}

#[test]
fn request_ids_of_all_kinds() {
    let ours = format!("sID={SID}");
    let cookie: &[&str] = &[&ours];
    let cannot = &[][..];
    let no_contract = &["RID"][..];
    let missing = &["RID"][..];
    judge(vec![
        none("a line break", cookie, &rid("77\r\nX-Evil: 1"), cannot),
        none("a line feed", cookie, &rid("77\nX-Evil: 1"), cannot),
        none("NUL", cookie, &rid("77\0"), cannot),
        none(
            "an escape sequence",
            cookie,
            &rid("\x1b]52;c;aGk=\x07"),
            cannot,
        ),
        none("empty", cookie, &rid(""), missing),
        none("missing", cookie, r#"{"rid":"77"}"#, missing),
        none("null", cookie, r#"{"RID":null}"#, missing),
        none("a number", cookie, r#"{"RID":77}"#, no_contract),
        none("a list", cookie, r#"{"RID":["77"]}"#, no_contract),
        none("twice", cookie, r#"{"RID":"77","RID":"78"}"#, &[]),
        none("a list instead of an object", cookie, r#"["77"]"#, &[]),
        none("half of a letter", cookie, r#"{"RID":"\ud800"}"#, &[]),
        none("nothing but NUL", cookie, "\0\0\0\0", &["JSON"]),
    ]);
}

//! Answers that would grow in memory, and the largest that are taken.

use super::case::{Case, FIND, KEYS, LIST, MAKE, ROLES, SIGN_IN, Stdout, judge};
use super::manager::answer;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// A body of about this size that repeats a piece.
fn repeated(begin: &str, piece: &str, end: &str, size: usize) -> Vec<u8> {
    let pieces = piece.repeat(size / piece.len());
    [begin, pieces.trim_end_matches(','), end]
        .concat()
        .into_bytes()
}

/// What would be a hundred times as large in memory as it is, were it built.
#[test]
fn bodies_that_would_grow() {
    const LISTS: &str = "[[[[[[[[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]]]]]]]],";
    const OBJECTS: &str = r#"{"a":{"b":{"c":{}}}},"#;
    let (one, all) = (255 * KIB, 8 * MIB - KIB);
    let grow = |name: &str, arguments, route, begin: &str, piece, end, size| {
        let body = repeated(begin, piece, end, size);
        Case::body(name, arguments, route, body, 1, &[])
    };
    const SHOW: &[&str] = &["show-key", "8"];
    const KEY: &str = "GET /api/apikeys/8";
    judge(vec![
        grow(
            "numbers for a session",
            FIND,
            SIGN_IN,
            r#"{"RID":["#,
            "0,",
            "]}",
            one,
        ),
        grow(
            "lists beside a session",
            FIND,
            SIGN_IN,
            r#"{"x":["#,
            LISTS,
            r#"],"RID":5}"#,
            one,
        ),
        grow(
            "lists for roles",
            LIST,
            ROLES,
            r#"{"roles":["#,
            LISTS,
            "]}",
            all,
        ),
        grow(
            "numbers beside roles",
            LIST,
            ROLES,
            r#"{"x":["#,
            "0,",
            r#"],"roles":5}"#,
            all,
        ),
        grow(
            "objects in a role",
            LIST,
            ROLES,
            r#"{"roles":[{"ID":2,"name":"Auditor","x":["#,
            OBJECTS,
            "]}]}",
            MIB,
        ),
        grow(
            "lists in a role",
            LIST,
            ROLES,
            r#"{"roles":[{"ID":2,"name":"Auditor","x":["#,
            LISTS,
            "]}]}",
            all,
        ),
        grow(
            "empty objects for keys",
            MAKE,
            KEYS,
            r#"{"apiKeys":["#,
            "{},",
            "]}",
            all,
        ),
        grow(
            "strings for keys",
            MAKE,
            KEYS,
            r#"{"apiKeys":["#,
            r#""","#,
            "]}",
            all,
        ),
        grow(
            "lists in a key",
            SHOW,
            KEY,
            r#"{"ID":8,"x":["#,
            LISTS,
            "]}",
            one,
        ),
        grow(
            "objects in a key",
            SHOW,
            KEY,
            r#"{"ID":8,"x":["#,
            OBJECTS,
            "]}",
            one,
        ),
    ]);
}

/// What a role may do, by its path: a long name with much below it.
#[test]
fn paths_that_would_grow() {
    let rights: Vec<_> = (0..5000)
        .map(|index| format!(r#""{index}":true"#))
        .collect();
    let long = format!(
        r#"{{"ID":2,"name":"Auditor","{}":{{{}}}}}"#,
        "a".repeat(40_000),
        rights.join(",")
    );
    let lists = repeated(
        r#"{"ID":2,"name":"Auditor","x":["#,
        "[[[[0]]]],",
        "]}",
        120 * KIB,
    );
    const SHOW: &[&str] = &["show-role", "2"];
    const ROLE: &str = "GET /api/roles/2";
    judge(vec![
        Case::body("rights of a long name", SHOW, ROLE, &long, 1, &[]),
        Case::body("lists of lists", SHOW, ROLE, &lists, 0, &[]).printing(Stdout::Something),
        Case::body("lists of lists as JSON", SHOW, ROLE, &lists, 0, &[])
            .with(&["-o", "json"])
            .printing(Stdout::Something),
    ]);
}

/// What is not too large is held, and printed.
#[test]
fn objects_as_large_as_they_may_be() {
    let role = |id: usize, piece, size| {
        let begin = format!(r#"{{"ID":{id},"name":"Auditor","rights":["#);
        String::from_utf8(repeated(&begin, piece, "]}", size)).expect("text")
    };
    let roles = |count: usize, piece, size| {
        let roles: Vec<_> = (2..2 + count).map(|id| role(id, piece, size)).collect();
        format!(r#"{{"roles":[{}]}}"#, roles.join(","))
    };
    let words = format!("\"{}\",", "canViewSomething ".repeat(100));
    let key = repeated(
        r#"{"ID":8,"keyName":"ci","x":["#,
        "[[[[0]]]],",
        "]}",
        60 * KIB,
    );
    let printed = |name: &str, arguments, route, body: &[u8], format| {
        let case = Case::body(name, arguments, route, body, 0, &[]);
        case.with(&["-o", format]).printing(Stdout::Something)
    };
    let error = repeated(r#"{"message":["#, "[[0]],", "]}", 255 * KIB);
    judge(vec![
        printed(
            "a role of lists",
            FIND,
            ROLES,
            roles(1, "[[[[0]]]],", 32 * KIB).as_bytes(),
            "json",
        ),
        printed(
            "a role of numbers",
            FIND,
            ROLES,
            roles(1, "0,", 120 * KIB).as_bytes(),
            "jsonl",
        ),
        printed(
            "a role of objects",
            FIND,
            ROLES,
            roles(1, r#"{"":{}},"#, 120 * KIB).as_bytes(),
            "text",
        ),
        printed(
            "many roles",
            LIST,
            ROLES,
            roles(64, &words, 120 * KIB).as_bytes(),
            "json",
        ),
        printed(
            "many roles as lines",
            LIST,
            ROLES,
            roles(64, &words, 120 * KIB).as_bytes(),
            "jsonl",
        ),
        printed(
            "many roles as text",
            LIST,
            ROLES,
            roles(64, &words, 120 * KIB).as_bytes(),
            "text",
        ),
        printed(
            "a key of lists",
            &["show-key", "8"],
            "GET /api/apikeys/8",
            &key,
            "jsonl",
        ),
        Case::bytes(
            "an error of lists",
            FIND,
            ROLES,
            answer(403, "", &error),
            5,
            &[],
        ),
    ]);
}

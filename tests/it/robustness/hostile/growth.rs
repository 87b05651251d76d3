//! Bodies that take far more memory than their size if parsed into values, and the largest accepted bodies.

use super::case::{CREATE_NAMED, Case, FIND, KEYS, LIST, ROLES, SIGN_IN, Stdout, run_all};
use super::manager::answer;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// A body of about `size` bytes: `frame` with its `*` replaced by many repetitions of `piece`.
fn repeated(frame: &str, piece: &str, size: usize) -> String {
    let pieces = piece.repeat(size / piece.len());
    frame.replace('*', pieces.trim_end_matches(','))
}

const SHOW_KEY: &[&str] = &["show-key", "8"];
const KEY: &str = "GET /api/apikeys/8";
const SHOW_ROLE: &[&str] = &["show-role", "2"];
const ROLE: &str = "GET /api/roles/2";

const LISTS: &str = "[[[[[[[[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]]]]]]]],";
const OBJECTS: &str = r#"{"a":{"b":{"c":{}}}},"#;
/// Slightly below the size limit for one object.
const OBJECT: usize = 255 * KIB;
/// Slightly below the size limit for a list.
const LIST_OF_OBJECTS: usize = 8 * MIB - KIB;

/// A response whose body would take a hundred times its size in memory if it were parsed into values.
fn growing(
    name: &str,
    arguments: &[&'static str],
    route: &'static str,
    frame: &str,
    piece: &str,
    size: usize,
) -> Case {
    Case::body(name, arguments, route, repeated(frame, piece, size), 1)
}

fn growing_sessions_and_roles() -> Vec<Case> {
    vec![
        growing(
            "numbers in place of a request ID",
            FIND,
            SIGN_IN,
            r#"{"RID":[*]}"#,
            "0,",
            OBJECT,
        ),
        growing(
            "lists in an unused field of a session",
            FIND,
            SIGN_IN,
            r#"{"x":[*],"RID":5}"#,
            LISTS,
            OBJECT,
        ),
        growing(
            "lists in place of roles",
            LIST,
            ROLES,
            r#"{"roles":[*]}"#,
            LISTS,
            LIST_OF_OBJECTS,
        ),
        growing(
            "numbers in an unused field of a role search",
            LIST,
            ROLES,
            r#"{"x":[*],"roles":5}"#,
            "0,",
            LIST_OF_OBJECTS,
        ),
        growing(
            "objects in a role",
            LIST,
            ROLES,
            r#"{"roles":[{"ID":2,"name":"Auditor","x":[*]}]}"#,
            OBJECTS,
            MIB,
        ),
        growing(
            "lists in a role",
            LIST,
            ROLES,
            r#"{"roles":[{"ID":2,"name":"Auditor","x":[*]}]}"#,
            LISTS,
            LIST_OF_OBJECTS,
        ),
    ]
}

fn growing_keys() -> Vec<Case> {
    vec![
        growing(
            "empty objects in place of keys",
            CREATE_NAMED,
            KEYS,
            r#"{"apiKeys":[*]}"#,
            "{},",
            LIST_OF_OBJECTS,
        ),
        growing(
            "strings in place of keys",
            CREATE_NAMED,
            KEYS,
            r#"{"apiKeys":[*]}"#,
            r#""","#,
            LIST_OF_OBJECTS,
        ),
        growing(
            "lists in a key",
            SHOW_KEY,
            KEY,
            r#"{"ID":8,"x":[*]}"#,
            LISTS,
            OBJECT,
        ),
        growing(
            "objects in a key",
            SHOW_KEY,
            KEY,
            r#"{"ID":8,"x":[*]}"#,
            OBJECTS,
            OBJECT,
        ),
    ]
}

#[test]
fn bodies_that_would_grow() {
    run_all(
        [growing_sessions_and_roles(), growing_keys()]
            .into_iter()
            .flatten(),
    );
}

/// The permissions of a role are printed by their path: here a long name with many fields below it.
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
        r#"{"ID":2,"name":"Auditor","x":[*]}"#,
        "[[[[0]]]],",
        120 * KIB,
    );
    run_all(vec![
        Case::body("permissions below a long name", SHOW_ROLE, ROLE, &long, 1),
        Case::body("lists of lists", SHOW_ROLE, ROLE, &lists, 0).printing(Stdout::Any),
        Case::body("lists of lists as JSON", SHOW_ROLE, ROLE, &lists, 0)
            .with(&["-o", "json"])
            .printing(Stdout::Any),
    ]);
}

/// A list of `count` roles, each about `size` bytes long because of its repeated `piece`.
fn large_roles(count: usize, piece: &str, size: usize) -> String {
    let role = |id| {
        let frame = format!(r#"{{"ID":{id},"name":"Auditor","rights":[*]}}"#);
        repeated(&frame, piece, size)
    };
    let roles: Vec<_> = (2..2 + count).map(role).collect();
    format!(r#"{{"roles":[{}]}}"#, roles.join(","))
}

/// A response just below the limits, which the run prints in `format`.
fn printed(
    name: &str,
    arguments: &[&'static str],
    route: &'static str,
    body: &str,
    format: &'static str,
) -> Case {
    let case = Case::body(name, arguments, route, body, 0);
    case.with(&["-o", format]).printing(Stdout::Any)
}

#[test]
fn objects_just_below_the_limits_are_printed() {
    let lists = large_roles(1, "[[[[0]]]],", 32 * KIB);
    let numbers = large_roles(1, "0,", 120 * KIB);
    let objects = large_roles(1, r#"{"":{}},"#, 120 * KIB);
    let strings = format!("\"{}\",", "canViewSomething ".repeat(100));
    let many = large_roles(64, &strings, 120 * KIB);
    let key = repeated(r#"{"ID":8,"keyName":"ci","x":[*]}"#, "[[[[0]]]],", 60 * KIB);
    let error = repeated(r#"{"message":[*]}"#, "[[0]],", 255 * KIB);
    run_all(vec![
        printed("a role of lists", FIND, ROLES, &lists, "json"),
        printed("a role of numbers", FIND, ROLES, &numbers, "jsonl"),
        printed("a role of objects", FIND, ROLES, &objects, "text"),
        printed("many roles", LIST, ROLES, &many, "json"),
        printed("many roles as lines", LIST, ROLES, &many, "jsonl"),
        printed("many roles as text", LIST, ROLES, &many, "text"),
        printed("a key of lists", SHOW_KEY, KEY, &key, "jsonl"),
        Case::bytes(
            "an error of lists",
            FIND,
            ROLES,
            answer(403, "", error.as_bytes()),
            5,
        ),
    ]);
}

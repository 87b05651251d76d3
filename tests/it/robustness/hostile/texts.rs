//! Text that a terminal would interpret or hide, and very long text. Every case checks the printed text for control characters.

use serde_json::json;

use super::case::{
    CREATE, CREATE_NAMED, CREATE_UNNAMED, Case, FIND, KEYS, LIST, ROLES, SIGN_IN, Stdout, run_all,
};
use super::manager::{answer, json_answer};
use crate::support::secrets::FRESH;

/// The effect of a text on a terminal, the text, and its escaped form.
const HARMFUL: [(&str, &str, &str); 8] = [
    ("colours", "\x1b[31mred\x1b[0m", r"\u{1b}[31mred"),
    (
        "a link (OSC 8)",
        "\x1b]8;;https://evil.example.com\x1b\\here\x1b]8;;\x1b\\",
        r"\u{1b}]8;;",
    ),
    (
        "the clipboard (OSC 52)",
        "\x1b]52;c;Y3VybCBldmls\x07",
        r"\u{1b}]52;c;",
    ),
    ("eight-bit controls", "\u{9b}31m", r"\u{9b}31m"),
    (
        "right to left",
        "\u{202e}rotiduA\u{2066}x",
        r"\u{202e}rotiduA",
    ),
    (
        "zero-width characters",
        "Aud\u{200b}itor\u{feff}",
        r"Aud\u{200b}itor\u{feff}",
    ),
    ("a forged line", "x\r\nerror: forged", r"x\u{d}\u{a}error"),
    ("NUL", "a\0b", r"a\u{0}b"),
];

fn roles(name: &str) -> Vec<u8> {
    json_answer(&json!({"roles": [{"ID": 3, "name": name, "description": name}]}))
}

/// An error response whose message is `text`.
fn error_response(status: u16, text: &str) -> Vec<u8> {
    let body = json!({"message": text}).to_string();
    answer(status, "Content-Type: application/json", body.as_bytes())
}

/// The text in a table and in an error, where it must be escaped.
fn printed_for_people(what: &str, text: &'static str, escaped: &'static str) -> [Case; 2] {
    let table = Case::bytes(format!("{what} in a table"), LIST, ROLES, roles(text), 0)
        .printing(Stdout::Any)
        .checking(move |_, stdout, _| assert!(stdout.contains(escaped), "{stdout}"));
    let response = error_response(401, text);
    let error = Case::bytes(format!("{what} in an error"), FIND, SIGN_IN, response, 4);
    [table, error.reporting(&[escaped])]
}

/// The text in the other places in which a manager can send it.
fn in_other_places(what: &str, text: &'static str, escaped: &'static str) -> [Case; 5] {
    let json = Case::bytes(format!("{what} in JSON"), LIST, ROLES, roles(text), 0)
        .with(&["-o", "json"])
        .printing(Stdout::Any)
        .checking(move |_, stdout, _| {
            let printed: serde_json::Value = serde_json::from_str(stdout).expect("JSON");
            assert_eq!(printed["roles"][0]["name"], text);
        });
    let similar = roles(&format!("Auditor{text}"));
    let suggestion = format!("{what} in a suggested name");
    let suggestion = Case::bytes(suggestion, FIND, ROLES, similar, 3);
    let response = error_response(403, text);
    let json_error = Case::bytes(format!("{what} in a JSON error"), FIND, ROLES, response, 5);
    let key = json_answer(&json!({"ID": 8, "keyName": text, "secretKey": FRESH}));
    let key_name = format!("{what} in the name of a created key");
    let key_name = Case::bytes(key_name, CREATE_NAMED, CREATE, key, 0).reporting(&[escaped]);
    let page = format!("<html><title>{text}</title></html>");
    let page = Case::body(format!("{what} in a web page"), CREATE_NAMED, KEYS, page, 1);
    [
        json,
        suggestion,
        json_error.with(&["-o", "json"]),
        key_name.printing(Stdout::Secret),
        page,
    ]
}

#[test]
fn names_and_messages_are_escaped_for_terminals() {
    let mut cases = Vec::new();
    for (number, (what, text, escaped)) in HARMFUL.into_iter().enumerate() {
        cases.extend(printed_for_people(what, text, escaped));
        // One of the other places for each text is enough.
        let others = in_other_places(what, text, escaped);
        let chosen = number % others.len();
        cases.extend(others.into_iter().nth(chosen));
    }
    run_all(cases);
}

fn long_role_names() -> Vec<Case> {
    let mib = "Auditor".repeat(150_000);
    let kib = "Auditor".repeat(30_000);
    let short = |case: Case| {
        case.checking(|_, stdout, _| assert!(stdout.len() < 4 * 1024 * 1024, "{}", stdout.len()))
    };
    let many = json!({"roles": (1..=30).map(|id| json!({"ID": id, "name": &kib[..120_000], "description": "x"})).collect::<Vec<_>>()});
    vec![
        short(
            Case::bytes(
                "a role name and description of 1 MiB",
                LIST,
                ROLES,
                roles(&mib),
                1,
            )
            .reporting(&["128 KiB"]),
        ),
        short(
            Case::bytes(
                "a role name and description of 60 KiB",
                LIST,
                ROLES,
                roles(&kib[..60_000]),
                0,
            )
            .printing(Stdout::Any),
        ),
        short(
            Case::bytes(
                "30 role names of 120 KiB",
                LIST,
                ROLES,
                json_answer(&many),
                0,
            )
            .printing(Stdout::Any),
        ),
        Case::bytes(
            "a similar role name of 120 KiB",
            FIND,
            ROLES,
            json_answer(&json!({"roles": [{"ID": 2, "name": &kib[..120_000]}]})),
            3,
        ),
    ]
}

fn long_key_names() -> Vec<Case> {
    let mib = "Auditor".repeat(150_000);
    let kib = "Auditor".repeat(30_000);
    let large = |name: &str| {
        json_answer(&json!({"ID": 8, "keyName": name, "roleID": 2, "secretKey": FRESH}))
    };
    vec![
        Case::bytes(
            "a key name of 1 MiB",
            CREATE_UNNAMED,
            CREATE,
            large(&mib),
            8,
        ),
        Case::bytes(
            "a key name of 60 KiB",
            CREATE_NAMED,
            CREATE,
            large(&kib[..60_000]),
            0,
        )
        .printing(Stdout::Secret),
    ]
}

fn long_messages() -> Vec<Case> {
    let kib = "Auditor".repeat(30_000);
    vec![
        Case::bytes(
            "a message of 200 KiB",
            FIND,
            SIGN_IN,
            answer(401, "", json!({"message": kib}).to_string().as_bytes()),
            4,
        )
        .reporting(&["..."]),
        Case::bytes(
            "plain text of 200 KiB",
            FIND,
            ROLES,
            answer(500, "", kib.as_bytes()),
            1,
        )
        .reporting(&["..."]),
        Case::bytes(
            "a web page title of 200 KiB",
            FIND,
            ROLES,
            answer(
                200,
                "Content-Type: text/html",
                format!("<title>{kib}</title>").as_bytes(),
            ),
            1,
        ),
        Case::bytes(
            "a manager version of 100 KB",
            FIND,
            ROLES,
            answer(403, &format!("x-dsm-version: {}", &kib[..100_000]), b"{}"),
            5,
        ),
    ]
}

#[test]
fn very_long_names() {
    run_all(
        [long_role_names(), long_key_names(), long_messages()]
            .into_iter()
            .flatten(),
    );
}

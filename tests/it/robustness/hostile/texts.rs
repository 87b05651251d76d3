//! Text that a terminal would act on or hide, and text that is longer than anybody reads. What is printed is looked at in every case.

use serde_json::json;

use super::case::{CREATE, Case, FIND, KEYS, LIST, MAKE, MAKE_ONE, ROLES, SIGN_IN, Stdout, judge};
use super::manager::{answer, json_answer};

/// What each does, and how it is shown instead.
const EVIL: [(&str, &str, &str); 8] = [
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
        "no width",
        "Aud\u{200b}itor\u{feff}",
        r"Aud\u{200b}itor\u{feff}",
    ),
    (
        "a line of its own",
        "x\r\nerror: all is well",
        r"x\u{d}\u{a}error",
    ),
    ("NUL", "a\0b", r"a\u{0}b"),
];

fn roles(name: &str) -> Vec<u8> {
    json_answer(&json!({"roles": [{"ID": 3, "name": name, "description": name}]}))
}

#[test]
fn names_and_messages_harm_no_terminal() {
    let mut cases = Vec::new();
    for (number, (what, evil, shown)) in EVIL.into_iter().enumerate() {
        let evil_name = format!("Auditor{evil}");
        let refusal = |status| {
            answer(
                status,
                "Content-Type: application/json",
                json!({"message": evil}).to_string().as_bytes(),
            )
        };
        cases.push(
            Case::bytes(
                format!("{what} in a table"),
                LIST,
                ROLES,
                roles(evil),
                0,
                &[],
            )
            .printing(Stdout::Something)
            .and(move |_, stdout, _| assert!(stdout.contains(shown), "{stdout}")),
        );
        cases.push(Case::bytes(
            format!("{what} in a refusal"),
            FIND,
            SIGN_IN,
            refusal(401),
            4,
            &[shown],
        ));
        let mut others = Vec::new();
        others.push(
            Case::bytes(format!("{what} in JSON"), LIST, ROLES, roles(evil), 0, &[])
                .with(&["-o", "json"])
                .printing(Stdout::Something)
                .and(move |_, stdout, _| {
                    let read: serde_json::Value = serde_json::from_str(stdout).expect("JSON");
                    assert_eq!(read["roles"][0]["name"], evil);
                }),
        );
        others.push(Case::bytes(
            format!("{what} in a name that is close"),
            FIND,
            ROLES,
            roles(&evil_name),
            3,
            &[],
        ));
        others.push(
            Case::bytes(
                format!("{what} in an error as JSON"),
                FIND,
                ROLES,
                refusal(403),
                5,
                &[],
            )
            .with(&["-o", "json"]),
        );
        let keys = json!({"ID": 8, "keyName": evil, "secretKey": crate::support::secrets::FRESH});
        others.push(
            Case::bytes(
                format!("{what} in another name of a new key"),
                MAKE,
                CREATE,
                json_answer(&keys),
                0,
                &[shown],
            )
            .printing(Stdout::Fresh),
        );
        let page = format!("<html><title>{evil}</title></html>");
        others.push(Case::body(
            format!("{what} in a page"),
            MAKE,
            KEYS,
            page,
            1,
            &[],
        ));
        // Each text in two places, and in one more that takes turns.
        cases.push(others.swap_remove(number % others.len()));
    }
    judge(cases);
}

#[test]
fn very_long_names() {
    let mib = "Auditor".repeat(150_000);
    let kib = "Auditor".repeat(30_000);
    let short =
        |case: Case| case.and(|_, stdout, _| assert!(stdout.len() < 64 * 1024, "{}", stdout.len()));
    let large = |name: &str| {
        json_answer(
            &json!({"ID": 8, "keyName": name, "roleID": 2, "secretKey": crate::support::secrets::FRESH}),
        )
    };
    let many = json!({"roles": (1..=30).map(|id| json!({"ID": id, "name": &kib[..120_000], "description": "x"})).collect::<Vec<_>>()});
    judge(vec![
        short(Case::bytes(
            "a role of 1 MiB",
            LIST,
            ROLES,
            roles(&mib),
            1,
            &["128 KiB"],
        )),
        short(
            Case::bytes(
                "a role of 120 KiB",
                LIST,
                ROLES,
                roles(&kib[..60_000]),
                0,
                &[],
            )
            .printing(Stdout::Something),
        ),
        short(
            Case::bytes(
                "30 roles of 120 KiB",
                LIST,
                ROLES,
                json_answer(&many),
                0,
                &[],
            )
            .printing(Stdout::Something),
        ),
        Case::bytes(
            "a close name of 120 KiB",
            FIND,
            ROLES,
            json_answer(&json!({"roles": [{"ID": 2, "name": &kib[..120_000]}]})),
            3,
            &[],
        ),
        Case::bytes("a key of 1 MiB", MAKE_ONE, CREATE, large(&mib), 8, &[]),
        Case::bytes(
            "a key of 60 KiB",
            MAKE,
            CREATE,
            large(&kib[..60_000]),
            0,
            &[],
        )
        .printing(Stdout::Fresh),
        Case::bytes(
            "a message of 200 KiB",
            FIND,
            SIGN_IN,
            answer(401, "", json!({"message": kib}).to_string().as_bytes()),
            4,
            &["..."],
        ),
        Case::bytes(
            "words of 200 KiB",
            FIND,
            ROLES,
            answer(500, "", kib.as_bytes()),
            1,
            &["..."],
        ),
        Case::bytes(
            "a title of 200 KiB",
            FIND,
            ROLES,
            answer(
                200,
                "Content-Type: text/html",
                format!("<title>{kib}</title>").as_bytes(),
            ),
            1,
            &[],
        ),
        Case::bytes(
            "the version of a manager",
            FIND,
            ROLES,
            answer(403, &format!("x-dsm-version: {}", &kib[..100_000]), b"{}"),
            5,
            &[],
        ),
    ]);
}

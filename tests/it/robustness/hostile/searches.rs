//! Searches that ignore what is asked of them, or never come to an end.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::json;

use super::case::{Case, FIND, KEYS, LIST, MAKE, ROLES, Stdout, judge};
use super::manager::{answer, json_answer};

/// Pages of roles whose IDs grow, so that nothing shows that they will not end.
fn pages(
    list: &'static str,
    count: usize,
    object: &'static str,
) -> impl Fn(&mut dyn std::io::Write) -> std::io::Result<()> {
    let last = AtomicU64::new(0);
    move |to| {
        let mut body = format!("{{\"{list}\":[");
        for index in 0..count {
            let id = last.fetch_add(1, Ordering::SeqCst) + 1;
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(
                body,
                "{comma}{{\"ID\":{id},{}}}",
                object.replace("NUMBER", &id.to_string())
            );
        }
        body.push_str("]}");
        to.write_all(&answer(
            200,
            "Content-Type: application/json",
            body.as_bytes(),
        ))?;
        to.flush()
    }
}

#[test]
fn criteria_that_are_ignored() {
    let all = json!({"roles": [{"ID": 1, "name": "Full Access"}, {"ID": 2, "name": "Auditor"}, {"ID": 3, "name": "auditor"}, {"ID": 4, "name": "Auditor "}]});
    let others = json!({"roles": [{"ID": 1, "name": "Full Access"}, {"ID": 3, "name": "AUDITOR"}, {"ID": 4, "name": "Auditor\u{200b}"}]});
    let twice = json!({"roles": [{"ID": 1, "name": "Auditor"}, {"ID": 2, "name": "Auditor"}]});
    let keys = json!({"apiKeys": [{"ID": 5, "keyName": "production", "roleID": 1}, {"ID": 6, "keyName": "CI", "roleID": 1}]});
    judge(vec![
        Case::bytes("all roles", FIND, ROLES, json_answer(&all), 0, &[])
            .printing(Stdout::Text("2\n".into())),
        Case::bytes(
            "other roles",
            FIND,
            ROLES,
            json_answer(&others),
            3,
            &["Auditor"],
        ),
        Case::bytes(
            "two roles of one name",
            FIND,
            ROLES,
            json_answer(&twice),
            6,
            &["Auditor"],
        ),
        Case::bytes(
            "one role twice",
            FIND,
            ROLES,
            json_answer(
                &json!({"roles": [{"ID": 2, "name": "Auditor"}, {"ID": 2, "name": "Auditor"}]}),
            ),
            1,
            &["IDs"],
        ),
        Case::bytes("all keys", MAKE, KEYS, json_answer(&keys), 0, &[]).printing(Stdout::Fresh),
        Case::bytes(
            "all keys, and one is to be rekeyed",
            MAKE,
            KEYS,
            json_answer(&keys),
            0,
            &[],
        )
        .with(&["--if-exists", "rekey"])
        .printing(Stdout::Fresh)
        .and(|manager, _, _| assert_eq!(manager.count("POST /api/apikeys/8/secretkey"), 0)),
        Case::bytes(
            "all keys, and one is wanted",
            &["show-key", "ci"],
            KEYS,
            json_answer(&keys),
            3,
            &["ci"],
        ),
    ]);
}

#[test]
fn pages_without_end() {
    let long = r#""name":"r","x":"NUMBER .................................................................................................................................................................................................................................""#;
    let page =
        json!({"roles": (1..=500).map(|id| json!({"ID": id, "name": "r"})).collect::<Vec<_>>()});
    let backwards = json!({"roles": (1..=500).rev().map(|id| json!({"ID": id, "name": "r"})).collect::<Vec<_>>()});
    judge(vec![
        Case::new(
            "roles",
            LIST,
            ROLES,
            pages("roles", 5000, long),
            1,
            &["16 MiB"],
        ),
        Case::new(
            "roles in a hint",
            FIND,
            ROLES,
            pages("roles", 5000, long),
            1,
            &["16 MiB"],
        ),
        Case::new(
            "keys of a name",
            MAKE,
            KEYS,
            pages("apiKeys", 19_000, r#""keyName":"x""#),
            1,
            &["16 MiB"],
        ),
        Case::new(
            "more at once than there can be",
            LIST,
            ROLES,
            pages("roles", 30_000, r#""name":"r""#),
            1,
            &["20000"],
        ),
        Case::new(
            "keys",
            &["list-keys"],
            KEYS,
            pages("apiKeys", 9000, r#""keyName":"x""#),
            1,
            &["-o jsonl"],
        ),
        Case::new(
            "keys as JSON",
            &["list-keys", "-o", "json"],
            KEYS,
            pages("apiKeys", 9000, long),
            1,
            &[],
        ),
        Case::bytes(
            "the same page again",
            LIST,
            ROLES,
            json_answer(&page),
            1,
            &[],
        ),
        Case::bytes(
            "a page backwards",
            LIST,
            ROLES,
            json_answer(&backwards),
            1,
            &[],
        ),
    ]);
}

/// As many as are held at once, and printed.
#[test]
fn as_many_as_are_held() {
    let list = |count: usize| {
        let keys: Vec<_> = (1..=count)
            .map(|id| {
                format!(r#"{{"ID":{id},"keyName":"key number {id}","roleID":2,"active":true}}"#)
            })
            .collect();
        answer(
            200,
            "Content-Type: application/json",
            format!(r#"{{"apiKeys":[{}]}}"#, keys.join(",")).as_bytes(),
        )
    };
    let page = list(19_000);
    let nothing = json_answer(&json!({"apiKeys": []}));
    let once = move || {
        let (page, nothing) = (page.clone(), nothing.clone());
        let told = AtomicBool::new(false);
        move |to: &mut dyn std::io::Write| {
            let again = told.swap(true, Ordering::SeqCst);
            to.write_all(if again { &nothing } else { &page })?;
            to.flush()
        }
    };
    let case = |format| {
        Case::new(
            format!("19,000 keys as {format}"),
            &["list-keys", "-o", format],
            KEYS,
            once(),
            0,
            &[],
        )
        .printing(Stdout::Something)
    };
    judge(vec![case("text"), case("json"), case("jsonl")]);
}

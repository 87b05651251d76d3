//! Searches that ignore their criteria, or never end.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::json;

use super::case::{CREATE_NAMED, Case, FIND, KEYS, LIST, ROLES, Stdout, run_all};
use super::manager::{answer, json_answer};

/// Endless pages of objects with increasing IDs: each page looks like progress.
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
fn ignored_criteria() {
    let all = json!({"roles": [{"ID": 1, "name": "Full Access"}, {"ID": 2, "name": "Auditor"}, {"ID": 3, "name": "auditor"}, {"ID": 4, "name": "Auditor "}]});
    let others = json!({"roles": [{"ID": 1, "name": "Full Access"}, {"ID": 3, "name": "AUDITOR"}, {"ID": 4, "name": "Auditor\u{200b}"}]});
    let twice = json!({"roles": [{"ID": 1, "name": "Auditor"}, {"ID": 2, "name": "Auditor"}]});
    let keys = json!({"apiKeys": [{"ID": 5, "keyName": "production", "roleID": 1}, {"ID": 6, "keyName": "CI", "roleID": 1}]});
    run_all(vec![
        Case::bytes("all roles", FIND, ROLES, json_answer(&all), 0)
            .printing(Stdout::Text("2\n".into())),
        Case::bytes("other roles", FIND, ROLES, json_answer(&others), 3).reporting(&["Auditor"]),
        Case::bytes("two roles of one name", FIND, ROLES, json_answer(&twice), 6)
            .reporting(&["Auditor"]),
        Case::bytes(
            "one role twice",
            FIND,
            ROLES,
            json_answer(
                &json!({"roles": [{"ID": 2, "name": "Auditor"}, {"ID": 2, "name": "Auditor"}]}),
            ),
            1,
        )
        .reporting(&["IDs"]),
        Case::bytes("all keys", CREATE_NAMED, KEYS, json_answer(&keys), 0).printing(Stdout::Secret),
        Case::bytes(
            "all keys at a rekey",
            CREATE_NAMED,
            KEYS,
            json_answer(&keys),
            0,
        )
        .with(&["--if-exists", "rekey"])
        .printing(Stdout::Secret)
        .checking(|manager, _, _| assert_eq!(manager.count("POST /api/apikeys/8/secretkey"), 0)),
        Case::bytes(
            "all keys at a request for one",
            &["show-key", "ci"],
            KEYS,
            json_answer(&keys),
            3,
        )
        .reporting(&["ci"]),
    ]);
}

#[test]
fn endless_pages() {
    let long = r#""name":"r","x":"NUMBER .................................................................................................................................................................................................................................""#;
    let page =
        json!({"roles": (1..=500).map(|id| json!({"ID": id, "name": "r"})).collect::<Vec<_>>()});
    let backwards = json!({"roles": (1..=500).rev().map(|id| json!({"ID": id, "name": "r"})).collect::<Vec<_>>()});
    run_all(vec![
        Case::new("roles", LIST, ROLES, pages("roles", 5000, long), 1).reporting(&["16 MiB"]),
        Case::new(
            "roles for a suggestion",
            FIND,
            ROLES,
            pages("roles", 5000, long),
            1,
        )
        .reporting(&["16 MiB"]),
        Case::new(
            "keys of one name",
            CREATE_NAMED,
            KEYS,
            pages("apiKeys", 19_000, r#""keyName":"x""#),
            1,
        )
        .reporting(&["16 MiB"]),
        Case::new(
            "more roles at once than accepted",
            LIST,
            ROLES,
            pages("roles", 30_000, r#""name":"r""#),
            1,
        )
        .reporting(&["20000"]),
        Case::new(
            "keys",
            &["list-keys"],
            KEYS,
            pages("apiKeys", 9000, r#""keyName":"x""#),
            1,
        )
        .reporting(&["-o jsonl"]),
        Case::new(
            "keys as JSON",
            &["list-keys", "-o", "json"],
            KEYS,
            pages("apiKeys", 9000, long),
            1,
        ),
        Case::bytes("the same page again", LIST, ROLES, json_answer(&page), 1),
        Case::bytes("a page backwards", LIST, ROLES, json_answer(&backwards), 1),
    ]);
}

/// Just below the largest number of keys that the run accepts.
#[test]
fn as_many_keys_as_accepted() {
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
        let first_sent = AtomicBool::new(false);
        move |to: &mut dyn std::io::Write| {
            let again = first_sent.swap(true, Ordering::SeqCst);
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
        )
        .printing(Stdout::Any)
    };
    run_all(vec![case("text"), case("json"), case("jsonl")]);
}

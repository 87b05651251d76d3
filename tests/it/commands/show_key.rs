//! `show-key`, and the way in which every command finds the one key that KEY names.

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, Fault, Settings};

use crate::support::requests::{SEARCH_KEYS, SEARCH_ROLES, bodies, count, nothing_was_sent};
use crate::support::snapshot::snapshot;
use crate::support::{TestEnv, answering_unknowns, contains};

const DAY: i64 = 86_400_000;

#[test]
fn an_id_and_a_name_show_the_same_key() {
    let env = TestEnv::new();
    env.sandbox.add_key("other", 1);
    let key = env.sandbox.add_key("ci", 2);
    let end = env.sandbox.now() + 5 * DAY + 60_000;
    env.sandbox.edit_key(key.id, |key| {
        key.description = Some("for \x1b[31mCI".to_owned());
        key.expiry_date = Some(end);
        key.unsuccessful_sign_in_attempts = 2;
    });
    let by_name = env.run(["show-key", "ci"]);
    let lines: Vec<Vec<&str>> = (by_name.success().lines())
        .map(|line| line.split('\t').collect())
        .collect();
    let value = |name: &str| {
        let line = lines.iter().find(|line| line[0].trim() == name);
        line.unwrap_or_else(|| panic!("{name}: {}", by_name.stdout))[1].trim()
    };
    assert_eq!(value("ID"), "2");
    assert_eq!(value("Name"), "ci");
    assert_eq!(value("Description"), r"for \u{1b}[31mCI");
    assert_eq!(value("Role"), "Auditor (ID 2)");
    assert_eq!(value("State"), "active");
    // In a pipe, the times are exact.
    let document = env.run(["show-key", "ci", "-o", "json"]).json();
    assert_eq!(document["meta"]["expiresAt"], value("Expires"));
    assert_eq!(value("Last sign-in"), "never");
    assert_eq!(value("Locale"), "en-US");
    assert_eq!(value("Time zone"), "America/New_York");
    assert_eq!(value("Failed sign-ins"), "2");
    assert!(!by_name.stdout.contains(&key.secret));
    assert_eq!(env.run(["show", "2"]).success(), by_name.success());
    assert_eq!(by_name.stderr, "");
    assert_eq!(env.sandbox.live_sessions(), 0);
}

#[test]
fn json_contains_the_managers_object_with_meta() {
    let env = TestEnv::new();
    let key = env.sandbox.add_key("ci", 2);
    env.sandbox.edit_key(key.id, |key| key.active = false);
    for format in ["json", "jsonl"] {
        let document = env.run(["show-key", "ci", "-o", format]).json();
        let fields: Vec<&String> = document.as_object().expect("an object").keys().collect();
        assert_eq!(fields[0], "ID");
        assert_eq!(document["keyName"], "ci");
        assert_eq!(document["roleID"], 2);
        assert_eq!(document["active"], false);
        assert_eq!(document.get("secretKey"), None);
        let created = &document["meta"]["createdAt"];
        let meta = json!({
            "manager": env.sandbox.url(), "state": "locked", "role": "Auditor", "createdAt": created, "lastSignInAt": null,
            "expiresAt": null, "unlocksAt": null, "retiring": false
        });
        assert_eq!(document["meta"], meta);
    }
    let line = env.run(["show-key", "ci", "-o", "env"]);
    assert_eq!(line.success(), "SWP_API_KEY_ID=1");
}

#[test]
fn digits_are_always_an_id() {
    let env = TestEnv::new();
    env.sandbox.add_key("2", 1);
    env.sandbox.add_key("3", 1);
    // The key named `2` has the ID 1, and the key named `3` has the ID 2.
    let document = env.run(["show-key", "2", "-o", "json"]).json();
    assert_eq!(document["keyName"], "3");
    let error = env.run(["show-key", "3", "-o", "json"]).json_error(3);
    assert_eq!(error["keyID"], 3);
    contains(error["hint"].as_str().expect("a hint"), &["list-keys"]);
    assert_eq!(count(&env.sandbox, SEARCH_KEYS), 0);
}

#[test]
fn an_invalid_key_argument_is_rejected_before_anything_is_sent() {
    for text in ["", "007", "99999999999999999999"] {
        let env = TestEnv::new();
        env.run(["show-key", text]).failure(2);
        nothing_was_sent(&env.sandbox);
    }
}

#[test]
fn several_keys_with_one_name_are_reported_by_id() {
    for choices in [&[][..], &[("ignore-search", "yes")]] {
        let env = TestEnv::with(answering_unknowns(choices));
        for name in ["ci", "other", "ci", "CI", "ci"] {
            env.sandbox.add_key(name, 2);
        }
        let stderr = env.run(["show-key", "ci"]).failure(6).to_owned();
        contains(&stderr, &["ci", "1, 3, 5", "hint: "]);
        let other = env.run(["show-key", "CI", "-o", "json"]).json();
        assert_eq!(other["ID"], 4);
    }
}

#[test]
fn wildcards_in_a_name_are_literal() {
    let env = TestEnv::new();
    env.sandbox.add_key("ciXa", 2);
    env.run(["show-key", "ci_a"]).failure(3);
    env.run(["show-key", "%"]).failure(3);
    env.sandbox.add_key("ci_a", 2);
    let document = env.run(["show-key", "ci_a", "-o", "json"]).json();
    assert_eq!(document["ID"], 2);
    let criteria = &bodies(&env.sandbox, SEARCH_KEYS)[0]["searchCriteria"];
    assert_eq!(criteria[0]["stringWildcards"], json!(false));
}

/// Whether the manager compares names by case is unknown. The result must be the same in both cases.
#[test]
fn an_unknown_name_gets_a_suggestion() {
    for ignore_case in ["yes", "no"] {
        let env = TestEnv::with(answering_unknowns(&[("ignore-case", ignore_case)]));
        env.sandbox.add_key("nightly-build", 2);
        for (name, hint) in [
            ("Nightly-Build", "`nightly-build`"),
            (" nightly-build", "`nightly-build`"),
            ("nightly-biuld", "`nightly-build`"),
            ("xyzzy", "list-keys"),
        ] {
            let result = env.run(["show-key", name]);
            let missing = format!("`{name}`");
            contains(result.failure(3), &[&missing, hint]);
            snapshot(&result.stderr);
        }
        assert_eq!(env.sandbox.live_sessions(), 0);
    }
}

#[test]
fn a_missing_right_to_view_keys_is_reported() {
    let env = TestEnv::with(Settings {
        administrator_role: 2,
        ..Settings::default()
    });
    env.sandbox.add_key("ci", 2);
    for key in ["ci", "1"] {
        let stderr = env.run(["show-key", key]).failure(5).to_owned();
        contains(&stderr, &["Not authorized to view API keys"]);
    }
    for (choice, code) in [("401", 4), ("403", 5)] {
        let env = TestEnv::with(answering_unknowns(&[("session-keys", choice)]));
        let result = env.run(["show-key", "ci"]);
        contains(result.failure(code), &["--api-key-file"]);
    }
}

#[test]
fn without_permission_to_view_roles_their_ids_are_shown() {
    for choice in ["401", "403"] {
        let env = TestEnv::with(answering_unknowns(&[("session-roles", choice)]));
        env.sandbox.add_key("ci", 2);
        let text = env.run(["show-key", "ci"]);
        contains(text.success(), &["ID 2"]);
        let document = env.run(["show-key", "ci", "-o", "json"]).json();
        assert_eq!(document["meta"].get("role"), Some(&Value::Null));
    }
    let env = TestEnv::new();
    env.sandbox.add_key("ci", 2);
    env.run(["show-key", "ci", "-o", "env"]).success();
    assert_eq!(count(&env.sandbox, SEARCH_ROLES), 0, "not needed");
}

#[test]
fn a_response_about_a_different_key_is_rejected() {
    let env = TestEnv::new();
    env.sandbox.add_key("ci", 2);
    let action = Action::Answer {
        status: 200,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: br#"{"ID": 8, "keyName": "other"}"#.to_vec(),
    };
    (env.sandbox).inject(Fault::new("GET", "/api/apikeys/1", action));
    contains(env.run(["show-key", "1"]).failure(1), &["ID 8"]);
}

#[test]
fn a_sparse_response_is_enough() {
    for choice in ["sparse", "future"] {
        let env = TestEnv::with(answering_unknowns(&[("answer-fields", choice)]));
        env.sandbox.add_key("ci", 2);
        let text = env.run(["show-key", "ci"]);
        contains(text.success(), &["ci"]);
        let document = env.run(["show-key", "1", "-o", "json"]).json();
        assert_eq!(document["keyName"], "ci");
    }
}

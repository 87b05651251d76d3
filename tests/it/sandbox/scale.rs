//! A sandbox with many keys and roles. It must be fast, so that no test waits for it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::Client;

#[test]
fn many_keys_and_roles_can_be_added_at_once() {
    let mut client = Client::signed_in(|_| {});
    assert_eq!(client.sandbox.add_keys(3), 1..4);
    assert_eq!(client.sandbox.add_roles(2), 3..5);
    let names = |list: &Value, field: &str| -> Vec<String> {
        let items = list.as_array().expect("a list").iter();
        items
            .map(|item| item[field].as_str().expect("a name").to_owned())
            .collect()
    };
    let keys = client.get("/api/apikeys").json();
    assert_eq!(
        names(&keys["apiKeys"], "keyName"),
        ["key-000001", "key-000002", "key-000003"]
    );
    let roles = client.get("/api/roles").json();
    assert_eq!(
        names(&roles["roles"], "name"),
        ["Full Access", "Auditor", "role-000001", "role-000002"]
    );
}

/// Returns the criteria of a search for this name, with additional fields.
fn criteria(field: &str, name: &str, more: Value) -> Value {
    let mut criterion = json!({"fieldName": field, "stringTest": "equal", "stringValue": name});
    let more = more.as_object().expect("an object").clone();
    criterion.as_object_mut().expect("an object").extend(more);
    json!({"searchCriteria": [criterion], "sortByObjectID": true})
}

fn ids(answer: &Value, list: &str) -> Vec<i64> {
    let items = answer[list].as_array().expect("a list").iter();
    items
        .map(|item| item["ID"].as_i64().expect("an ID"))
        .collect()
}

/// The index must reflect renames and deletions, so that every response equals that of a search through all objects.
#[test]
fn the_index_agrees_with_the_objects() {
    let mut client = Client::signed_in(|settings| {
        settings.unknowns.duplicate_name = None;
        settings.unknowns.ignore_case = true;
    });
    let keys = ["ci", "CI", "c_i", "cXi", "ÄRGER", "ärger"].map(|name| {
        let created = client.create(name, 2);
        created["ID"].as_i64().expect("an ID")
    });
    let [
        lower,
        upper,
        underscore,
        between,
        umlaut_upper,
        umlaut_lower,
    ] = keys;
    let find = |client: &mut Client, name: &str, more: Value| -> Vec<i64> {
        let body = criteria("keyName", name, more);
        ids(&client.post("/api/apikeys/search", &body).json(), "apiKeys")
    };
    let exact = || json!({"stringWildcards": false});
    assert_eq!(find(&mut client, "ci", json!({})), [lower, upper]);
    assert_eq!(find(&mut client, "c_i", exact()), [underscore]);
    assert_eq!(find(&mut client, "c_i", json!({})), [underscore, between]);
    assert_eq!(
        find(&mut client, "Ärger", exact()),
        [umlaut_upper, umlaut_lower]
    );
    assert_eq!(
        find(&mut client, "ci", json!({"stringTest": "not-equal"})),
        [underscore, between, umlaut_upper, umlaut_lower]
    );
    let second = json!({"idTest": "greater-than", "idValue": lower});
    assert_eq!(find(&mut client, "ci", second), [upper]);
    client
        .sandbox
        .edit_key(upper, |key| key.name = Some("other".to_owned()));
    assert_eq!(find(&mut client, "ci", exact()), [lower]);
    assert_eq!(find(&mut client, "OTHER", exact()), [upper]);
    client.sandbox.remove_key(lower);
    assert_eq!(find(&mut client, "ci", exact()), [0_i64; 0]);
    client
        .sandbox
        .change(|settings| settings.unknowns.ignore_case = false);
    assert_eq!(find(&mut client, "OTHER", exact()), [0_i64; 0]);
    assert_eq!(find(&mut client, "other", exact()), [upper]);
}

#[test]
fn a_renamed_role_is_found_only_by_its_new_name() {
    let mut client = Client::signed_in(|_| {});
    client.sandbox.add_roles(1);
    let find = |client: &mut Client, name: &str| -> Vec<i64> {
        let body = criteria("name", name, json!({}));
        ids(&client.post("/api/roles/search", &body).json(), "roles")
    };
    assert_eq!(find(&mut client, "role-000001"), [3]);
    let renamed = client.post("/api/roles/3", &json!({"name": "Operator"}));
    assert_eq!(renamed.status, 200, "{}", renamed.text());
    assert_eq!(find(&mut client, "role-000001"), [0_i64; 0]);
    assert_eq!(find(&mut client, "operator"), [3]);
    assert_eq!(client.delete("/api/roles/3").status, 200);
    assert_eq!(find(&mut client, "operator"), [0_i64; 0]);
}

/// A search through all keys would take many times longer than this limit, even in a debug build. The fastest of several searches counts, because the
/// machine may be busy.
#[test]
fn a_search_among_a_hundred_thousand_names_uses_the_index() {
    let mut client = Client::signed_in(|_| {});
    client.sandbox.add_keys(100_000);
    client.sandbox.add_roles(1_000);
    let searches = [
        (
            "/api/apikeys/search",
            criteria("keyName", "key-099999", json!({})),
            "apiKeys",
        ),
        (
            "/api/roles/search",
            criteria("name", "role-000999", json!({})),
            "roles",
        ),
    ];
    for (path, body, list) in searches {
        let mut quickest = Duration::MAX;
        for _ in 0..20 {
            let begun = Instant::now();
            let answer = client.post(path, &body);
            quickest = quickest.min(begun.elapsed());
            assert_eq!(ids(&answer.json(), list).len(), 1);
        }
        assert!(quickest < Duration::from_millis(10), "{path}: {quickest:?}");
    }
}

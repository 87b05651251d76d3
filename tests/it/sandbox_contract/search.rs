//! Searching roles and keys (manager-api.md, section 5.1).

use serde_json::{Value, json};

use super::client::Client;

fn ids(answer: &Value) -> Vec<i64> {
    let list = answer
        .get("roles")
        .or_else(|| answer.get("apiKeys"))
        .and_then(Value::as_array)
        .expect("a list");
    list.iter()
        .map(|item| item["ID"].as_i64().expect("an ID"))
        .collect()
}

/// The IDs that these criteria find, sorted by the manager.
fn find(client: &mut Client, what: &str, criteria: Value) -> Vec<i64> {
    let body = json!({"searchCriteria": criteria, "sortByObjectID": true});
    let answer = client.post(&format!("/api/{what}/search"), &body);
    assert_eq!(answer.status, 200, "{body}: {}", answer.text());
    ids(&answer.json())
}

fn with_roles(names: &[&str]) -> Client {
    Client::signed_in(|settings| {
        settings.roles = names.iter().map(|name| json!({"name": name})).collect()
    })
}

#[test]
fn wildcards_are_on_by_default_even_for_equal() {
    let mut client = with_roles(&["Dev_Read", "DevXRead", "100%"]);
    let test =
        |value: &str| json!([{"fieldName": "name", "stringTest": "equal", "stringValue": value}]);
    assert_eq!(find(&mut client, "roles", test("Dev_Read")), [3, 4]);
    assert_eq!(find(&mut client, "roles", test("%ead%")), [3, 4]);
    assert_eq!(find(&mut client, "roles", test("%")), [1, 2, 3, 4, 5]);
    let exact = |value: &str| json!([{"fieldName": "name", "stringValue": value, "stringWildcards": false}]);
    assert_eq!(find(&mut client, "roles", exact("Dev_Read")), [3]);
    assert_eq!(find(&mut client, "roles", exact("100%")), [5]);
    assert_eq!(find(&mut client, "roles", exact("%")), [0_i64; 0]);
    let not = json!([{"fieldName": "name", "stringTest": "not-equal", "stringValue": "Dev_Read"}]);
    assert_eq!(find(&mut client, "roles", not), [1, 2, 5]);
}

#[test]
fn case_matters_only_where_it_is_played_so() {
    let mut client = with_roles(&["auditor"]);
    let criteria =
        json!([{"fieldName": "name", "stringValue": "AUDITOR", "stringWildcards": false}]);
    assert_eq!(find(&mut client, "roles", criteria.clone()), [2, 3]);
    client
        .sandbox
        .change(|settings| settings.unknowns.ignore_case = false);
    assert_eq!(find(&mut client, "roles", criteria), [0_i64; 0]);
}

#[test]
fn several_criteria_must_all_hold_and_none_finds_everything() {
    let mut client = with_roles(&["Dev_Read"]);
    let both = json!([{"fieldName": "name", "stringValue": "%e%"}, {"idTest": "greater-than", "idValue": 1}]);
    assert_eq!(find(&mut client, "roles", both), [3]);
    assert_eq!(find(&mut client, "roles", json!([])), [1, 2, 3]);
    let request = client.signed(super::client::Request::new("POST", "/api/roles/search"));
    assert_eq!(ids(&client.raw(&request).json()).len(), 3, "no body at all");
}

#[test]
fn misspelled_keys_are_passed_over_in_silence() {
    let mut client = with_roles(&["Dev_Read"]);
    let body = json!({"max_items": 1, "search_criteria": [{"field_name": "name", "string_value": "Auditor"}]});
    assert_eq!(
        ids(&client.post("/api/roles/search", &body).json()).len(),
        3
    );
}

#[test]
fn pages_go_by_id() {
    let mut client = Client::signed_in(|_| {});
    for number in 0..25 {
        client.sandbox.add_key(&format!("key {}", number % 10), 2);
    }
    let (mut last, mut seen) = (0, Vec::<i64>::new());
    loop {
        let criteria = json!([{"idTest": "greater-than", "idValue": last}, {"fieldName": "keyName", "stringValue": "key%"}]);
        let body = json!({"maxItems": 10, "sortByObjectID": true, "searchCriteria": criteria});
        let page = ids(&client.post("/api/apikeys/search", &body).json());
        seen.extend(&page);
        let Some(id) = page.last().filter(|_| page.len() == 10) else {
            break;
        };
        last = *id;
    }
    assert_eq!(seen, (1..=25).collect::<Vec<i64>>());
}

#[test]
fn without_sorting_the_order_is_not_by_id_and_five_thousand_are_the_most() {
    let mut client = Client::signed_in(|_| {});
    for _ in 0..5_010 {
        client.sandbox.add_key("one of many", 2);
    }
    let unsorted = ids(&client.post("/api/apikeys/search", &json!({})).json());
    assert_eq!(unsorted.len(), 5_000);
    assert!(!unsorted.is_sorted());
    assert_eq!(
        ids(&client.get("/api/apikeys").json()).len(),
        5_010,
        "a list is whole"
    );
    assert_eq!(
        ids(&client.post("/api/roles/search", &json!({})).json()),
        [2, 1]
    );
}

#[test]
fn numbers_booleans_dates_nulls_ids_choices_and_versions_are_tested() {
    let mut client = Client::signed_in(|_| {});
    for name in ["1.9", "1.10", "2"] {
        client.sandbox.add_key(name, 2);
    }
    client.sandbox.edit_key(1, |key| {
        (key.role_id, key.active, key.created, key.expiry_date) = (1, false, 1000, Some(9_000));
    });
    client.sandbox.edit_key(2, |key| {
        (key.locale, key.created) = ("ja-JP".to_owned(), 2000)
    });
    client.sandbox.edit_key(3, |key| key.created = 3000);
    for (criterion, expected) in [
        (
            json!({"fieldName": "roleID", "numericTest": "less-than", "numericValue": 2}),
            vec![1],
        ),
        (
            json!({"fieldName": "roleID", "numericTest": "greater-than-or-equal", "numericValue": 1.5}),
            vec![2, 3],
        ),
        (json!({"fieldName": "roleID", "numericValue": 1}), vec![1]),
        (
            json!({"fieldName": "roleID", "numericTest": "not-equal", "numericValue": 1}),
            vec![2, 3],
        ),
        (
            json!({"fieldName": "active", "booleanTest": true}),
            vec![2, 3],
        ),
        (
            json!({"fieldName": "active", "booleanTest": false}),
            vec![1],
        ),
        (
            json!({"fieldName": "expiryDate", "nullTest": true}),
            vec![2, 3],
        ),
        (
            json!({"fieldName": "expiryDate", "nullTest": false}),
            vec![1],
        ),
        (
            json!({"fieldName": "created", "firstDateValue": 2000}),
            vec![2, 3],
        ),
        (
            json!({"fieldName": "created", "firstDateValue": 2000, "firstDateInclusive": false}),
            vec![3],
        ),
        (
            json!({"fieldName": "created", "firstDateValue": 1000, "lastDateValue": 2000}),
            vec![1, 2],
        ),
        (
            json!({"fieldName": "created", "lastDateValue": 2000, "lastDateInclusive": false}),
            vec![1],
        ),
        (
            json!({"fieldName": "expiryDate", "firstDateValue": 0}),
            vec![1],
        ),
        (json!({"idTest": "not-equal", "idValue": 2}), vec![1, 3]),
        (
            json!({"idTest": "less-than-or-equal", "idValue": 2}),
            vec![1, 2],
        ),
        (json!({"fieldName": "ID", "idValue": 2}), vec![2]),
        (
            json!({"fieldName": "locale", "choiceTest": "equal", "choiceValue": "ja-JP"}),
            vec![2],
        ),
        (
            json!({"fieldName": "locale", "choiceTest": "not-equal", "choiceValue": "ja-JP"}),
            vec![1, 3],
        ),
        (
            json!({"fieldName": "keyName", "versionTest": "less-than", "versionValue": "1.10"}),
            vec![1],
        ),
        (
            json!({"fieldName": "description", "stringValue": "%"}),
            vec![],
        ),
    ] {
        assert_eq!(
            find(&mut client, "apikeys", json!([criterion])),
            expected,
            "{criterion}"
        );
    }
}

#[test]
fn a_search_that_makes_no_sense_is_refused() {
    let mut client = Client::signed_in(|_| {});
    for criterion in [
        json!({"fieldName": "keyName", "stringTest": "like", "stringValue": "x"}),
        json!({"fieldName": "keyName", "stringTest": "equal"}),
        json!({"fieldName": "keyName", "stringValue": "x", "stringWildcards": "false"}),
        json!({"fieldName": "keyname", "stringValue": "x"}),
        json!({"fieldName": "active", "stringValue": "x"}),
        json!({"stringValue": "x"}),
        json!({"idTest": "equal", "idValue": "1"}),
        json!("x"),
    ] {
        let answer = client.post(
            "/api/apikeys/search",
            &json!({"searchCriteria": [criterion]}),
        );
        assert_eq!(answer.status, 400, "{criterion}: {}", answer.text());
    }
    for filter in [
        json!({"maxItems": "9"}),
        json!({"maxItems": -1}),
        json!({"searchCriteria": {}}),
        json!({"sortByObjectID": 1}),
    ] {
        assert_eq!(
            client.post("/api/roles/search", &filter).status,
            400,
            "{filter}"
        );
    }
}

#[test]
fn a_manager_may_ignore_the_criteria() {
    let mut client = Client::signed_in(|settings| settings.unknowns.ignore_search = true);
    assert_eq!(
        find(
            &mut client,
            "roles",
            json!([{"fieldName": "name", "stringValue": "Auditor"}])
        ),
        [1, 2]
    );
}

//! Searches for roles and keys (docs/manager-api.md, "Search").

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

/// Returns the IDs that these criteria find, sorted by the manager.
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
fn case_matters_only_if_configured() {
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
fn several_criteria_are_combined_and_no_criterion_finds_everything() {
    let mut client = with_roles(&["Dev_Read"]);
    let both = json!([{"fieldName": "name", "stringValue": "%e%"}, {"idTest": "greater-than", "idValue": 1}]);
    assert_eq!(find(&mut client, "roles", both), [3]);
    assert_eq!(find(&mut client, "roles", json!([])), [1, 2, 3]);
    let request = client.signed(super::client::Request::new("POST", "/api/roles/search"));
    assert_eq!(ids(&client.raw(&request).json()).len(), 3, "no body at all");
}

#[test]
fn misspelled_criteria_are_ignored() {
    let mut client = with_roles(&["Dev_Read"]);
    let body = json!({"max_items": 1, "search_criteria": [{"field_name": "name", "string_value": "Auditor"}]});
    assert_eq!(
        ids(&client.post("/api/roles/search", &body).json()).len(),
        3
    );
}

#[test]
fn pages_are_ordered_by_id() {
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
fn without_sorting_the_order_is_not_by_id_and_a_page_is_limited_to_five_thousand() {
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

/// Adds three keys that differ in every field that a search supports.
fn three_keys() -> Client {
    let client = Client::signed_in(|_| {});
    for name in ["1.9", "1.10", "2"] {
        client.sandbox.add_key(name, 2);
    }
    client.sandbox.edit_key(1, |key| {
        (key.role_id, key.active, key.created) = (1, false, 1000);
        key.expiry_date = Some(9_000);
    });
    client.sandbox.edit_key(2, |key| {
        (key.locale, key.created) = ("ja-JP".to_owned(), 2000)
    });
    client.sandbox.edit_key(3, |key| key.created = 3000);
    client
}

#[track_caller]
fn assert_found<const N: usize>(cases: [(Value, &[i64]); N]) {
    let mut client = three_keys();
    for (criterion, expected) in cases {
        assert_eq!(
            find(&mut client, "apikeys", json!([criterion])),
            expected,
            "{criterion}"
        );
    }
}

#[test]
fn numbers_and_ids_are_compared() {
    let role = |test: &str, value: f64| json!({"fieldName": "roleID", "numericTest": test, "numericValue": value});
    let id = |test: &str| json!({"idTest": test, "idValue": 2});
    assert_found([
        (role("less-than", 2.0), &[1]),
        (role("less-than-or-equal", 2.0), &[1, 2, 3]),
        (role("equal", 1.0), &[1]),
        (role("greater-than-or-equal", 1.5), &[2, 3]),
        (role("greater-than", 2.0), &[]),
        (role("not-equal", 1.0), &[2, 3]),
        (json!({"fieldName": "roleID", "numericValue": 1}), &[1]),
        (id("less-than"), &[1]),
        (id("less-than-or-equal"), &[1, 2]),
        (id("equal"), &[2]),
        (id("greater-than-or-equal"), &[2, 3]),
        (id("greater-than"), &[3]),
        (id("not-equal"), &[1, 3]),
        (json!({"fieldName": "ID", "idValue": 2}), &[2]),
    ]);
}

#[test]
fn booleans_and_nulls_are_tested() {
    assert_found([
        (json!({"fieldName": "active", "booleanTest": true}), &[2, 3]),
        (json!({"fieldName": "active", "booleanTest": false}), &[1]),
        (
            json!({"fieldName": "expiryDate", "nullTest": true}),
            &[2, 3],
        ),
        (json!({"fieldName": "expiryDate", "nullTest": false}), &[1]),
        (json!({"fieldName": "description", "stringValue": "%"}), &[]),
        (
            json!({"fieldName": "description", "stringTest": "not-equal", "stringValue": "x"}),
            &[],
        ),
    ]);
}

#[test]
fn dates_are_ranges_with_their_ends() {
    let created = |range: Value| {
        let mut criterion = range;
        criterion["fieldName"] = json!("created");
        criterion
    };
    assert_found([
        (created(json!({"firstDateValue": 2000})), &[2, 3]),
        (
            created(json!({"firstDateValue": 2000, "firstDateInclusive": false})),
            &[3],
        ),
        (created(json!({"lastDateValue": 2000})), &[1, 2]),
        (
            created(json!({"lastDateValue": 2000, "lastDateInclusive": false})),
            &[1],
        ),
        (
            created(json!({"firstDateValue": 1500, "lastDateValue": 2500})),
            &[2],
        ),
        (
            json!({"fieldName": "expiryDate", "firstDateValue": 0}),
            &[1],
        ),
    ]);
}

#[test]
fn choices_and_versions_are_tested() {
    let locale =
        |test: &str| json!({"fieldName": "locale", "choiceTest": test, "choiceValue": "ja-JP"});
    let name =
        |test: &str| json!({"fieldName": "keyName", "versionTest": test, "versionValue": "1.10"});
    assert_found([
        (locale("equal"), &[2]),
        (locale("not-equal"), &[1, 3]),
        (name("less-than"), &[1]),
        (name("greater-than-or-equal"), &[2, 3]),
    ]);
}

#[test]
fn an_invalid_search_is_rejected() {
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

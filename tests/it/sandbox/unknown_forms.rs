//! The open questions about the form of responses and about stored texts.

use serde_json::{Value, json};

use super::client::{Client, Request};
use super::unknowns::client_with_choice;

#[test]
fn names_are_trimmed_and_answers_have_more_or_fewer_fields() {
    assert_eq!(
        client_with_choice("trim-names", "no").create(" k ", 2)["keyName"],
        " k "
    );
    assert_eq!(
        client_with_choice("trim-names", "yes").create(" k ", 2)["keyName"],
        "k"
    );
    assert!(
        client_with_choice("answer-fields", "future").create("k", 2)["somethingNew"].is_object()
    );
    let sparse = client_with_choice("answer-fields", "sparse").create("k", 2);
    let names: Vec<&String> = sparse.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["keyName", "secretKey", "ID"]);
    let role = client_with_choice("answer-fields", "sparse")
        .get("/api/roles/2")
        .json();
    assert_eq!(role, json!({"name": "Auditor", "ID": 2}));
}

#[test]
fn errors_have_every_form() {
    let error = |choice| client_with_choice("error-body", choice).get("/api/roles/9");
    let text = "The administrator role does not exist";
    assert_eq!(error("message").json(), json!({"message": text}));
    assert_eq!(error("legacy").json(), json!({"error": {"message": text}}));
    assert_eq!(error("text").text(), text);
    assert!(error("html").text().starts_with("<!doctype html>"));
    assert_eq!(error("empty").text(), "");
    let mut vague = client_with_choice("sign-in-wording", "empty");
    assert_eq!(
        vague
            .sign_in(&json!({"userName": "admin", "password": "x"}))
            .text(),
        ""
    );
}

#[test]
fn a_limited_call_has_three_forms_of_retry_time() {
    let wait = |choice| {
        let mut client = client_with_choice("retry-after", choice);
        client
            .sandbox
            .change(|settings| settings.rate_limit = Some(1));
        client
            .get("/api/roles")
            .header("retry-after")
            .map(str::to_owned)
    };
    assert_eq!(wait("none"), None);
    assert!(wait("seconds").is_some_and(|value| value.parse::<u32>().is_ok()));
    assert!(wait("date").is_some_and(|value| value.ends_with(" GMT")));
}

#[test]
fn texts_may_be_altered_and_searches_may_lag() {
    let body = json!({"keyName": "A (b)", "description": "[c D]", "roleID": 2});
    let create = |client: &mut Client| {
        let request = client.signed(Request::new("POST", "/api/apikeys").json(&body));
        client.raw(&request).json()
    };
    for (choice, name) in [
        ("kept", "A (b)"),
        ("upper", "A (B)"),
        ("lower", "a (b)"),
        ("no-blanks", "A(b)"),
        ("no-brackets", "A b"),
        ("cut", "A (b)"),
    ] {
        let key = create(&mut client_with_choice("key-names", choice));
        assert_eq!(
            (&key["keyName"], &key["description"]),
            (&json!(name), &json!("[c D]"))
        );
    }
    for (choice, text) in [("upper", json!("[C D]")), ("dropped", Value::Null)] {
        assert_eq!(
            create(&mut client_with_choice("descriptions", choice))["description"],
            text
        );
    }
    let mut client = client_with_choice("search-lag", "1s");
    create(&mut client);
    let search = |client: &mut Client| {
        let request = client.signed(Request::new("POST", "/api/apikeys/search").json(&json!({})));
        client.raw(&request).json()["apiKeys"]
            .as_array()
            .map(Vec::len)
    };
    assert_eq!(search(&mut client), Some(0));
    client
        .sandbox
        .advance_clock(std::time::Duration::from_secs(2));
    assert_eq!(search(&mut client), Some(1));
}

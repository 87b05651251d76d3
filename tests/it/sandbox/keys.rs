//! API keys: their fields, their secrets, and authentication with them (docs/manager-api.md, "Authentication" and "Key operations").

use std::time::Duration;

use serde_json::{Value, json};
use swp_keys::sandbox::SecretShape;

use super::client::{Client, Request, Signer};

fn id(key: &Value) -> i64 {
    key["ID"].as_i64().expect("an ID")
}

fn secret(key: &Value) -> Signer {
    Signer::Key(key["secretKey"].as_str().expect("a secret").to_owned())
}

#[test]
fn a_key_is_created_described_modified_reset_and_deleted() {
    let mut client = Client::signed_in(|_| {});
    let created = client.create("first", 2);
    let id = id(&created);
    assert_eq!(
        (created["active"].clone(), created["locale"].clone()),
        (json!(true), json!("en-US"))
    );
    let path = format!("/api/apikeys/{id}");
    let described = client.get(&path).json();
    assert_eq!(
        described.get("secretKey"),
        None,
        "only create and regenerate show it"
    );
    for unset in ["expiryDate", "lastSignIn", "description", "unlockTime"] {
        assert_eq!(described.get(unset), None, "{unset} is absent, not null");
    }
    let modified = client
        .post(&path, &json!({"description": "d", "roleID": 1}))
        .json();
    assert_eq!(
        (
            &modified["description"],
            &modified["roleID"],
            &modified["keyName"]
        ),
        (&json!("d"), &json!(1), &json!("first"))
    );
    let reset = client.post(&format!("{path}/secretkey"), &json!({})).json();
    assert_ne!(reset["secretKey"], created["secretKey"]);
    assert_eq!(
        client.sandbox.api_keys()[0].secret,
        reset["secretKey"].as_str().expect("a secret")
    );
    let deleted = client.delete(&path);
    assert_eq!((deleted.status, deleted.body.len()), (200, 0));
    assert_eq!(
        (client.get(&path).status, client.delete(&path).status),
        (404, 404)
    );
    assert_eq!(
        client.create("second", 2)["ID"],
        id + 1,
        "IDs are not used again"
    );
}

#[test]
fn a_secret_is_replaced_without_a_body_or_content_type() {
    let mut client = Client::signed_in(|_| {});
    let created = client.create("first", 1);
    let request = client.signed(Request::new(
        "POST",
        format!("/api/apikeys/{}/secretkey", created["ID"]),
    ));
    assert_eq!(client.raw(&request).status, 200);
    client.signer = secret(&created);
    assert_eq!(
        client.get("/api/apikeys/current").status,
        401,
        "the old secret is dead at once"
    );
}

#[test]
fn secrets_can_have_every_known_shape() {
    let mut client = Client::signed_in(|settings| settings.unknowns.duplicate_name = None);
    for shape in SecretShape::WORDS {
        let shape = SecretShape::named(shape).expect("a shape");
        client
            .sandbox
            .change(|settings| settings.secret_shape = shape);
        let key = client.create("shaped", 2);
        let secret = key["secretKey"].as_str().expect("a secret");
        let parts: Vec<&str> = secret.split(':').collect();
        let guid =
            |text: &str| text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
        assert_eq!(
            parts.last().map(|part| part.len()),
            Some(44),
            "base64 of 32 bytes: {secret}"
        );
        assert!(
            match shape {
                SecretShape::IdBase64 => parts.len() == 2 && parts[0].parse() == Ok(id(&key)),
                SecretShape::GuidBase64 => parts.len() == 2 && guid(parts[0]),
                SecretShape::GuidGuidBase64 => parts.len() == 3 && guid(parts[0]) && guid(parts[1]),
                SecretShape::CloudOne => parts.len() == 2 && parts[0].starts_with("tmc"),
            },
            "{secret}"
        );
    }
}

#[test]
fn a_key_works_until_it_is_locked_expired_or_deleted() {
    let mut client = Client::signed_in(|_| {});
    let expiry = client.sandbox.now() + 60_000;
    let body = json!({"keyName": "mortal", "roleID": 1, "expiryDate": expiry});
    let key = client.post("/api/apikeys", &body).json();
    let id = id(&key);
    client.signer = secret(&key);
    let current = client.get("/api/apikeys/current").json();
    assert_eq!(
        (&current["keyName"], &current["expiryDate"]),
        (&json!("mortal"), &json!(expiry))
    );
    assert!(
        current["tenantGUID"].is_string()
            && current["roleURN"].is_string()
            && current["lastSignIn"].is_i64()
    );
    client.sandbox.edit_key(id, |key| key.active = false);
    assert_eq!(client.get("/api/roles").status, 403, "locked");
    client.sandbox.edit_key(id, |key| key.active = true);
    assert_eq!(client.get("/api/roles").status, 200);
    client.sandbox.advance_clock(Duration::from_secs(61));
    assert_eq!(client.get("/api/roles").status, 403, "expired");
    client.sandbox.edit_key(id, |key| key.expiry_date = None);
    assert_eq!(client.delete(&format!("/api/apikeys/{id}")).status, 200);
    assert_eq!(client.get("/api/roles").status, 401, "deleted");
}

#[test]
fn wrong_secrets_are_counted_and_lock_the_key_for_a_while() {
    let mut client = Client::signed_in(|settings| settings.key_attempts = 3);
    let session = client.signer.clone();
    let key = client.create("guessed", 1);
    let path = format!("/api/apikeys/{}", key["ID"]);
    client.signer = Signer::Key(format!("{}:wrong", key["ID"]));
    for _ in 0..2 {
        assert_eq!(client.get("/api/roles").status, 401);
    }
    client.signer = session.clone();
    assert_eq!(client.get(&path).json()["unsuccessfulSignInAttempts"], 2);
    client.signer = Signer::Key(format!("{}:wrong", key["ID"]));
    assert_eq!(client.get("/api/roles").status, 401);
    client.signer = session;
    let locked = client.get(&path).json();
    assert_eq!(locked["active"], false);
    assert!(locked["unlockTime"].as_i64() > Some(client.sandbox.now()));
    client.signer = secret(&key);
    assert_eq!(client.get("/api/roles").status, 403, "locked");
    client.sandbox.advance_clock(Duration::from_secs(31 * 60));
    assert_eq!(client.get("/api/roles").status, 200, "unlocked by time");
    assert_eq!(client.get(&path).json()["unsuccessfulSignInAttempts"], 0);
}

#[test]
fn cloud_one_keys_use_the_authorization_header_with_their_scheme() {
    let mut client = Client::signed_in(|settings| settings.cloud_one = true);
    let key = client.create("cloud", 1);
    let secret = key["secretKey"].as_str().expect("a secret");
    let ask = |value: String| Request::new("GET", "/api/roles").header("Authorization", value);
    assert_eq!(client.raw(&ask(format!("ApiKey {secret}"))).status, 200);
    assert_eq!(client.raw(&ask(secret.to_owned())).status, 401);
    let both = client.signed(ask(secret.to_owned()));
    assert_eq!(
        client.raw(&both).status,
        401,
        "a session does not make it good"
    );
    client.sandbox.change(|settings| settings.cloud_one = false);
    assert_eq!(client.raw(&ask(format!("ApiKey {secret}"))).status, 401);
}

#[test]
fn a_key_changes_only_four_fields_of_itself() {
    let mut client = Client::signed_in(|_| {});
    let key = client.create("own", 1);
    client.signer = secret(&key);
    let answer = client.post(
        "/api/apikeys/current",
        &json!({"keyName": "renamed", "locale": "ja-JP"}),
    );
    assert_eq!(
        (answer.status, &answer.json()["keyName"]),
        (200, &json!("renamed"))
    );
    assert_eq!(
        client
            .post("/api/apikeys/current", &json!({"roleID": 2}))
            .status,
        403
    );
    let reset = client
        .post("/api/apikeys/current/secretkey", &json!({}))
        .json();
    client.signer = secret(&reset);
    assert_eq!(client.get("/api/apikeys/current").status, 200);
}

#[test]
fn current_requires_a_key_instead_of_a_session() {
    let mut client = Client::signed_in(|_| {});
    assert_eq!(client.get("/api/apikeys/current").status, 403);
}

#[test]
fn invalid_values_are_rejected_and_create_nothing() {
    let mut client = Client::signed_in(|_| {});
    for wrong in [
        json!({"roleID": 99}),
        json!({"roleID": "two"}),
        json!({"roleID": null}),
        json!({"locale": "de-DE"}),
        json!({"timeZone": "Mars/Olympus"}),
        json!({"active": "true"}),
        json!({"expiryDate": 1_600_000_000_000_i64}),
        json!({"expiryDate": "tomorrow"}),
        json!({"keyName": 7}),
        json!(["keyName"]),
    ] {
        let answer = client.post("/api/apikeys", &wrong);
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text());
        assert!(!answer.message().is_empty());
    }
    assert!(client.sandbox.api_keys().is_empty());
}

#[test]
fn read_only_fields_are_ignored_and_quoted_role_ids_are_accepted() {
    let mut client = Client::signed_in(|_| {});
    let body = json!({"keyName": "k", "roleID": "2", "ID": 77, "created": 5, "secretKey": "mine", "unknown": {"a": 1}});
    let key = client.post("/api/apikeys", &body).json();
    assert_eq!((&key["ID"], &key["roleID"]), (&json!(1), &json!(2)));
    assert!(key["created"].as_i64() > Some(5) && key["secretKey"] != "mine");
}

#[test]
fn an_expiry_is_cleared_by_zero() {
    let mut client = Client::signed_in(|_| {});
    let expiry = client.sandbox.now() + 1_000_000;
    let key = client
        .post(
            "/api/apikeys",
            &json!({"keyName": "k", "roleID": 2, "expiryDate": expiry}),
        )
        .json();
    let changed = client
        .post(
            &format!("/api/apikeys/{}", key["ID"]),
            &json!({"expiryDate": 0}),
        )
        .json();
    assert_eq!(changed.get("expiryDate"), None);
}

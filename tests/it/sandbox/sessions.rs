//! Sign-in, sessions and sign-out (docs/manager-api.md, "Sign-in" and "Sign-out").

use std::time::Duration;

use serde_json::json;
use swp_keys::sandbox::{Settings, SignInWording};

use super::client::{Client, Request, Signer};

fn credentials() -> serde_json::Value {
    json!({"userName": "admin", "password": Settings::DEFAULT_PASSWORD})
}

#[test]
fn a_sign_in_response_matches_the_vendors_documentation() {
    let mut client = Client::start(Settings::default());
    let answer = client.sign_in(&credentials());
    assert_eq!(answer.status, 200);
    let cookie = answer.header("set-cookie").expect("a cookie");
    let sid = cookie
        .strip_prefix("sID=")
        .and_then(|rest| rest.strip_suffix("; Path=/; Secure; HttpOnly"));
    let upper_hex =
        |text: &str| text.len() == 32 && text.bytes().all(|b| b"0123456789ABCDEF".contains(&b));
    assert!(sid.is_some_and(upper_hex), "{cookie}");
    let body = answer.json();
    assert!(upper_hex(body["RID"].as_str().expect("a RID")));
    assert_eq!(body["accessType"], "webService");
    assert!(body["created"].as_i64() > Some(1_700_000_000_000));
    assert_eq!(answer.header("cache-control"), Some("no-cache,no-store"));
    assert!(answer.header("x-frame-options").is_some() && answer.header("x-dsm-version").is_some());
    assert_eq!(client.sandbox.live_sessions(), 1);
}

#[test]
fn the_vendors_two_calls_create_a_key_with_the_complete_cookie() {
    let mut client = Client::start(Settings::default());
    let answer = client.sign_in(&credentials());
    let (cookie, rid) = (
        answer.header("set-cookie").expect("a cookie").to_owned(),
        answer.json()["RID"].clone(),
    );
    let request = Request::new("POST", "/api/apikeys")
        .header("Cookie", cookie)
        .header("rID", rid.as_str().expect("a RID"))
        .json(&json!({"keyName": "Example", "description": "d", "locale": "en-US", "roleID": 1, "timeZone": "America/New_York"}));
    let key = client.raw(&request);
    assert_eq!(key.status, 200, "{}", key.text());
    assert_eq!(
        key.json()["secretKey"],
        client.sandbox.api_keys()[0].secret.as_str()
    );
}

#[test]
fn wrong_passwords_lock_the_account_and_the_right_one_does_not_unlock_it() {
    let mut client = Client::start(Settings {
        sign_in_attempts: 3,
        ..Settings::default()
    });
    for _ in 0..3 {
        let answer = client.sign_in(&json!({"userName": "admin", "password": "wrong"}));
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (401, "The user name or the password is incorrect.")
        );
    }
    let answer = client.sign_in(&credentials());
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (401, "The user account is locked out.")
    );
    client.sandbox.set_locked(false);
    assert_eq!(client.sign_in(&credentials()).status, 200);
}

#[test]
fn other_users_do_not_lock_the_account() {
    let mut client = Client::start(Settings {
        sign_in_attempts: 1,
        ..Settings::default()
    });
    assert_eq!(
        client
            .sign_in(&json!({"userName": "Admin2", "password": "x"}))
            .status,
        401
    );
    assert!(!client.sandbox.is_locked());
}

#[test]
fn tenant_and_code_must_be_correct_if_required() {
    let settings = Settings {
        tenant: Some("Blue".into()),
        mfa_code: Some("012345".into()),
        ..Settings::default()
    };
    let mut client = Client::start(settings);
    let mut body = credentials();
    assert_eq!(client.sign_in(&body).message(), "The tenant was not found.");
    body["tenantName"] = json!("Blue");
    assert_eq!(
        client.sign_in(&body).message(),
        "A multi-factor authentication code is required."
    );
    body["mfaCode"] = json!("999999");
    assert_eq!(
        client.sign_in(&body).message(),
        "The multi-factor authentication code is incorrect."
    );
    body["mfaCode"] = json!(12345);
    assert_eq!(client.sign_in(&body).status, 400);
    body["mfaCode"] = json!("012345");
    assert_eq!(client.sign_in(&body).status, 200);
}

#[test]
fn a_user_of_the_primary_tenant_has_no_tenant_name() {
    let mut client = Client::start(Settings::default());
    let mut body = credentials();
    body["tenantName"] = json!("Blue");
    assert_eq!(client.sign_in(&body).status, 401);
}

#[test]
fn an_expired_password_and_too_many_sessions_are_rejected() {
    let mut client = Client::start(Settings {
        sessions_max: 1,
        password_expired: true,
        ..Settings::default()
    });
    assert_eq!(
        client.sign_in(&credentials()).message(),
        "The password has expired."
    );
    client
        .sandbox
        .change(|settings| settings.password_expired = false);
    assert_eq!(client.sign_in(&credentials()).status, 200);
    assert_eq!(
        client.sign_in(&credentials()).message(),
        "MaxSessionsException occurred when authenticating user [admin]"
    );
    assert_eq!(client.sandbox.live_sessions(), 1);
}

#[test]
fn a_manager_may_send_one_message_for_every_cause() {
    let mut settings = Settings {
        mfa_code: Some("1".into()),
        ..Settings::default()
    };
    settings.unknowns.sign_in_wording = SignInWording::Vague;
    let mut client = Client::start(settings);
    let code_missing = client.sign_in(&credentials()).text();
    assert_eq!(
        code_missing,
        client
            .sign_in(&json!({"userName": "admin", "password": "x"}))
            .text()
    );
}

#[test]
fn both_halves_of_a_session_are_needed_and_must_belong_together() {
    let mut client = Client::signed_in(|_| {});
    let other = client.session();
    let (Signer::Session { sid, rid }, Signer::Session { rid: other_rid, .. }) =
        (client.signer.clone(), other)
    else {
        panic!("two sessions")
    };
    let cookie = format!("other=1; sID={sid}");
    let read = Request::new("GET", "/api/roles").header("Cookie", cookie);
    assert_eq!(client.raw(&read).status, 401);
    assert_eq!(
        client.raw(&read.clone().header("rID", other_rid)).status,
        401
    );
    assert_eq!(client.raw(&read.header("rID", &rid)).status, 200);
    assert_eq!(
        client
            .raw(&Request::new("GET", "/api/roles").header("rID", rid))
            .status,
        401
    );
}

#[test]
fn sessions_end_by_idle_time_by_age_and_by_sign_out() {
    let idle = Duration::from_secs(60);
    let mut client = Client::signed_in(|settings| {
        settings.session_idle = idle;
        settings.session_max = idle * 3;
    });
    for _ in 0..3 {
        assert_eq!(client.get("/api/roles").status, 200);
        client.sandbox.advance_clock(idle * 9 / 10);
    }
    assert_eq!(client.get("/api/roles").status, 200);
    client.sandbox.advance_clock(idle * 9 / 10);
    assert_eq!(
        client.get("/api/roles").status,
        401,
        "older than its greatest age"
    );
    client.signer = client.session();
    client.sandbox.advance_clock(idle);
    assert_eq!(client.get("/api/roles").status, 401, "idle for too long");
    assert_eq!(client.sandbox.live_sessions(), 0);
}

#[test]
fn a_session_is_ended_with_its_cookie_and_request_id() {
    let mut client = Client::signed_in(|_| {});
    let Signer::Session { sid, .. } = client.signer.clone() else {
        panic!("a session")
    };
    let end = Request::new("DELETE", "/api/sessions/current");
    let without_request_id = end.header("Cookie", format!("sID={sid}"));
    assert_eq!(client.raw(&without_request_id).status, 401);
    assert_eq!(client.sandbox.live_sessions(), 1);
    assert_eq!(client.delete("/api/sessions/current").status, 200);
    assert_eq!(client.sandbox.live_sessions(), 0);
    assert_eq!(client.get("/api/roles").status, 401);
}

#[test]
fn the_legacy_sign_out_ends_the_session() {
    let mut client = Client::signed_in(|_| {});
    let Signer::Session { sid, .. } = client.signer.clone() else {
        panic!("a session")
    };
    let without_name = Request::bare("DELETE", format!("/rest/authentication/logout?{sid}"));
    assert_eq!(client.raw(&without_name).status, 200);
    assert_eq!(
        client.sandbox.live_sessions(),
        1,
        "without `sID=` it does nothing"
    );
    let answer = client.raw(&Request::bare(
        "DELETE",
        format!("/rest/authentication/logout?sID={sid}"),
    ));
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("text/plain"))
    );
    assert_eq!(client.sandbox.live_sessions(), 0);
    assert_eq!(client.get("/api/roles").status, 401);
}

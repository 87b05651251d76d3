//! Each open question of the API contract, with each possible behavior.

use serde_json::{Value, json};
use swp_keys::sandbox::{Settings, UNKNOWNS, Unknowns};

use super::client::{Answer, Client, Request, Signer};

pub(super) fn client_with_choice(name: &str, choice: &str) -> Client {
    Client::signed_in(|settings| settings.unknowns.set(name, choice).expect("a choice"))
}

fn credentials() -> Value {
    json!({"userName": "admin", "password": Settings::DEFAULT_PASSWORD})
}

/// Returns the status of a response for each choice of an open question, in the order of the table.
fn statuses(name: &str, mut ask: impl FnMut(&mut Client) -> Answer) -> Vec<u16> {
    let unknown = UNKNOWNS
        .iter()
        .find(|unknown| unknown.name == name)
        .expect("an unknown");
    unknown
        .choices
        .iter()
        .map(|choice| ask(&mut client_with_choice(name, choice)).status)
        .collect()
}

#[test]
fn statuses_of_refused_credentials() {
    let wrong = json!({"userName": "admin", "password": "wrong"});
    assert_eq!(
        statuses("sign-in-refusal", |client| client.sign_in(&wrong)),
        [401, 403, 400, 500]
    );
    let ended = |client: &mut Client| {
        client.sandbox.end_sessions();
        client.get("/api/roles")
    };
    assert_eq!(statuses("expired-session", ended), [401, 403]);
    let bad_key = |client: &mut Client| {
        client.signer = Signer::Key("1:wrong".into());
        client.get("/api/roles")
    };
    assert_eq!(statuses("refused-key", bad_key), [401, 403]);
    let locked = |client: &mut Client| {
        let key = client.sandbox.add_key("locked", 1);
        client.sandbox.edit_key(key.id, |key| key.active = false);
        client.signer = Signer::Key(key.secret);
        client.get("/api/roles")
    };
    assert_eq!(statuses("unusable-key", locked), [403, 401]);
    let sid_alone = |client: &mut Client| {
        let Signer::Session { sid, .. } = client.signer.clone() else {
            panic!("a session")
        };
        let request = Request::new("GET", "/api/roles").header("Cookie", format!("sID={sid}"));
        let write =
            Request::new("POST", "/api/roles/search").header("Cookie", format!("sID={sid}"));
        assert_ne!(client.raw(&write).status, 200, "at most reads");
        client.raw(&request)
    };
    assert_eq!(statuses("sid-alone", sid_alone), [401, 403, 200]);
}

#[test]
fn statuses_of_invalid_values() {
    let create = |body: Value| move |client: &mut Client| client.post("/api/apikeys", &body);
    assert_eq!(
        statuses("invalid", create(json!({"active": "yes"}))),
        [400, 403, 404, 422, 500]
    );
    assert_eq!(
        statuses("unknown-role", create(json!({"roleID": 9}))),
        [400, 403, 404, 500, 200]
    );
    assert_eq!(
        statuses("role-omitted", create(json!({"keyName": "k"}))),
        [200, 400, 403]
    );
    assert_eq!(
        statuses("past-expiry", create(json!({"roleID": 2, "expiryDate": 1}))),
        [400, 403, 200]
    );
    assert_eq!(
        statuses(
            "unknown-time-zone",
            create(json!({"roleID": 2, "timeZone": "x"}))
        ),
        [400, 403, 200]
    );
    assert_eq!(
        statuses("expiry-zero", create(json!({"roleID": 2, "expiryDate": 0}))),
        [200, 200, 400]
    );
    let form = |client: &mut Client| {
        let request = Request::new("POST", "/api/apikeys").body("text/plain", "{}");
        let request = client.signed(request);
        client.raw(&request)
    };
    assert_eq!(statuses("content-type", form), [415, 400, 403]);
    let twice = |client: &mut Client| {
        client.create("same", 2);
        client.post("/api/apikeys", &json!({"keyName": "same", "roleID": 2}))
    };
    assert_eq!(statuses("duplicate-name", twice), [400, 200, 403, 409, 500]);
    let search = json!({"searchCriteria": [{"fieldName": "color", "stringValue": "red"}]});
    assert_eq!(
        statuses("unknown-field", |client| client
            .post("/api/roles/search", &search)),
        [400, 500, 200]
    );
}

#[test]
fn statuses_of_optional_endpoints() {
    assert_eq!(
        statuses("delete-missing", |client| client.delete("/api/apikeys/9")),
        [404, 200]
    );
    assert_eq!(
        statuses("ping", |client| client
            .raw(&Request::bare("GET", "/rest/status/manager/ping"))),
        [200, 404, 403]
    );
    let version = |value: Option<&str>| {
        let value = value.map(str::to_owned);
        move |client: &mut Client| {
            let bare = Request::bare("GET", "/api/roles");
            let request = match &value {
                Some(value) => bare.header("api-version", value),
                None => bare,
            };
            let signed = client.signed(request);
            client.raw(&signed)
        }
    };
    assert_eq!(
        statuses("missing-version", version(None)),
        [400, 403, 404, 200]
    );
    assert_eq!(
        statuses("unknown-version", version(Some("v2"))),
        [400, 403, 404, 200]
    );
    for (choice, status) in [("404", 404), ("403", 403), ("410", 410)] {
        let mut settings = Settings::default();
        settings
            .unknowns
            .set("sessions-endpoint", choice)
            .expect("a choice");
        assert_eq!(
            Client::start(settings).sign_in(&credentials()).status,
            status
        );
    }
}

#[test]
fn permissions_of_sessions_and_roles() {
    assert_eq!(
        statuses("session-roles", |client| client.get("/api/roles")),
        [200, 401, 403]
    );
    assert_eq!(
        statuses("session-keys", |client| client.get("/api/apikeys")),
        [200, 401, 403]
    );
    let create = json!({"keyName": "k", "roleID": 2});
    assert_eq!(
        statuses("session-keys", |client| client
            .post("/api/apikeys", &create)),
        [200, 200, 200]
    );
    let no_web_service = |client: &mut Client| {
        let mut role = json!({"name": "no web service", "rights": {}});
        role["rights"] = json!({"platformRights": {"apikeyRights": {"canViewApiKeys": true}}});
        let id = client.sandbox.add_role(&role).expect("a role");
        client.signer = Signer::Key(client.sandbox.add_key("k", id).secret);
        client.get("/api/apikeys/current")
    };
    assert_eq!(statuses("web-service", no_web_service), [200, 401, 403]);
    let auditor = |client: &mut Client| {
        client.signer = Signer::Key(client.sandbox.add_key("k", 2).secret);
        client.get("/api/apikeys/current")
    };
    assert_eq!(statuses("current-without-view", auditor), [403, 200]);
}

#[test]
fn contents_of_a_successful_sign_in() {
    let unknown = UNKNOWNS
        .iter()
        .find(|unknown| unknown.name == "sign-in-answer")
        .expect("an unknown");
    let mut results = Vec::new();
    for choice in unknown.choices {
        let mut settings = Settings::default();
        settings
            .unknowns
            .set("sign-in-answer", choice)
            .expect("a choice");
        let answer = Client::start(settings).sign_in(&credentials());
        let cookies = answer.headers_of("set-cookie").len();
        let empty = answer
            .header("set-cookie")
            .is_some_and(|cookie| cookie.starts_with("sID=;"));
        let rid = answer.json().get("RID").map(|rid| rid.as_str() != Some(""));
        results.push((*choice, cookies, empty, rid));
    }
    let expected = [
        ("complete", 1, false, Some(true)),
        ("no-sid", 0, false, Some(true)),
        ("no-rid", 1, false, None),
        ("empty-sid", 1, true, Some(true)),
        ("empty-rid", 1, false, Some(false)),
        ("several-sid", 2, false, Some(true)),
    ];
    assert_eq!(results, expected);
}

#[test]
fn of_several_session_cookies_the_last_one_counts() {
    let mut settings = Settings::default();
    settings
        .unknowns
        .set("sign-in-answer", "several-sid")
        .expect("a choice");
    let mut client = Client::start(settings);
    let answer = client.sign_in(&credentials());
    let rid = answer.json()["RID"].as_str().expect("a RID").to_owned();
    let cookies = answer.headers_of("set-cookie");
    let statuses: Vec<u16> = cookies
        .iter()
        .map(|cookie| {
            client
                .raw(
                    &Request::new("GET", "/api/roles")
                        .header("Cookie", *cookie)
                        .header("rID", &rid),
                )
                .status
        })
        .collect();
    assert_eq!(statuses, [401, 200]);
}

#[test]
fn a_cookie_between_quotes_must_come_back_so() {
    let mut settings = Settings::default();
    settings.unknowns.quoted_cookie = true;
    let mut client = Client::start(settings);
    let answer = client.sign_in(&credentials());
    let rid = answer.json()["RID"].as_str().expect("a RID").to_owned();
    let cookie = answer.header("set-cookie").expect("a cookie");
    let pair = cookie.split(';').next().expect("a pair");
    assert!(pair.starts_with("sID=\"") && pair.ends_with('"'), "{pair}");
    for (cookie, status) in [(pair.to_owned(), 200), (pair.replace('"', ""), 401)] {
        let request = Request::new("GET", "/api/roles").header("Cookie", cookie);
        assert_eq!(client.raw(&request.header("rID", &rid)).status, status);
    }
}

#[test]
fn a_load_balancer_may_need_its_cookie_back() {
    let mut settings = Settings::default();
    settings
        .unknowns
        .set("sticky-cookie", "needed")
        .expect("a choice");
    let mut client = Client::start(settings);
    let answer = client.sign_in(&credentials());
    let rid = answer.json()["RID"].as_str().expect("a RID").to_owned();
    let pairs: Vec<&str> = answer
        .headers_of("set-cookie")
        .iter()
        .filter_map(|cookie| cookie.split(';').next())
        .collect();
    let ask = |cookie: String| {
        Request::new("GET", "/api/roles")
            .header("Cookie", cookie)
            .header("rID", &rid)
    };
    assert_eq!(
        (pairs.len(), client.raw(&ask(pairs[0].to_owned())).status),
        (2, 401)
    );
    assert_eq!(client.raw(&ask(pairs.join("; "))).status, 200);
}

#[test]
fn session_limit_code_type_and_sign_out() {
    let mut client = client_with_choice("session-limit", "end-oldest");
    client.sandbox.change(|settings| settings.sessions_max = 1);
    let newer = client.session();
    assert_eq!(
        (
            client.get("/api/roles").status,
            client.sandbox.live_sessions()
        ),
        (401, 1)
    );
    client.signer = newer;
    assert_eq!(client.get("/api/roles").status, 200);
    for (choice, text, number) in [
        ("string", 200, 400),
        ("number", 400, 200),
        ("either", 200, 200),
    ] {
        let mut settings = Settings {
            mfa_code: Some("123456".into()),
            ..Settings::default()
        };
        settings
            .unknowns
            .set("mfa-code-type", choice)
            .expect("a choice");
        let mut client = Client::start(settings);
        let mut body = credentials();
        body["mfaCode"] = json!("123456");
        assert_eq!(client.sign_in(&body).status, text, "{choice}");
        body["mfaCode"] = json!(123456);
        assert_eq!(client.sign_in(&body).status, number, "{choice}");
    }
    let logout = |client: &mut Client| {
        let Signer::Session { sid, .. } = client.signer.clone() else {
            panic!("a session")
        };
        client.raw(&Request::bare(
            "DELETE",
            format!("/rest/authentication/logout?sID={sid}"),
        ))
    };
    assert_eq!(statuses("logout", logout), [200, 200, 401, 404, 500]);
    let end = |client: &mut Client| client.delete("/api/sessions/current");
    assert_eq!(
        statuses("end-session", end),
        [200, 200, 401, 403, 404, 405, 500]
    );
    for (choice, alive) in [("accepted", 401), ("200", 200), ("404", 200)] {
        let mut client = client_with_choice("end-session", choice);
        end(&mut client);
        assert_eq!(client.get("/api/roles").status, alive, "{choice}");
    }
    let mut client = client_with_choice("logout", "200");
    logout(&mut client);
    assert_eq!(client.get("/api/roles").status, 200, "not ended");
}

#[test]
fn every_unknown_is_set_by_its_name_and_nothing_else() {
    let mut unknowns = Unknowns::default();
    assert!(unknowns.set("sign-in-refusal", "418").is_err());
    assert!(unknowns.set("sign-in-refusals", "401").is_err());
    assert_eq!(unknowns, Unknowns::default());
}

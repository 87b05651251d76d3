//! A manager or intermediary that sends secrets back in its responses.

use serde_json::json;
use swp_keys::sandbox::{Action, Fault, Sandbox, Settings};

use crate::support::secrets::{CODE, FRESH, KEY, PASSWORD, RID, SID, assert_silent, forms};
use crate::support::wording::SESSION_NOT_ENDED;
use crate::support::{RunResult, TestEnv};

const ALL: [&str; 6] = [PASSWORD, CODE, SID, RID, KEY, FRESH];

/// One request of a run, how the run gets there, and the secrets that the client knows by then.
struct Place {
    method: &'static str,
    path: &'static str,
    arguments: &'static [&'static str],
    with_key: bool,
    known: &'static [&'static str],
}

const CREATE: &[&str] = &["create", "--role", "Auditor"];
const IN_SESSION: &[&str] = &[PASSWORD, CODE, SID, RID];

const PLACES: [Place; 9] = [
    Place {
        method: "POST",
        path: "/api/sessions",
        arguments: CREATE,
        with_key: false,
        known: &[PASSWORD, CODE],
    },
    Place {
        method: "POST",
        path: "/api/roles/search",
        arguments: CREATE,
        with_key: false,
        known: IN_SESSION,
    },
    Place {
        method: "POST",
        path: "/api/roles/search",
        arguments: &["list-roles"],
        with_key: true,
        known: &[KEY],
    },
    Place {
        method: "POST",
        path: "/api/apikeys/search",
        arguments: &["create", "--role", "Auditor", "--name", "named"],
        with_key: false,
        known: IN_SESSION,
    },
    Place {
        method: "POST",
        path: "/api/apikeys",
        arguments: CREATE,
        with_key: false,
        known: IN_SESSION,
    },
    Place {
        method: "POST",
        path: "/api/apikeys",
        arguments: CREATE,
        with_key: true,
        known: &[KEY],
    },
    Place {
        method: "DELETE",
        path: "/rest/*",
        arguments: &["find-role", "Auditor"],
        with_key: false,
        known: IN_SESSION,
    },
    Place {
        method: "GET",
        path: "/api/apikeys/current",
        arguments: &["login"],
        with_key: true,
        known: &[KEY],
    },
    Place {
        method: "POST",
        path: "/api/policies/search",
        arguments: &["login"],
        with_key: true,
        known: &[KEY],
    },
];

/// Returns an action that responds with this status, media type and body.
fn answer(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Action {
    let headers = vec![("Content-Type".to_owned(), kind.to_owned())];
    Action::Answer {
        status,
        headers,
        body: body.into(),
    }
}

/// Returns a manager whose session IDs and new secrets are known in advance.
fn env(with_key: bool) -> TestEnv {
    let mut env = TestEnv::with(Settings {
        password: PASSWORD.to_owned(),
        ..Settings::default()
    });
    if with_key {
        env.use_key(KEY);
    } else {
        env.home.set("SWP_MFA_CODE", CODE);
    }
    env
}

/// Adds the responses of this manager to all other requests.
fn script(sandbox: &Sandbox) {
    let often = |method, path, action| sandbox.inject(Fault::new(method, path, action).times(99));
    often(
        "POST",
        "/api/sessions",
        Action::Answer {
            status: 200,
            headers: vec![
                ("Content-Type".to_owned(), "application/json".to_owned()),
                (
                    "Set-Cookie".to_owned(),
                    format!("sID={SID}; Path=/; Secure; HttpOnly"),
                ),
            ],
            body: json!({"RID": RID}).to_string().into_bytes(),
        },
    );
    let json = |value: serde_json::Value| answer(200, "application/json", value.to_string());
    often(
        "POST",
        "/api/roles/search",
        json(json!({"roles": [{"ID": 2, "name": "Auditor"}]})),
    );
    often("POST", "/api/apikeys/search", json(json!({"apiKeys": []})));
    often(
        "POST",
        "/api/apikeys",
        json(json!({"ID": 8, "keyName": "named", "secretKey": FRESH})),
    );
    often("GET", "/api/apikeys/current", Action::status(403, "no"));
    often(
        "POST",
        "/api/policies/search",
        json(json!({"policies": []})),
    );
    often("DELETE", "*", answer(200, "text/plain", ""));
}

/// Returns responses of every kind that contain the text: error responses, and malformed success responses.
fn echoes(text: &str) -> Vec<Action> {
    let json =
        |status, value: serde_json::Value| answer(status, "application/json", value.to_string());
    let page = |status| {
        answer(
            status,
            "text/html",
            format!("<html><head><title>{text}</title></head><body>{text}"),
        )
    };
    let redirect = Action::Answer {
        status: 302,
        headers: vec![(
            "Location".to_owned(),
            format!("https://elsewhere.example.com/?{}", ascii(text)),
        )],
        body: Vec::new(),
    };
    vec![
        json(400, json!({"message": text})),
        json(401, json!({"message": text})),
        json(403, json!({"error": {"message": text}})),
        json(500, json!({"error": text})),
        answer(409, "text/plain", text),
        answer(503, "text/plain", text),
        page(403),
        page(200),
        redirect,
        // The body of a success is malformed. The error must not quote it.
        json(200, json!(text)),
        json(
            200,
            json!({"RID": {"is": text}, "roles": text, "apiKeys": text, "ID": text, "secretKey": text}),
        ),
        json(
            200,
            json!({"roles": [{"ID": text, "name": text}], "apiKeys": [{"ID": text}], "ID": 8, "keyName": [text]}),
        ),
        answer(200, "application/json", text),
    ]
}

/// Returns the text without characters that are invalid in a header.
fn ascii(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).collect()
}

fn run(place: &Place, action: Action, format: &str) -> RunResult {
    let env = env(place.with_key);
    env.sandbox
        .inject(Fault::new(place.method, place.path, action).times(99));
    script(&env.sandbox);
    let options = ["-vv", "--retries", "0", "-o", format];
    env.run(place.arguments.iter().chain(&options))
}

#[test]
fn no_secret_in_any_response_is_printed() {
    for place in PLACES {
        let text = format!("you sent {} to me", place.known.join(" and "));
        for (index, action) in echoes(&text).into_iter().enumerate() {
            let format = ["text", "json"][index % 2];
            let what = format!("{} {} {action:?}", place.method, place.path);
            let result = run(&place, action, format);
            let promised = result.stdout.contains(FRESH).then_some(FRESH);
            assert_silent(&what, &result, &ALL, promised);
        }
    }
}

#[test]
fn no_encoded_secret_in_a_response_is_printed() {
    let places = [&PLACES[1], &PLACES[2]];
    for place in places {
        for secret in place.known {
            // The secret unchanged, and as JSON, URLs and HTML encode it. Managers do not send it back in hex or base64.
            let written = forms(secret).into_iter().take(8);
            for form in written.filter(|form| form.contains("Mark")) {
                let text = format!("you sent {form} to me");
                for action in [
                    answer(500, "text/plain", text.as_str()),
                    answer(
                        401,
                        "application/json",
                        json!({"message": text}).to_string(),
                    ),
                ] {
                    let what = format!("{} {form}", place.path);
                    assert_silent(&what, &run(place, action, "text"), &ALL, None);
                }
            }
        }
    }
}

#[test]
fn a_masked_message_keeps_the_rest_of_the_managers_text() {
    let result = run(
        &PLACES[0],
        Action::status(401, &format!("no user has {PASSWORD} here")),
        "text",
    );
    assert!(
        result.failure(4).contains("no user has [secret] here"),
        "{}",
        result.stderr
    );
}

/// A secret that contains another secret is masked completely.
#[test]
fn a_secret_within_a_secret_is_masked_with_it() {
    let mut env = env(false);
    env.home.set("SWP_MFA_CODE", "123456");
    let password = env.home.write_secret("password", "before-123456-after");
    env.home.set("SWP_PASSWORD_FILE", password);
    let echo = Action::status(401, "you sent before-123456-after and 123456 to me");
    env.sandbox
        .inject(Fault::new("POST", "/api/sessions", echo));
    let result = env.run(["list-roles"]);
    for part in ["before", "123456", "after"] {
        assert!(!result.failure(4).contains(part), "{}", result.stderr);
    }
}

#[test]
fn a_failed_sign_out_of_the_previous_session_prints_no_secret() {
    let env = env(false);
    script(&env.sandbox);
    env.run(["login"]).success();
    env.sandbox.clear_faults();
    let text = format!("you sent {} to me", IN_SESSION.join(" and "));
    env.sandbox
        .inject(Fault::new("DELETE", "*", Action::status(500, &text)).times(2));
    script(&env.sandbox);
    let result = env.run(["login", "-vv", "--force-login"]);
    result.success();
    assert!(
        result.stderr.contains(SESSION_NOT_ENDED),
        "{}",
        result.stderr
    );
    assert_silent("login", &result, &ALL, None);
}

/// The response to the deletion contains the undelivered secret.
#[cfg(target_os = "linux")]
#[test]
fn an_undelivered_secret_in_a_response_is_not_printed() {
    for with_key in [false, true] {
        let env = env(with_key);
        let text = format!("the key {FRESH} is in use");
        let refuse = Action::status(500, &text);
        env.sandbox
            .inject(Fault::new("DELETE", "/api/apikeys/*", refuse).times(9));
        script(&env.sandbox);
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .expect("/dev/full");
        let arguments = [
            "create",
            "--role",
            "Auditor",
            "-vv",
            "--retries",
            "0",
            "--name",
            "named",
        ];
        let result = RunResult::of(env.home.command(arguments).stdout(full));
        assert!(
            result.failure(11).contains("swp-keys recover"),
            "{}",
            result.stderr
        );
        assert_silent("create", &result, &ALL, None);
    }
}

//! Sign-in with a password: the request that is sent, and the session that every later request carries.

use serde_json::{Value, json};
use swp_keys::sandbox::{
    Action, Fault, Request, SessionLimit, Settings, SignInAnswer, StickyCookie,
};

use crate::support::snapshot::snapshot;
use crate::support::{TestEnv, contains};

pub(crate) const SIGN_INS: &str = "POST /api/sessions";

/// Returns an environment with this manager.
pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> TestEnv {
    let mut settings = Settings::default();
    change(&mut settings);
    TestEnv::with(settings)
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).expect("a request's body is JSON")
}

#[test]
fn the_sign_in_contains_exactly_the_given_values() {
    let env = TestEnv::new();
    env.run(["create", "--role", "Auditor"]).success();
    let requests = env.sandbox.requests();
    let expected = json!({"userName": "admin", "password": Settings::DEFAULT_PASSWORD});
    assert_eq!(body(&requests[0]), expected);
    for name in ["cookie", "rid", "api-secret-key", "authorization"] {
        assert_eq!(requests[0].header(name), None, "{name}");
    }

    let env = with(|settings| {
        settings.username = "Zoë \"admin\"".to_owned();
        settings.password = "  p\\\u{fc}\u{20ac}'\"$ ".to_owned();
        settings.tenant = Some("Äcme & Söhne".to_owned());
        settings.mfa_code = Some("007007".to_owned());
    });
    env.run([
        "create",
        "--role",
        "Auditor",
        "--tenant",
        "Äcme & Söhne",
        "--mfa-code",
        "007007",
    ])
    .success();
    let expected = json!({
        "userName": "Zoë \"admin\"",
        "password": "  p\\\u{fc}\u{20ac}'\"$ ",
        "tenantName": "Äcme & Söhne",
        "mfaCode": "007007",
    });
    assert_eq!(body(&env.sandbox.requests()[0]), expected);
}

#[test]
fn later_requests_carry_the_session_and_only_names_and_values_of_cookies() {
    for sticky_cookie in [StickyCookie::Off, StickyCookie::Sent, StickyCookie::Needed] {
        let env = with(|settings| settings.unknowns.sticky_cookie = sticky_cookie);
        env.run(["create", "--role", "Auditor", "--name", "n"])
            .success();
        let requests = env.sandbox.requests();
        assert_eq!(requests.len(), 6, "{:?}", env.calls());
        let cookie = requests[1].header("cookie").unwrap_or_default().to_owned();
        let mut names = Vec::new();
        for pair in cookie.split("; ") {
            let (name, value) = pair.split_once('=').expect("name=value");
            assert!(value.len() == 32 && !value.contains([';', ' ']), "{cookie}");
            names.push(name);
        }
        names.sort_unstable();
        let expected = match sticky_cookie {
            StickyCookie::Off => vec!["sID"],
            StickyCookie::Sent | StickyCookie::Needed => vec!["AWSALB", "sID"],
        };
        assert_eq!(names, expected);
        let rid = requests[1].header("rid").unwrap_or_default();
        assert_eq!(rid.len(), 32, "{rid}");
        for request in &requests[1..] {
            let session = (request.header("cookie"), request.header("rid"));
            assert_eq!(session, (Some(&*cookie), Some(rid)), "{}", request.route());
        }
    }
}

#[test]
fn of_cookies_with_one_name_the_last_is_sent() {
    let env = TestEnv::new();
    let cookies = [
        "sID=FIRST; Path=/; Secure; HttpOnly",
        "node=a7; Path=/; Expires=Thu, 01 Jan 2099 00:00:00 GMT",
        "sID=LAST; Path=/; Secure",
        "empty=; Path=/",
        "flag; Path=/",
        " spaced = x=y== ; Path=/",
    ];
    let action = Action::Answer {
        status: 200,
        headers: cookies
            .map(|cookie| ("Set-Cookie".to_owned(), cookie.to_owned()))
            .to_vec(),
        body: br#"{"RID":"REQUESTID"}"#.to_vec(),
    };
    env.sandbox
        .inject(Fault::new("POST", "/api/sessions", action));
    env.run(["find-role", "Auditor"]).failure(4);
    let search = &env.sandbox.requests()[1];
    assert_eq!(
        search.header("cookie"),
        Some("node=a7; sID=LAST; spaced=x=y==")
    );
    assert_eq!(search.header("rid"), Some("REQUESTID"));

    let env = with(|settings| settings.unknowns.sign_in_answer = SignInAnswer::SeveralSid);
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
    assert_eq!(
        env.sandbox.live_sessions(),
        0,
        "the expected session is ended"
    );
}

#[test]
fn a_sign_in_response_without_a_cookie_or_rid_is_an_error() {
    let (cookie, request_id) = ("`sID`", "`RID`");
    for (answer, missing) in [
        (SignInAnswer::NoSid, cookie),
        (SignInAnswer::EmptySid, cookie),
        (SignInAnswer::NoRid, request_id),
        (SignInAnswer::EmptyRid, request_id),
    ] {
        let env = with(|settings| settings.unknowns.sign_in_answer = answer);
        let result = env.run(["create", "--role", "Auditor"]);
        contains(result.failure(1), &[missing]);
        snapshot(&result.stderr);
        assert_eq!(env.calls(), [SIGN_INS]);
    }
    let env = TestEnv::new();
    let action = Action::Answer {
        status: 200,
        headers: vec![("Set-Cookie".to_owned(), "node=a7".to_owned())],
        body: br#"{"administratorID":1}"#.to_vec(),
    };
    env.sandbox
        .inject(Fault::new("POST", "/api/sessions", action));
    let result = env.run(["create", "--role", "Auditor"]);
    contains(result.failure(1), &["sID", "RID"]);
    assert_eq!(env.calls(), [SIGN_INS]);
}

#[test]
fn a_session_with_invalid_header_characters_is_not_sent() {
    let env = TestEnv::new();
    let action = Action::Answer {
        status: 200,
        headers: vec![("Set-Cookie".to_owned(), "sID=0123456789".to_owned())],
        body: br#"{"RID":"0123\r\nX-Injected: 1"}"#.to_vec(),
    };
    env.sandbox
        .inject(Fault::new("POST", "/api/sessions", action));
    let result = env.run(["create", "--role", "Auditor"]);
    snapshot(result.failure(1));
    assert!(!result.stderr.contains("0123"), "{}", result.stderr);
    assert_eq!(env.calls(), [SIGN_INS]);
}

#[test]
fn the_oldest_session_may_end_for_a_new_one() {
    let env = with(|settings| {
        settings.sessions_max = 1;
        settings.unknowns.session_limit = SessionLimit::EndOldest;
    });
    for _ in 0..2 {
        env.run(["create", "--role", "Auditor", "--no-sign-out"])
            .success();
        assert_eq!(env.sandbox.live_sessions(), 1);
    }
}

#[test]
fn a_missing_sign_in_endpoint_is_reported() {
    for status in [404, 405] {
        let env = TestEnv::new();
        let action = Action::Answer {
            status,
            headers: vec![("Content-Type".to_owned(), "text/html".to_owned())],
            body: b"<html><title>Not Found</title></html>".to_vec(),
        };
        env.sandbox
            .inject(Fault::new("POST", "/api/sessions", action));
        let result = env.run(["create", "--role", "Auditor"]);
        contains(result.failure(1), &["--url"]);
        assert_eq!(env.calls(), [SIGN_INS]);
    }
}

#[test]
fn secrets_that_the_manager_sends_back_are_masked() {
    let mut env = with(|settings| settings.mfa_code = Some("012345".to_owned()));
    let wrong = env.home.write_secret("wrong", "hunter2hunter2");
    env.home.set("SWP_PASSWORD_FILE", wrong);
    let echo = "admin may not use hunter2hunter2 with 987654 here";
    let fault = Fault::new("POST", "/api/sessions", Action::status(401, echo));
    env.sandbox.inject(fault);
    let result = env.run(["create", "--role", "Auditor", "-vv", "--mfa-code", "987654"]);
    contains(
        result.failure(4),
        &["admin may not use [secret] with [secret] here"],
    );
}

#[test]
fn no_session_is_logged_at_any_level() {
    for arguments in [
        ["create", "--role", "Auditor"],
        ["create", "--role-id", "999"],
    ] {
        // The legacy sign-out has the session ID in its address.
        let env = with(|settings| settings.unknowns.end_session = Some(404));
        let result = env.home.run(arguments.iter().chain(&["-vv"]));
        contains(&result.stderr, &["debug: POST /api/sessions -> 200"]);
        let requests = env.sandbox.requests();
        let logout = requests.last().expect("a request");
        let secrets = [
            logout.header("rid"),
            logout.query.as_deref(),
            logout.header("cookie"),
        ];
        for secret in secrets.into_iter().flatten() {
            let value = secret.trim_start_matches("sID=");
            assert_eq!(value.len(), 32);
            assert!(!result.stderr.contains(value), "{}", result.stderr);
        }
    }
}

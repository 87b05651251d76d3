//! The questions about sign-in, sign-out and permissions.

use std::time::Duration;

use serde_json::{Value, json};
use swp_keys::sandbox::{ApiKey, ErrorBody, SecretShape, Settings};

use super::scenarios::{CREATE, ROLE, creates, fails, unexpected_choice, walks};
use crate::support::snapshot::snapshot;
use crate::support::wording::SESSION_NOT_ENDED;
use crate::support::{END_SESSION, LEGACY_LOGOUT, RunResult, TestEnv, contains};

walks! {
    the_status_of_a_rejected_sign_in: "sign-in-refusal" => sign_in_refusal;
    the_message_of_a_rejected_sign_in: "sign-in-wording" => sign_in_wording;
    the_contents_of_a_successful_sign_in: "sign-in-answer" => sign_in_answer;
    a_quoted_cookie: "quoted-cookie" => |_, settings| runs_succeed(settings);
    a_missing_sign_in_endpoint: "sessions-endpoint" => sessions_endpoint;
    the_session_limit: "session-limit" => session_limit;
    the_type_of_an_mfa_code: "mfa-code-type" => mfa_code_type;
    the_cookie_of_a_load_balancer: "sticky-cookie" => |_, settings| runs_succeed(settings);
    a_session_without_a_request_id: "sid-alone" => |_, settings| runs_succeed(settings);
    the_status_of_an_expired_session: "expired-session" => expired_session;
    the_status_of_a_rejected_key: "refused-key" => refused_key;
    the_status_of_a_locked_key: "unusable-key" => unusable_key;
    a_cloud_one_key_that_manages_keys: "cloud-one-keys" => cloud_one_keys;
    a_session_that_searches_roles: "session-roles" => session_roles;
    a_session_that_views_keys: "session-keys" => session_keys;
    the_sign_out_call: "end-session" => end_session;
    the_legacy_sign_out_call: "logout" => logout;
    a_missing_version: "missing-version" => |_, settings| runs_succeed(settings);
    an_unknown_version: "unknown-version" => |_, settings| runs_succeed(settings);
    a_role_without_web_service: "web-service" => web_service;
    a_key_that_views_itself: "current-without-view" => current_without_view;
    the_retry_time_of_a_rate_limit: "retry-after" => retry_after;
    the_ping: "ping" => ping;
}

/// Asserts that runs succeed regardless of the choice.
fn runs_succeed(settings: Settings) {
    let env = TestEnv::with(settings);
    creates(&env, ROLE);
    creates(
        &env,
        ["--role-id", "2", "--name", "mine", "--expires", "14d"],
    );
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
    contains(
        env.run(["list-roles"]).success(),
        &["Auditor", "Full Access"],
    );
    assert_eq!(env.sandbox.live_sessions(), 0);
}

fn with_a_wrong_password(settings: Settings) -> TestEnv {
    let mut env = TestEnv::with(settings);
    let wrong = env.home.write_secret("wrong", "hunter2");
    env.home.set("SWP_PASSWORD_FILE", wrong);
    env
}

fn sign_in_refusal(choice: &str, settings: Settings) {
    runs_succeed(settings.clone());
    let env = with_a_wrong_password(settings);
    let stderr = fails(&env, CREATE, 4);
    contains(
        &stderr,
        &[&format!("(HTTP {choice}"), "the password is incorrect"],
    );
    assert_eq!(env.calls(), ["POST /api/sessions"]);
}

fn sign_in_wording(_: &str, settings: Settings) {
    runs_succeed(settings.clone());
    let env = with_a_wrong_password(settings);
    fails(&env, CREATE, 4);
    env.sandbox.set_locked(true);
    let stderr = fails(&env, CREATE, 4);
    snapshot(&stderr);
}

fn sign_in_answer(choice: &str, settings: Settings) {
    match choice {
        "complete" | "several-sid" => runs_succeed(settings),
        "no-sid" | "no-rid" | "empty-sid" | "empty-rid" => {
            let env = TestEnv::with(settings);
            let stderr = fails(&env, CREATE, 1);
            let sid = choice.ends_with("sid");
            contains(&stderr, &[if sid { "`sID`" } else { "`RID`" }]);
            assert_eq!(env.calls(), ["POST /api/sessions"]);
        }
        _ => unexpected_choice(choice),
    }
}

fn sessions_endpoint(choice: &str, settings: Settings) {
    if choice == "accepted" {
        return runs_succeed(settings);
    }
    let env = TestEnv::with(settings);
    let stderr = fails(&env, CREATE, 4);
    contains(
        &stderr,
        &[choice, "Sign-in with a user name is not available here."],
    );
    assert_eq!(env.calls(), ["POST /api/sessions"]);
}

fn session_limit(choice: &str, mut settings: Settings) {
    settings.sessions_max = 1;
    let env = TestEnv::with(settings);
    creates(&env, ["--role", "Auditor", "--no-sign-out"]);
    match choice {
        "refuse" => {
            let arguments = ["create", "--role", "Auditor", "--wait", "1s"];
            let stderr = fails(&env, arguments, 9);
            contains(&stderr, &["MaxSessionsException", "`--api-key-file`"]);
        }
        "end-oldest" => drop(creates(&env, ROLE)),
        _ => unexpected_choice(choice),
    }
}

fn mfa_code_type(choice: &str, mut settings: Settings) {
    settings.mfa_code = Some("012345".to_owned());
    let env = TestEnv::with(settings);
    let code = ["--role", "Auditor", "--mfa-code", "012345"];
    match choice {
        "string" | "either" => drop(creates(&env, code)),
        // The code is a string because leading zeros matter. If a manager requires a number, its message is reported.
        "number" => contains(
            &fails(&env, ["create"].into_iter().chain(code), 4),
            &["The value of mfaCode must be a number."],
        ),
        _ => unexpected_choice(choice),
    }
    assert_eq!(env.count("POST /api/sessions"), 1);
}

fn expired_session(_: &str, settings: Settings) {
    let mut env = TestEnv::with(settings);
    env.run(["login"]).success();
    creates(&env, ROLE);
    env.sandbox.end_sessions();
    // A password is available, so this run signs in again.
    let result = creates(&env, ROLE);
    contains(&result.stderr, &["SWP_PASSWORD_FILE"]);
    env.home.unset("SWP_PASSWORD_FILE");
    env.sandbox.forget_requests();
    let stderr = fails(&env, CREATE, 4);
    contains(&stderr, &["swp-keys login"]);
    assert_eq!(
        env.count("POST /api/sessions"),
        0,
        "not behind the user's back"
    );
}

fn refused_key(choice: &str, settings: Settings) {
    runs_succeed(settings.clone());
    for (error_body, message) in [
        (ErrorBody::Message, Some("Invalid API Key")),
        (ErrorBody::Empty, None),
    ] {
        let mut settings = settings.clone();
        settings.unknowns.error_body = error_body;
        let mut env = TestEnv::with(settings);
        let key = env.sandbox.add_key("mine", 1);
        env.use_key(&key.secret);
        creates(&env, ROLE);
        assert!(env.sandbox.remove_key(key.id));
        // 403 is documented for a missing permission, so only the message distinguishes the two cases.
        let code = match (choice, message) {
            ("401", _) | ("403", Some(_)) => 4,
            ("403", None) => 5,
            _ => unexpected_choice(choice),
        };
        for arguments in [&["list-roles"][..], &["create", "--role-id", "2"]] {
            let printed = fails(&env, arguments.iter().copied(), code);
            contains(&printed, &[message.unwrap_or_default()]);
        }
        let printed = fails(&env, ["create", "--role-id", "2"], code);
        snapshot(&printed);
    }
}

/// The manager may respond to a locked or expired key as it does to a key whose role lacks the permission.
fn unusable_key(choice: &str, settings: Settings) {
    for spoil in [
        (|key: &mut ApiKey| key.active = false) as fn(&mut ApiKey),
        |key| key.expiry_date = Some(1),
    ] {
        let mut env = TestEnv::with(settings.clone());
        let key = env.sandbox.add_key("mine", 1);
        env.use_key(&key.secret);
        assert!(env.sandbox.edit_key(key.id, spoil));
        let (code, words, works) = match choice {
            "403" => (5, "Not authorized to create API keys", Value::Null),
            "401" => (4, "Invalid API Key", json!(false)),
            _ => unexpected_choice(choice),
        };
        let stderr = fails(&env, ["create", "--role-id", "2"], code);
        contains(&stderr, &[words]);
        // The check must never report that the key works.
        let result = env.run(["verify-key", "-o", "json"]);
        let answer: Value = serde_json::from_str(result.check_failed().0).expect("JSON");
        assert_eq!(answer["meta"]["works"], works);
        env.run(["login"]).failure(code);
    }
}

/// Cloud One may reject its legacy keys with any status. The hint is the same.
fn cloud_one_keys(choice: &str, mut settings: Settings) {
    settings.cloud_one = true;
    settings.secret_shape = SecretShape::CloudOne;
    let mut env = TestEnv::with(settings);
    let key = env.sandbox.add_key("mine", 1);
    env.use_key(&key.secret);
    let code = match choice {
        "accepted" => return drop(creates(&env, ROLE)),
        "401" => 4,
        "403" => 5,
        "404" => 3,
        _ => unexpected_choice(choice),
    };
    let stderr = fails(&env, CREATE, code);
    contains(&stderr, &["Cloud One key", "`--api-key-scheme`"]);
    // A key that may not manage keys can still be valid. Only a 401 response proves that it is not.
    let result = env.run(["verify-key"]);
    assert_eq!(result.code(), if choice == "401" { 13 } else { 0 });
}

fn session_roles(choice: &str, settings: Settings) {
    let code = match choice {
        "accepted" => return runs_succeed(settings),
        "401" => 4,
        "403" => 5,
        _ => unexpected_choice(choice),
    };
    let env = TestEnv::with(settings);
    for arguments in [&CREATE[..], &["find-role", "Auditor"], &["list-roles"]] {
        let stderr = fails(&env, arguments.iter().copied(), code);
        contains(&stderr, &["`--role-id`"]);
    }
    creates(&env, ["--role-id", "2"]);
    assert_eq!(env.sandbox.live_sessions(), 0);
}

fn session_keys(choice: &str, settings: Settings) {
    let code = match choice {
        "accepted" => return runs_succeed(settings),
        "401" => 4,
        "403" => 5,
        _ => unexpected_choice(choice),
    };
    let env = TestEnv::with(settings);
    creates(&env, ROLE);
    let result = creates(&env, ["--role", "Auditor", "--name", "mine"]);
    contains(&result.stderr, &["warning:", "mine"]);
    // The run cannot find out whether the key exists, so it creates none.
    let skip = [
        "create",
        "--role-id",
        "2",
        "--name",
        "mine",
        "--if-exists",
        "skip",
    ];
    fails(&env, skip, code);
}

/// A manager may support the current sign-out, the legacy one, both, or neither.
fn end_session(choice: &str, settings: Settings) {
    for legacy in [None, Some(404)] {
        let mut settings = settings.clone();
        settings.unknowns.logout = legacy;
        let env = TestEnv::with(settings);
        let result = creates(&env, ["--role", "Auditor", "-v"]);
        let taken_for_ended = matches!(choice, "accepted" | "200");
        assert_eq!(env.count(END_SESSION), 1);
        assert_eq!(env.count(LEGACY_LOGOUT), usize::from(!taken_for_ended));
        let ended = choice == "accepted" || !taken_for_ended && legacy.is_none();
        assert_eq!(env.sandbox.live_sessions(), usize::from(!ended));
        let reported = (result.stderr).contains(SESSION_NOT_ENDED);
        assert_eq!(reported, !taken_for_ended && legacy.is_some(), "{choice}");
    }
}

fn logout(choice: &str, mut settings: Settings) {
    settings.unknowns.end_session = Some(404);
    let env = TestEnv::with(settings);
    let result = creates(&env, ["--role", "Auditor", "-v"]);
    let ended = choice == "accepted";
    assert_eq!(env.sandbox.live_sessions(), usize::from(!ended), "{choice}");
    let reported = result.stderr.contains(SESSION_NOT_ENDED);
    assert_eq!(
        reported,
        !matches!(choice, "accepted" | "200"),
        "{}",
        result.stderr
    );
}

fn web_service(choice: &str, settings: Settings) {
    let mut env = TestEnv::with(settings);
    let role = serde_json::json!({
        "name": "Console only",
        "allowWebService": false,
        "rights": {"platformRights": {"apikeyRights": {"canCreateNewApiKeys": true}}},
    });
    let role = env.sandbox.add_role(&role).expect("a role");
    let key = env.sandbox.add_key("mine", role);
    env.use_key(&key.secret);
    let refused = |code| {
        let stderr = fails(&env, ["create", "--role-id", "2"], code);
        snapshot(&stderr);
    };
    match choice {
        "accepted" => drop(creates(&env, ["--role-id", "2"])),
        "401" => refused(4),
        "403" => refused(5),
        _ => unexpected_choice(choice),
    }
}

/// If a key may not view itself, it is checked with a read that needs no permission for keys (docs/manager-api.md, "Checking a key").
fn current_without_view(choice: &str, settings: Settings) {
    let mut env = TestEnv::with(settings);
    let key = env.sandbox.add_key("mine", 2);
    env.use_key(&key.secret);
    let result = env.run(["login"]);
    result.success();
    contains(&result.stderr, &["note:"]);
    let fallback = env.count("POST /api/policies/search");
    match choice {
        "accepted" => assert_eq!(fallback, 0),
        "403" => assert_eq!(fallback, 1),
        _ => unexpected_choice(choice),
    }
}

fn retry_after(choice: &str, mut settings: Settings) {
    // The sign-in uses up the limit of one request per minute.
    settings.rate_limit = Some(1);
    let env = TestEnv::with(settings);
    match choice {
        "none" => {
            let child = env.home.start_piped(CREATE);
            env.wait_for("POST /api/roles/search");
            env.sandbox.change(|settings| settings.rate_limit = None);
            let result = RunResult::from(child.wait_with_output().expect("the run ends"));
            assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
            assert_eq!(env.count("POST /api/roles/search"), 2);
        }
        // The manager's minute is longer than the remaining time to wait.
        "seconds" | "date" => {
            env.sandbox.advance_clock(Duration::from_secs(3600));
            let stderr = fails(&env, CREATE, 9);
            contains(&stderr, &["Too many API requests"]);
            assert!(env.count("POST /api/roles/search") <= 2, "{choice}");
        }
        _ => unexpected_choice(choice),
    }
}

fn ping(choice: &str, settings: Settings) {
    let env = TestEnv::with(settings);
    creates(&env, ["--role", "Auditor", "--wait", "60s"]);
    let probes = env
        .calls()
        .iter()
        .filter(|call| call.starts_with("GET /rest/"))
        .count();
    assert_eq!(probes, if choice == "accepted" { 1 } else { 2 });
}

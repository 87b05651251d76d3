//! `whoami` prints the user, the manager, and the source of each setting. It never prints a secret.

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, Fault, Settings};

use crate::support::tables::squeezed;
use crate::support::{TestEnv, answering_unknowns, contains};

const ADMINISTRATORS: &str = "POST /api/administrators/search";

/// Returns the source and the value of this setting.
fn setting(answer: &Value, name: &str) -> Option<(String, String)> {
    let settings = answer["meta"]["settings"].as_array().expect("a list");
    let found = settings.iter().find(|setting| setting["name"] == name)?;
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    Some((text("value"), text("source")))
}

#[test]
fn an_administrator_is_printed_with_role_and_version() {
    let env = TestEnv::new();
    let result = env.run(["whoami"]);
    let expected = &squeezed(result.success());
    for line in [
        "User admin",
        "Role Full Access (ID 1)",
        "Tenant primary",
        "Signed in with a password",
        "Version Deep Security/20.0.1003",
    ] {
        assert!(
            expected.lines().any(|other| other == line),
            "{line}: {expected}"
        );
    }
    contains(expected, &[&env.sandbox.url(), "SWP_PASSWORD_FILE"]);
    assert!(!expected.contains(Settings::DEFAULT_PASSWORD));
    assert_eq!(
        env.calls(),
        ["POST /api/sessions", ADMINISTRATORS, "GET /api/roles/1"]
    );
    assert_eq!(env.sandbox.live_sessions(), 0);
    let answer = env.run(["whoami", "-o", "json"]).json();
    assert_eq!(answer["username"], "admin");
    assert_eq!(answer["roleID"], 1);
    assert_eq!(answer["meta"]["role"], "Full Access");
    assert_eq!(answer["meta"]["managerVersion"], "Deep Security/20.0.1003");
    assert_eq!(answer["meta"]["trust"], Value::Null);
    env.run(["whoami", "-o", "env"]).failure(2);
}

#[test]
fn a_key_is_printed_with_its_expiry() {
    let mut env = TestEnv::new();
    let key = env.sandbox.add_key("reporting", 1);
    env.use_key(&key.secret);
    let result = env.run(["whoami"]);
    contains(
        &squeezed(result.success()),
        &[
            "Key reporting (ID 1)",
            "Role Full Access (ID 1)",
            "State active",
            "Expires never",
            "Signed in with an API key",
            "in the file ",
        ],
    );
    let answer = env.run(["whoami", "-o", "jsonl"]).json();
    assert_eq!(answer["keyName"], "reporting");
    assert_eq!(answer["meta"]["signedIn"], "with an API key");
    assert!(!answer.to_string().contains(&key.secret));
    // The key of an Auditor cannot view itself.
    let mut env = TestEnv::new();
    env.use_key(&env.sandbox.add_key("reader", 2).secret);
    let result = env.run(["whoami"]);
    contains(&squeezed(result.success()), &["Key unknown"]);
    contains(&result.stderr, &["note:"]);
}

#[test]
fn a_saved_session_is_printed_and_an_expired_one_is_reported() {
    let mut env = TestEnv::new();
    env.run(["login"]).success();
    let password = env.home.path("password");
    env.home.unset("SWP_PASSWORD_FILE");
    env.sandbox.forget_requests();
    let result = env.run(["whoami"]);
    contains(
        &squeezed(result.success()),
        &["User admin", "with the session that `login` saved"],
    );
    assert_eq!(env.sandbox.live_sessions(), 1, "it stays");
    env.sandbox.end_sessions();
    for choice in [401, 403] {
        env.sandbox
            .change(|settings| settings.unknowns.expired_session = choice);
        contains(env.run(["whoami"]).failure(4), &["admin"]);
    }
    // If a password is available too, the run signs in with the password.
    env.home.set("SWP_PASSWORD_FILE", password);
    let result = env.run(["whoami"]);
    contains(
        &squeezed(result.success()),
        &["User admin", "with a password"],
    );
    contains(&result.stderr, &["SWP_PASSWORD_FILE"]);
    assert_eq!(env.sandbox.live_sessions(), 0);
}

/// Whether a session may view administrators and roles is unknown. If not, the user is still printed.
#[test]
fn a_hidden_role_is_unknown() {
    for choice in ["401", "403"] {
        let env = TestEnv::with(answering_unknowns(&[("session-roles", choice)]));
        let result = env.run(["whoami"]);
        contains(&squeezed(result.success()), &["User admin", "Role unknown"]);
    }
    let env = TestEnv::with(Settings {
        administrator_role: 2,
        ..Settings::default()
    });
    contains(&squeezed(env.run(["whoami"]).success()), &["Role unknown"]);
    let answer = env.run(["whoami", "-o", "json"]).json();
    assert_eq!(answer["username"], "admin");
    assert_eq!(answer["roleID"], Value::Null);
}

#[test]
fn an_unknown_version_is_not_guessed() {
    let env = TestEnv::with(Settings {
        version: String::new(),
        ..Settings::default()
    });
    contains(
        &squeezed(env.run(["whoami"]).success()),
        &["Version unknown"],
    );
    let answer = env.run(["whoami", "-o", "json"]).json();
    assert_eq!(answer["meta"]["managerVersion"], Value::Null);
}

#[test]
fn each_setting_is_shown_with_its_source_and_no_secret() {
    let mut env = TestEnv::new();
    env.home.unset("SWP_PASSWORD_FILE");
    env.home.set("SWP_PASSWORD", Settings::DEFAULT_PASSWORD);
    env.home.set("SWP_TIMEOUT", "20s");
    env.home.set("SWP_MFA_COMMAND", "printf %.6s 123456hunter2");
    env.home
        .set("HTTPS_PROXY", "http://u:hunter2@proxy.example.com:3128");
    let result = env.run(["whoami", "-o", "json", "--retries", "2", "--no-sign-out"]);
    let answer = result.json();
    for (name, value, source) in [
        ("url", &*env.sandbox.url(), "SWP_URL"),
        ("username", "admin", "SWP_USERNAME"),
        ("password", "[masked]", "SWP_PASSWORD"),
        ("mfa-code", "from the command printf", "SWP_MFA_COMMAND"),
        ("api-key-scheme", "auto", "default"),
        ("timeout", "20s", "SWP_TIMEOUT"),
        ("settle-timeout", "500ms", "SWP_SETTLE_TIMEOUT"),
        ("retries", "2", "--retries"),
        ("no-sign-out", "yes", "--no-sign-out"),
        ("no-input", "yes", "SWP_NO_INPUT"),
        ("connect-timeout", "10s", "default"),
        ("output", "json", "--output"),
    ] {
        assert_eq!(
            setting(&answer, name),
            Some((value.to_owned(), source.to_owned())),
            "{name}"
        );
    }
    // A proxy in a variable does not apply to loopback addresses.
    assert_eq!(setting(&answer, "proxy"), None);
    assert_eq!(setting(&answer, "tenant"), None);
    for secret in [Settings::DEFAULT_PASSWORD, "hunter2"] {
        assert!(!result.stdout.contains(secret));
    }
}

#[test]
fn with_v_the_source_of_the_trust_is_logged() {
    let env = TestEnv::new();
    let result = env.run(["whoami", "-v"]);
    contains(&squeezed(result.success()), &["Trust the certificates in "]);
    let answer = env.run(["whoami", "-v", "-o", "json"]).json();
    contains(
        answer["meta"]["trust"].as_str().unwrap_or_default(),
        &["manager.pem"],
    );
}

#[test]
fn a_rejected_sign_in_and_an_invalid_response_are_errors() {
    let env = TestEnv::new();
    env.sandbox
        .change(|settings| settings.password = "another".to_owned());
    env.run(["whoami"]).failure(4);
    let env = TestEnv::new();
    let broken = Action::status(500, "oh");
    env.sandbox
        .inject(Fault::new("POST", "/api/administrators/search", broken));
    env.run(["whoami", "--retries", "0"]).failure(1);
    assert_eq!(env.sandbox.live_sessions(), 0);
    let mut env = TestEnv::new();
    env.use_key("7:bm8=");
    assert_eq!(
        env.run(["whoami", "-o", "json"]).json_error(4)["http"],
        json!(401)
    );
}

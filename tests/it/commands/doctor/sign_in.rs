//! The checks with `--sign-in`. Without the flag, no secret is read or sent.

use serde_json::json;
use swp_keys::sandbox::Settings;

use super::fixture::{CHECKS, doctor, hint, message, skipped_from, status};
use crate::support::proxy::Proxy;
use crate::support::{TestEnv, contains};

#[test]
fn without_sign_in_no_secret_is_read_or_sent_and_nothing_is_changed() {
    let mut env = TestEnv::new();
    let key = env.sandbox.add_key("mine", 1);
    env.home.unset("SWP_PASSWORD_FILE");
    let touched = env.home.path("touched");
    for variable in ["SWP_PASSWORD_COMMAND", "SWP_MFA_COMMAND"] {
        env.home
            .set(variable, format!("touch {}", touched.display()));
    }
    doctor(&env.home, &[], 0);
    env.home.set("SWP_API_KEY", key.secret);
    doctor(&env.home, &[], 0);
    env.home.unset("SWP_API_KEY");
    env.home.set("SWP_API_KEY_FILE", "/nowhere/key");
    doctor(&env.home, &[], 0);
    assert!(!touched.exists());
    assert!(!env.home.path("state").exists());
    assert!(!env.sandbox.requests().is_empty());
    for request in env.sandbox.requests() {
        for name in ["cookie", "rid", "api-secret-key", "authorization"] {
            assert_eq!(request.header(name), None, "{}", request.route());
        }
        assert_eq!(request.method, "GET");
    }
}

#[test]
fn a_saved_session_is_not_sent_without_sign_in() {
    let env = TestEnv::new();
    env.run(["login"]).success();
    env.sandbox.forget_requests();
    doctor(&env.home, &[], 0);
    for request in env.sandbox.requests() {
        assert_eq!(request.header("cookie"), None);
        assert_eq!(request.header("rid"), None);
    }
    let answer = doctor(&env.home, &["--sign-in"], 0);
    contains(message(&answer, "sign-in"), &["admin"]);
    assert_eq!(env.sandbox.live_sessions(), 1, "the saved session stays");
}

#[test]
fn with_sign_in_permissions_and_roles_are_checked_and_the_session_ends() {
    let env = TestEnv::new();
    let answer = doctor(&env.home, &["--sign-in"], 0);
    for name in CHECKS {
        assert_eq!(status(&answer, name), "ok", "{name}");
    }
    contains(message(&answer, "sign-in"), &["`admin`"]);
    contains(message(&answer, "key-rights"), &["`Full Access` (ID 1)"]);
    contains(message(&answer, "roles"), &["2 roles", "Auditor"]);
    assert_eq!(env.sandbox.live_sessions(), 0);
    assert_eq!(env.count("POST /api/sessions"), 1);
    assert_eq!(env.sandbox.api_keys().len(), 0);
}

#[test]
fn a_wrong_password_counts_once_and_the_guard_applies() {
    let mut env = TestEnv::new();
    let wrong = env.home.write_secret("wrong", "hunter2");
    env.home.set("SWP_PASSWORD_FILE", wrong);
    for _ in 0..2 {
        let answer = doctor(&env.home, &["--sign-in"], 13);
        assert_eq!(status(&answer, "sign-in"), "failed");
        skipped_from(&answer, "key-rights", "sign-in");
        assert!(!answer.to_string().contains("hunter2"));
    }
    assert_eq!(env.count("POST /api/sessions"), 2);
    let answer = doctor(&env.home, &["--sign-in"], 13);
    contains(hint(&answer, "sign-in"), &["--force-login"]);
    assert_eq!(env.count("POST /api/sessions"), 2, "sign-ins are paused");
    // A run without `--sign-in` succeeds although sign-ins are paused.
    doctor(&env.home, &[], 0);
}

#[test]
fn a_role_without_permission_to_create_keys_fails_and_a_hidden_role_warns() {
    let rights = json!({
        "apikeyRights": {"canViewApiKeys": true, "canCreateNewApiKeys": false},
        "administratorRights": {"canViewAdministrators": true},
        "administratorRoleRights": {"canViewAdministratorRoles": true},
    });
    let role = json!({
        "name": "Viewer", "ID": 9, "allowWebService": true, "rights": {"platformRights": rights}
    });
    let mut env = TestEnv::with(Settings {
        roles: vec![role],
        ..Settings::default()
    });
    env.use_key(&env.sandbox.add_key("viewer", 9).secret);
    let answer = doctor(&env.home, &["--sign-in"], 13);
    contains(message(&answer, "sign-in"), &["`viewer`"]);
    assert_eq!(status(&answer, "key-rights"), "failed");
    contains(hint(&answer, "key-rights"), &["canCreateNewApiKeys"]);
    assert_eq!(status(&answer, "roles"), "ok");
    env.use_key(&env.sandbox.add_key("auditor", 2).secret);
    let answer = doctor(&env.home, &["--sign-in"], 0);
    assert_eq!(status(&answer, "sign-in"), "ok");
    for name in ["key-rights", "roles"] {
        assert_eq!(status(&answer, name), "warning", "{name}");
    }
    contains(hint(&answer, "roles"), &["--role-id"]);
    env.use_key("7:bm8=");
    let answer = doctor(&env.home, &["--sign-in"], 13);
    assert_eq!(status(&answer, "sign-in"), "failed");
}

#[test]
fn the_password_of_a_proxy_is_sent_only_with_sign_in() {
    let env = TestEnv::new();
    let proxy = Proxy::to(env.sandbox.address());
    let url = proxy.url_with("user", "hunter2");
    let arguments = ["--proxy", &url, "--wait", "1s"];
    let answer = doctor(&env.home, &arguments, 0);
    assert_eq!(status(&answer, "proxy"), "ok");
    for name in ["tls", "clock", "manager", "sign-in"] {
        assert_eq!(status(&answer, name), "skipped", "{name}");
    }
    contains(hint(&answer, "tls"), &["--sign-in"]);
    assert!(!proxy.recording().holds("CONNECT"));
    let answer = doctor(&env.home, &["--proxy", &url, "--sign-in"], 0);
    assert_eq!(status(&answer, "roles"), "ok");
    assert!(!answer.to_string().contains("hunter2"));
}

//! `login` and `logout`: a session for later commands, where it is saved, which commands use it, and how it ends.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use swp_keys::sandbox::{Action, Fault, Request, Sandbox, Settings};

use crate::support::files::files;
use crate::support::requests::session_of;
use crate::support::snapshot::snapshot;
use crate::support::wording::SESSION_EXPIRED;
use crate::support::{END_SESSION, TestEnv, contains};

pub(super) fn saved_files(env: &TestEnv) -> Vec<PathBuf> {
    files(&env.home.path("state/kept"))
}

pub(super) fn sessions(env: &TestEnv) -> Vec<(String, String)> {
    let mut sessions: Vec<_> = env
        .sandbox
        .requests()
        .iter()
        .filter_map(session_of)
        .collect();
    sessions.dedup();
    sessions
}

#[test]
fn a_saved_session_serves_later_commands_and_none_of_them_ends_it() {
    let mut env = TestEnv::new();
    let result = env.run(["login"]);
    assert_eq!(result.success(), "", "stdout is for documents");
    contains(&result.stderr, &["note:", "admin", "`swp-keys logout`"]);
    assert_eq!(env.calls(), ["POST /api/sessions"]);
    assert_eq!(env.sandbox.live_sessions(), 1);
    // Neither a password nor a user name is needed any more.
    env.home.unset("SWP_PASSWORD_FILE");
    env.home.unset("SWP_USERNAME");
    env.sandbox.forget_requests();
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
    env.run(["list-roles"]).success();
    env.run(["create", "--role", "Auditor"]).success();
    env.run(["find-role", "nothing like it"]).failure(3);
    assert!(!env.calls().contains(&"POST /api/sessions".to_owned()));
    assert_eq!(sessions(&env).len(), 1, "one session serves them all");
    assert_eq!(env.sandbox.live_sessions(), 1, "the session is still open");
    assert_eq!(env.run(["logout"]).success(), "");
    assert_eq!(env.sandbox.live_sessions(), 0);
    assert_eq!(saved_files(&env), [] as [PathBuf; 0]);
    env.run(["list-roles"]).failure(2);
}

/// The address was typed only for `login`, so a later `logout` finds it in the only saved credential.
#[test]
fn logout_without_an_address_deletes_the_only_saved_credential() {
    let mut env = TestEnv::new();
    let url = env.sandbox.url();
    env.home.unset("SWP_URL");
    let result = env.run(["login", "--url", &url]);
    result.success();
    contains(&result.stderr, &[&format!("`--url {url}`")]);
    env.home.unset("SWP_USERNAME");
    env.run(["logout"]).success();
    assert_eq!(env.sandbox.live_sessions(), 0);
    assert_eq!(saved_files(&env), [] as [PathBuf; 0]);
    // Without a saved credential, the address is missing, as for every command.
    contains(env.run(["logout"]).failure(2), &["`--url "]);
}

#[test]
fn login_prints_json_without_the_session() {
    let mut env = TestEnv::with(Settings {
        tenant: Some("Acme".to_owned()),
        ..Settings::default()
    });
    env.home.set("SWP_TENANT", "Acme");
    for format in ["json", "jsonl"] {
        let result = env.run(["login", "-vv", "-o", format]);
        let url = env.sandbox.url();
        let meta = json!({"manager": url, "tenant": "Acme", "username": "admin", "kept": "session", "changed": true});
        assert_eq!(result.json(), json!({"meta": meta}));
        if format == "jsonl" {
            assert_eq!(result.stdout.lines().count(), 1);
        }
        env.sandbox.forget_requests();
        env.run(["list-roles"]).success();
        let (sid, rid) = sessions(&env).pop().expect("a session");
        for secret in [&sid, &rid, Settings::DEFAULT_PASSWORD] {
            assert!(
                !result.stdout.contains(secret) && !result.stderr.contains(secret),
                "{result:?}"
            );
        }
    }
    contains(env.run(["login", "-o", "env"]).failure(2), &["-o env"]);
}

#[test]
fn another_user_tenant_or_manager_does_not_use_the_saved_session() {
    let mut env = TestEnv::new();
    env.run(["login"]).success();
    env.home.unset("SWP_PASSWORD_FILE");
    let nobody = ["--password-file"];
    contains(
        env.run(["list-roles", "--username", "other"]).failure(2),
        &nobody,
    );
    contains(
        env.run(["list-roles", "--username", "Admin"]).failure(2),
        &nobody,
    );
    contains(
        env.run(["list-roles", "--tenant", "Acme"]).failure(2),
        &nobody,
    );
    let other = Sandbox::start(Settings::default()).expect("a second manager");
    contains(
        env.run(["list-roles", "--url", &other.url()]).failure(2),
        &nobody,
    );
    assert_eq!(
        other.connections().tcp,
        0,
        "the session is not shown to another manager"
    );
    // The same manager, in a different spelling.
    let url = format!("{}/api/", env.sandbox.url());
    env.run(["list-roles", "--url", &url]).success();
    // There is no saved session of this user or tenant, so nothing is ended.
    for arguments in [
        ["logout", "--username", "other"],
        ["logout", "--tenant", "Acme"],
    ] {
        snapshot(&env.run(arguments).stderr);
    }
    assert_eq!(
        (saved_files(&env).len(), env.sandbox.live_sessions()),
        (1, 1)
    );
}

#[test]
fn with_several_users_logout_requires_a_name() {
    let mut env = TestEnv::new();
    let other = |settings: &mut Settings| settings.username = "other".to_owned();
    env.run(["login"]).success();
    env.sandbox.change(other);
    env.run(["login", "--username", "other"]).success();
    env.home.unset("SWP_PASSWORD_FILE");
    env.home.unset("SWP_USERNAME");
    for command in [
        &["list-roles"][..],
        &["create", "--role-id", "2"],
        &["logout"],
    ] {
        let result = env.run(command);
        contains(result.failure(2), &["admin", "other", "`--username`"]);
    }
    env.run(["list-roles", "--username", "admin"]).success();
    env.run(["logout", "--username", "admin"]).success();
    assert_eq!(
        (saved_files(&env).len(), env.sandbox.live_sessions()),
        (1, 1)
    );
    env.run(["list-roles"]).success();
}

#[test]
fn a_password_on_the_command_line_overrides_a_saved_session() {
    let env = TestEnv::new();
    env.run(["login"]).success();
    env.sandbox.forget_requests();
    env.run(["list-roles"]).success();
    assert_eq!(env.calls(), ["POST /api/roles/search"]);
    env.sandbox.forget_requests();
    let file = env.home.path("password");
    let file = file.to_str().expect("UTF-8");
    env.run(["list-roles", "--password-file", file]).success();
    assert_eq!(env.calls()[0], "POST /api/sessions");
    assert_eq!(
        env.sandbox.live_sessions(),
        1,
        "the session of that run alone is ended"
    );
}

#[test]
fn an_expired_session_is_not_renewed_without_a_password() {
    for status in [401, 403] {
        let mut env = TestEnv::new();
        (env.sandbox).change(|settings| settings.unknowns.expired_session = status);
        env.run(["login"]).success();
        let password = env.home.path("password");
        env.home.unset("SWP_PASSWORD_FILE");
        env.sandbox.end_sessions();
        env.sandbox.forget_requests();
        let commands = [
            &["list-roles"][..],
            &["find-role", "Auditor"],
            &["create", "--role", "Auditor"],
            &["create", "--role-id", "2"],
            &["create", "--role-id", "2", "--name", "build"],
        ];
        for command in commands {
            let result = env.run(command);
            contains(result.failure(4), &["`swp-keys login`", "admin"]);
        }
        assert!(
            !env.calls().contains(&"POST /api/sessions".to_owned()),
            "{:?}",
            env.calls()
        );
        let result = env.run(["list-roles", "-o", "json"]);
        let error = result.json_error(4);
        assert_eq!(
            (&error["code"], &error["http"]),
            (&json!("sign-in-refused"), &json!(status))
        );
        // Signs in again, as the error message advised.
        env.home.set("SWP_PASSWORD_FILE", password);
        env.run(["login"]).success();
        env.run(["list-roles"]).success();
        assert_eq!(
            (saved_files(&env).len(), env.sandbox.live_sessions()),
            (1, 1)
        );
    }
}

#[test]
fn a_session_that_timed_out_is_reported_as_expired() {
    let mut env = TestEnv::new();
    env.run(["login"]).success();
    env.home.unset("SWP_PASSWORD_FILE");
    env.sandbox.advance_clock(Duration::from_secs(25 * 60 * 60));
    contains(env.run(["list-roles"]).failure(4), &["`swp-keys login`"]);
}

#[test]
fn a_missing_permission_is_not_an_expired_session() {
    let env = TestEnv::new();
    env.sandbox
        .change(|settings| settings.administrator_role = 2);
    env.run(["login"]).success();
    let result = env.run(["create", "--role-id", "2"]);
    assert!(
        !result.failure(5).contains(SESSION_EXPIRED),
        "{}",
        result.stderr
    );
}

#[test]
fn a_new_login_replaces_and_ends_the_previous_session() {
    let env = TestEnv::new();
    env.run(["login"]).success();
    env.run(["list-roles"]).success();
    let former = sessions(&env);
    env.sandbox.forget_requests();
    env.run(["login"]).success();
    assert_eq!(
        (saved_files(&env).len(), env.sandbox.live_sessions()),
        (1, 1)
    );
    env.run(["list-roles"]).success();
    let requests = env.sandbox.requests();
    let routes: Vec<_> = requests.iter().map(Request::route).collect();
    assert_eq!(
        routes,
        ["POST /api/sessions", END_SESSION, "POST /api/roles/search"]
    );
    assert_eq!(session_of(&requests[1]), former.first().cloned());
    assert_ne!(session_of(&requests[2]), former.first().cloned());
}

#[test]
fn a_rejected_login_keeps_the_previous_session() {
    let env = TestEnv::new();
    env.run(["login"]).success();
    let before = std::fs::read(&saved_files(&env)[0]).expect("the file");
    let wrong = env.home.write_secret("wrong", "wrong");
    let wrong = wrong.to_str().expect("UTF-8");
    env.run(["login", "--password-file", wrong]).failure(4);
    assert_eq!(
        std::fs::read(&saved_files(&env)[0]).expect("the file"),
        before
    );
    env.run(["list-roles"]).success();
}

#[test]
fn logout_can_be_repeated_and_works_without_the_manager() {
    let env = TestEnv::new();
    snapshot(&env.run(["logout"]).stderr);
    assert_eq!(env.sandbox.connections().tcp, 0);
    env.run(["login"]).success();
    env.run(["logout"]).success();
    let result = env.run(["logout"]);
    result.success();
    snapshot(&result.stderr);
    // The local session is removed regardless of the manager's response. The message reports truthfully whether the session was ended on the manager.
    for action in [
        Action::Drop,
        Action::status(500, "no"),
        Action::status(404, "no"),
    ] {
        env.run(["login"]).success();
        // The fault affects both sign-out calls.
        let fault = Fault::new("DELETE", "*", action).times(2);
        env.sandbox.inject(fault);
        let result = env.run(["logout"]);
        result.success();
        assert_eq!(saved_files(&env), [] as [PathBuf; 0]);
        snapshot(&result.stderr);
        env.sandbox.clear_faults();
    }
}

#[test]
fn with_no_sign_out_logout_only_removes_the_file() {
    let env = TestEnv::new();
    env.run(["login"]).success();
    env.sandbox.forget_requests();
    let result = env.run(["logout", "--no-sign-out"]);
    result.success();
    snapshot(&result.stderr);
    assert_eq!(saved_files(&env), [] as [PathBuf; 0]);
    assert!(env.sandbox.requests().is_empty());
    assert_eq!(env.sandbox.live_sessions(), 1);
}

#[test]
fn every_cookie_of_the_sign_in_is_saved() {
    use swp_keys::sandbox::StickyCookie;
    let env = TestEnv::new();
    (env.sandbox).change(|settings| settings.unknowns.sticky_cookie = StickyCookie::Needed);
    env.run(["login"]).success();
    env.run(["list-roles"]).success();
    env.run(["logout"]).success();
    assert_eq!(env.sandbox.live_sessions(), 0);
}

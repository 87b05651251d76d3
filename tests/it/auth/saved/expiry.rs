//! A saved session has expired, and a password is available: the run signs in with the password and reports this.

use swp_keys::sandbox::{Action, Fault, Settings};

use super::session::saved_files;
use crate::support::snapshot::snapshot;
use crate::support::{END_SESSION, TestEnv, answering_unknowns, contains};

const TRIAL: &str = "POST /api/policies/search";
const SIGN_IN: &str = "POST /api/sessions";

/// Returns an environment with a saved session that has expired, and a password.
fn ended(settings: Settings) -> TestEnv {
    let env = TestEnv::with(settings);
    env.run(["login"]).success();
    env.sandbox.end_sessions();
    env.sandbox.forget_requests();
    env
}

#[test]
fn an_available_password_signs_in_for_the_run() {
    for status in ["401", "403"] {
        for (command, first) in [
            (&["list-roles"][..], Some("POST /api/roles/search")),
            (
                &["create", "--role", "Auditor"],
                Some("POST /api/roles/search"),
            ),
            // A create request is not sent twice.
            (&["create", "--role-id", "2", "--allow-full-access"], None),
        ] {
            let env = ended(answering_unknowns(&[("expired-session", status)]));
            let before = std::fs::read(&saved_files(&env)[0]).expect("the file");
            let result = env.run(command);
            result.success();
            contains(
                &result.stderr,
                &["admin", "SWP_PASSWORD_FILE", "`swp-keys login`"],
            );
            let requests = env.sandbox.requests();
            let routes: Vec<_> = requests.iter().map(|request| request.route()).collect();
            let first: Vec<_> = first.into_iter().chain([TRIAL, SIGN_IN]).collect();
            assert_eq!(routes[..first.len()], first);
            assert_eq!(
                env.count("POST /api/apikeys"),
                usize::from(command[0] == "create")
            );
            // The run ends its own session, and does not change the saved one.
            assert_eq!(env.count(END_SESSION), 1);
            assert_eq!(env.sandbox.live_sessions(), 0);
            assert_eq!(
                std::fs::read(&saved_files(&env)[0]).expect("the file"),
                before
            );
        }
    }
}

#[test]
fn every_source_of_a_password_is_used() {
    let mut env = ended(Settings::default());
    env.home.unset("SWP_PASSWORD_FILE");
    env.home.unset("SWP_USERNAME");
    env.home.set("SWP_PASSWORD", Settings::DEFAULT_PASSWORD);
    contains(&env.run(["list-roles"]).stderr, &["SWP_PASSWORD"]);
    env.home.unset("SWP_PASSWORD");
    if cfg!(unix) {
        let command = format!("echo '{}'", Settings::DEFAULT_PASSWORD);
        let profile = format!(
            "[profiles.lab]\nurl = \"{}\"\npassword-command = \"{command}\"\n",
            env.sandbox.url()
        );
        env.home.set("SWP_CONFIG_DIR", env.home.path("config"));
        std::fs::create_dir_all(env.home.path("config")).expect("a folder");
        env.home.write_secret("config/config.toml", &profile);
        let result = env.run(["list-roles", "--profile", "lab"]);
        result.success();
        contains(&result.stderr, &["lab"]);
    }
    assert_eq!(env.sandbox.live_sessions(), 0);
}

/// A valid session costs no additional request. A missing permission does not count as an expired session.
#[test]
fn a_valid_session_is_used() {
    let env = TestEnv::new();
    env.run(["login"]).success();
    env.sandbox.forget_requests();
    env.run(["list-roles"]).success();
    assert_eq!(env.calls(), ["POST /api/roles/search"]);
    let env = TestEnv::with(answering_unknowns(&[("session-roles", "401")]));
    env.run(["login"]).success();
    env.sandbox.forget_requests();
    let result = env.run(["list-roles"]);
    result.failure(4);
    assert_eq!(env.calls(), ["POST /api/roles/search", TRIAL]);
    assert_eq!(env.sandbox.live_sessions(), 1);
}

#[test]
fn a_rejected_password_is_sent_once_and_reported() {
    let mut env = ended(Settings::default());
    let wrong = env.home.write_secret("wrong", "hunter2");
    env.home.set("SWP_PASSWORD_FILE", wrong);
    let result = env.run(["list-roles"]);
    snapshot(result.failure(4));
    assert_eq!(env.count(SIGN_IN), 1);
    // The guard counts this rejected sign-in like any other.
    env.run(["list-roles"]).failure(4);
    let error = env.run(["list-roles", "-o", "json"]).json_error(4);
    assert_eq!(error["code"], "sign-in-paused");
    assert_eq!(env.count(SIGN_IN), 2);
    let env = ended(Settings::default());
    let fault = Fault::new("POST", "/api/sessions", Action::status(503, "starting"));
    env.sandbox.inject(fault);
    env.run(["list-roles"]).failure(8);
}

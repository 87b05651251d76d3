//! A rejected sign-in: the run makes one attempt, and reports the manager's message and the next step.

use swp_keys::sandbox::{Action, Fault, SignInWording};

use super::sign_in::{SIGN_INS, with};
use crate::support::responses::inject;
use crate::support::snapshot::snapshot;
use crate::support::{RunResult, TestEnv, contains};

/// Asserts that the run failed with exit code 4 after one sign-in attempt, and sent nothing afterwards.
#[track_caller]
fn refused(env: &TestEnv, result: &RunResult, expected: &[&str]) {
    contains(result.failure(4), expected);
    assert_eq!(env.calls(), [SIGN_INS], "one attempt, and nothing further");
    assert_eq!(env.sandbox.api_keys().len(), 0);
}

/// A cause of a rejected sign-in, and the manager's message if the manager names the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rejection {
    Password,
    User,
    Tenant,
    Locked,
    CodeMissing,
    CodeWrong,
    Expired,
}

const CAUSES: [(Rejection, &str); 7] = [
    (
        Rejection::Password,
        "The user name or the password is incorrect.",
    ),
    (
        Rejection::User,
        "The user name or the password is incorrect.",
    ),
    (Rejection::Tenant, "The tenant was not found."),
    (Rejection::Locked, "The user account is locked out."),
    (
        Rejection::CodeMissing,
        "A multi-factor authentication code is required.",
    ),
    (
        Rejection::CodeWrong,
        "The multi-factor authentication code is incorrect.",
    ),
    (Rejection::Expired, "The password has expired."),
];

impl Rejection {
    fn run(self, status: u16, wording: SignInWording) -> (TestEnv, RunResult) {
        let mut env = with(|settings| {
            settings.unknowns.sign_in_refusal = status;
            settings.unknowns.sign_in_wording = wording;
            settings.password_expired = self == Self::Expired;
            if matches!(self, Self::CodeMissing | Self::CodeWrong) {
                settings.mfa_code = Some("012345".to_owned());
            }
        });
        let mut arguments = vec!["create", "--role", "Auditor", "-vv"];
        match self {
            Self::Password => {
                let wrong = env.home.write_secret("wrong", "hunter2");
                env.home.set("SWP_PASSWORD_FILE", wrong);
            }
            Self::User => env.home.set("SWP_USERNAME", "nobody"),
            Self::Tenant => arguments.extend(["--tenant", "elsewhere"]),
            Self::Locked => env.sandbox.set_locked(true),
            Self::CodeWrong => arguments.extend(["--mfa-code", "654321"]),
            Self::CodeMissing | Self::Expired => {}
        }
        let result = env.run(arguments);
        (env, result)
    }

    /// Returns the advice that the client prints only for this cause, in addition to the manager's message.
    fn advice(self) -> &'static [&'static str] {
        match self {
            Self::Locked => &["`dsm_c -action unlockout -username admin`"],
            Self::CodeMissing | Self::CodeWrong => &["`--mfa-code`", "`--mfa-command`"],
            _ => &[],
        }
    }
}

#[test]
fn each_rejection_ends_the_run_after_one_attempt_with_the_managers_message() {
    for status in [400, 401, 403, 500] {
        for (cause, words) in CAUSES {
            let (env, result) = cause.run(status, SignInWording::Cause);
            let http = format!("(HTTP {status}");
            refused(&env, &result, &[&[&http, words], cause.advice()].concat());
            assert!(!result.stderr.contains("hunter2"), "{}", result.stderr);
        }
    }
}

#[test]
fn a_rejection_without_a_cause_lists_all_causes() {
    for (wording, words) in [
        (SignInWording::Vague, "The sign-in failed."),
        (SignInWording::Empty, "HTTP 401"),
    ] {
        for (cause, _) in CAUSES {
            let (env, result) = cause.run(401, wording);
            let causes = ["`--tenant`", "`--mfa-code`"];
            refused(&env, &result, &[&[words], &causes[..]].concat());
            snapshot(&result.stderr);
        }
    }
}

/// A sign-in that did not reach the manager does not count as a wrong password.
#[test]
fn an_unsupported_version_is_not_a_rejected_sign_in() {
    let words = "Missing 'api-version' request header. Please set this header with the a value of a supported API version";
    let env = TestEnv::new();
    let fault = Fault::new("POST", "/api/sessions", Action::status(400, words));
    env.sandbox.inject(fault.times(3));
    for _ in 0..3 {
        let result = env.run(["create", "--role", "Auditor"]);
        contains(result.failure(1), &[words, "`api-version: v1`"]);
    }
    env.run(["create", "--role", "Auditor"]).success();
}

#[test]
fn a_rejected_sign_in_is_an_error_in_json() {
    let mut env = TestEnv::new();
    let wrong = env.home.write_secret("wrong", "hunter2");
    env.home.set("SWP_PASSWORD_FILE", wrong);
    let error = env
        .run(["create", "--role", "Auditor", "-o", "json"])
        .json_error(4);
    assert_eq!(error["code"], "sign-in-refused");
    assert_eq!(error["exit"], 4);
    assert_eq!(error["http"], 401);
    assert_eq!(error["retryable"], false);
}

/// The manager may have counted a sign-in whose response was lost, and a gateway may have forwarded a sign-in that it answers with 502 or 504.
#[test]
fn a_sign_in_without_a_response_of_the_manager_is_not_retryable() {
    for (fault, retryable) in [
        ("POST /api/sessions drop", false),
        ("POST /api/sessions status=502", false),
        ("POST /api/sessions status=504", false),
        ("POST /api/sessions status=503", true),
    ] {
        let env = TestEnv::new();
        inject(&env.sandbox, fault);
        let result = env.run(["list-roles", "--retries", "0", "-o", "json"]);
        let error = result.json_error(8);
        assert_eq!(error["retryable"], retryable, "{fault}: {error}");
    }
}

#[test]
fn wrong_passwords_are_counted_once_per_run_and_the_lock_is_reported() {
    let mut env = with(|settings| settings.sign_in_attempts = 2);
    let wrong = env.home.write_secret("wrong", "hunter2");
    env.home.set("SWP_PASSWORD_FILE", wrong);
    contains(
        env.run(["create", "--role", "Auditor"]).failure(4),
        &["incorrect"],
    );
    assert!(!env.sandbox.is_locked(), "one run is one attempt");
    env.run(["create", "--role", "Auditor"]).failure(4);
    assert!(env.sandbox.is_locked());
    let result = env.run(["create", "--role", "Auditor", "--force-login"]);
    snapshot(result.failure(4));
}

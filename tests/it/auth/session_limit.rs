//! The manager's session limit. A sign-in that fails because of it does not count as a wrong password, and may succeed later.

use std::time::{Duration, Instant};

use swp_keys::sandbox::{Action, Fault, SessionLimit, Settings};

use super::sign_in::{SIGN_INS, with};
use crate::support::running::Running;
use crate::support::wording::{ALLOWED_SESSIONS_IN_USE, CODE_PROMPT};
use crate::support::{RunResult, TestEnv, contains};

const FIND: [&str; 2] = ["find-role", "Auditor"];
const SHORT: [&str; 4] = ["find-role", "Auditor", "--wait", "1s"];

/// Returns an environment whose manager allows one session, which is in use.
fn full(change: impl FnOnce(&mut Settings)) -> TestEnv {
    let env = with(|settings| {
        settings.sessions_max = 1;
        change(settings);
    });
    env.sandbox.change(|settings| settings.sessions_max = 0);
    env
}

fn assert_success(result: &RunResult) {
    assert_eq!(result.success(), "2");
}

#[test]
fn the_limit_exits_with_9_and_does_not_count_as_a_rejection() {
    for status in [401, 403, 400, 500] {
        let env = full(|settings| settings.unknowns.sign_in_refusal = status);
        // The lockout guard would stop the third attempt if these rejections counted.
        for _ in 0..3 {
            let error = env.run(SHORT.iter().chain(&["-o", "json"])).json_error(9);
            assert_eq!(error["code"], "too-many-sessions");
            assert_eq!(error["http"], status);
            assert_eq!(error["retryable"], true);
            let hint = error["hint"].as_str().unwrap_or_default();
            contains(hint, &["`--api-key-file`"]);
        }
        assert!(!env.sandbox.is_locked());
        assert!(!env.home.path("state/sign-ins").exists());
        env.sandbox.change(|settings| settings.sessions_max = 1);
        assert_success(&env.run(FIND));
    }
}

/// Other managers use different wording, in upper or lower case.
#[test]
fn the_limit_is_recognized_by_the_managers_message() {
    for (words, code) in [
        ("com.thirdbrigade.MAXSESSIONSEXCEPTION: no", 9),
        ("The Maximum Number Of Active Sessions has been reached.", 9),
        ("Too many attempts.", 4),
        (
            "The account is locked: maximum number of active sessions",
            4,
        ),
    ] {
        let env = TestEnv::new();
        let fault = Fault::new("POST", "/api/sessions", Action::status(401, words));
        env.sandbox.inject(fault.times(99));
        let result = env.run(SHORT);
        contains(result.failure(code), &[words]);
        let tries = env.count(SIGN_INS);
        assert_eq!(tries > 1, code == 9, "{words}: {tries}");
    }
}

#[test]
fn a_run_waits_for_a_session_to_end_and_reports_it() {
    let env = full(|_| {});
    let mut running = Running::start(&mut env.home.command(FIND));
    running.wait_for_line(ALLOWED_SESSIONS_IN_USE);
    env.sandbox.change(|settings| settings.sessions_max = 1);
    let result = running.finish();
    assert_success(&result);
    assert!(
        !result.stderr.contains(ALLOWED_SESSIONS_IN_USE),
        "said once"
    );
    assert!(env.count(SIGN_INS) >= 2);
    assert_eq!(env.sandbox.connections().tcp, 1);
    assert_eq!(env.sandbox.live_sessions(), 0);
}

#[test]
fn the_run_fails_when_the_wait_ends() {
    let env = full(|_| {});
    let begun = Instant::now();
    env.run(SHORT).failure(9);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert!(begun.elapsed() < Duration::from_secs(20));
}

/// If a later attempt is rejected for a different reason, the run stops waiting.
#[test]
fn a_different_rejection_during_the_wait_is_not_retried() {
    let env = full(|_| {});
    let mut running = Running::start(&mut env.home.command(FIND));
    running.wait_for_line(ALLOWED_SESSIONS_IN_USE);
    env.sandbox.change(|settings| {
        settings.sessions_max = 1;
        settings.password = "changed".to_owned();
    });
    running.finish().failure(4);
}

#[test]
fn a_signal_ends_the_wait() {
    let env = full(|_| {});
    let mut running = Running::start(&mut env.home.command(FIND));
    running.wait_for_line(ALLOWED_SESSIONS_IN_USE);
    running.signal(rustix::process::Signal::TERM);
    assert_eq!(running.finish().code(), 143);
}

#[test]
fn the_oldest_session_may_end_instead() {
    let env = with(|settings| {
        settings.sessions_max = 1;
        settings.unknowns.session_limit = SessionLimit::EndOldest;
    });
    env.run(["login"]).success();
    assert_success(&env.run([
        "find-role",
        "Auditor",
        "--no-sign-out",
        "--username",
        "admin",
    ]));
    assert_eq!(env.sandbox.live_sessions(), 1);
}

/// The manager may have marked the code as used although it rejected the sign-in because of the limit.
#[test]
fn a_code_is_not_sent_a_second_time() {
    let mfa = |settings: &mut Settings| settings.mfa_code = Some("004211".to_owned());
    let env = full(mfa);
    let result = env.run(FIND.iter().chain(&["--mfa-code", "004211"]));
    contains(result.failure(9), &["`--api-key-file`"]);
    assert_eq!(env.count(SIGN_INS), 1);

    // The MFA command is run again until it returns a new code.
    let mut env = full(mfa);
    env.home.write("code", "004211");
    env.home.set("SWP_MFA_COMMAND", "cat code");
    let mut running = Running::start(&mut env.home.command(FIND));
    running.wait_for_line(ALLOWED_SESSIONS_IN_USE);
    env.sandbox.change(|settings| {
        settings.sessions_max = 1;
        settings.mfa_code = Some("004212".to_owned());
    });
    env.home.write("code", "004212");
    assert_success(&running.finish());
    let codes: Vec<_> = (env.sandbox.requests().iter())
        .filter(|request| request.route() == SIGN_INS)
        .map(|request| String::from_utf8_lossy(&request.body).into_owned())
        .collect();
    assert_eq!(
        codes.iter().filter(|body| body.contains("004211")).count(),
        1
    );
    assert_eq!(
        codes.iter().filter(|body| body.contains("004212")).count(),
        1
    );
}

/// The code is not sent again even if the run cannot record that it was sent, or if `--force-login` is set.
#[test]
fn one_run_does_not_send_a_code_twice() {
    for forced in [false, true] {
        let mut env = full(|settings| settings.mfa_code = Some("004211".to_owned()));
        env.home.set("SWP_MFA_COMMAND", "echo 004211");
        if !forced {
            // A file in place of the folder makes it unwritable for every user, including root.
            std::fs::create_dir(env.home.path("state")).expect("a folder");
            env.home.write("state/sign-ins", "");
        }
        let force = ["--force-login"].into_iter().filter(|_| forced);
        let result = env.run(FIND.into_iter().chain(["--wait", "3s"]).chain(force));
        result.failure(9);
        assert_eq!(env.count(SIGN_INS), 1, "forced: {forced}");
    }
}

#[test]
fn a_person_is_asked_for_the_next_code() {
    use crate::support::pty::Pty;
    let env = full(|settings| settings.mfa_code = Some("004211".to_owned()));
    let script = r#""$SWP_KEYS" find-role Auditor; echo "code=$?""#;
    let mut terminal = Pty::start(&env.home, script);
    terminal.see(CODE_PROMPT);
    terminal.type_line("004211");
    terminal.see(ALLOWED_SESSIONS_IN_USE);
    terminal.see(CODE_PROMPT);
    env.sandbox.change(|settings| {
        settings.sessions_max = 1;
        settings.mfa_code = Some("004212".to_owned());
    });
    terminal.type_line("004212");
    terminal.see("code=0");
    terminal.end();
    assert_eq!(env.count(SIGN_INS), 3);
}

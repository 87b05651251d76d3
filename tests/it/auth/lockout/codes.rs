//! An MFA code is sent once, whether or not the sign-in succeeds.

use std::thread;

use serde_json::Value;
use swp_keys::sandbox::{Action, Fault, Settings};

use super::guard::{FIND, MINUTE, age_records, record, records, sign_ins};
use crate::support::wording::CODE_PROMPT;
use crate::support::{RunResult, TestEnv, contains};

const CODE: &str = "004211";

fn env() -> TestEnv {
    TestEnv::with(Settings {
        mfa_code: Some(CODE.to_owned()),
        ..Settings::default()
    })
}

fn find(env: &TestEnv, more: &[&str]) -> RunResult {
    env.run([&FIND[..], more].concat())
}

/// Asserts that the run refused to send a used code, and sent no sign-in.
#[track_caller]
fn assert_code_rejected(env: &TestEnv, named_by: &str, run: impl FnOnce() -> RunResult) {
    let before = sign_ins(env);
    let result = run();
    contains(
        result.failure(4),
        &[named_by, "`swp-keys login`", "`--force-login`"],
    );
    assert!(!result.stderr.contains(CODE), "{}", result.stderr);
    assert_eq!(sign_ins(env), before, "nothing is sent");
}

#[test]
fn an_accepted_code_is_not_sent_again_from_any_source() {
    let mut env = env();
    find(&env, &["--mfa-code", CODE]).success();
    let connections = env.sandbox.connections().tcp;
    assert_code_rejected(&env, "--mfa-code", || find(&env, &["--mfa-code", CODE]));
    assert_code_rejected(&env, "--mfa-code", || {
        env.run(["login", "--mfa-code", CODE])
    });
    // The run must not ask for a password, because the sign-in cannot succeed.
    let password = env.home.path("password");
    env.home.unset("SWP_PASSWORD_FILE");
    env.home.set("SWP_PASSWORD_COMMAND", "touch asked");
    env.home.set("SWP_MFA_CODE", CODE);
    assert_code_rejected(&env, "SWP_MFA_CODE", || find(&env, &[]));
    assert!(!env.home.path("asked").exists());
    assert_eq!(env.sandbox.connections().tcp, connections);
    env.home.unset("SWP_MFA_CODE");
    env.home.unset("SWP_PASSWORD_COMMAND");
    env.home.set("SWP_PASSWORD_FILE", password);
    if cfg!(unix) {
        let command = format!("echo {CODE}");
        assert_code_rejected(&env, "--mfa-command", || {
            find(&env, &["--mfa-command", &command])
        });
    }
    // The next code is sent. `--force-login` sends a used code.
    (env.sandbox).change(|settings| settings.mfa_code = Some("004212".to_owned()));
    find(&env, &["--mfa-code", "004212"]).success();
    find(&env, &["--mfa-code", "004212", "--force-login"]).success();
}

#[test]
fn a_rejected_code_or_one_without_a_response_is_not_sent_again() {
    let env = env();
    find(&env, &["--mfa-code", "111111"]).failure(4);
    assert_code_rejected(&env, "--mfa-code", || find(&env, &["--mfa-code", "111111"]));
    find(&env, &["--mfa-code", CODE]).success();

    let env = self::env();
    let cut = Fault::new("POST", "/api/sessions", Action::Cut(20)).after();
    env.sandbox.inject(cut);
    find(&env, &["--mfa-code", CODE]).failure(8);
    assert_code_rejected(&env, "--mfa-code", || find(&env, &["--mfa-code", CODE]));
}

#[test]
fn a_code_that_did_not_reach_the_manager_can_be_sent_again() {
    let unsent = |action: Action, code: i32| {
        let env = env();
        (env.sandbox).inject(Fault::new("POST", "/api/sessions", action));
        find(&env, &["--mfa-code", CODE, "--retries", "0"]).failure(code);
        env
    };
    let mut envs = vec![
        unsent(Action::status(429, "slow down"), 9),
        unsent(Action::status(503, "starting"), 8),
    ];
    for (variable, value, code) in [
        ("SWP_CA_CERT", "", 7),
        ("SWP_URL", "https://127.0.0.1:1", 8),
    ] {
        let mut env = env();
        let right = match variable {
            "SWP_URL" => env.sandbox.url(),
            _ => env.home.path("manager.pem").display().to_string(),
        };
        env.home.set(variable, value);
        find(&env, &["--mfa-code", CODE, "--retries", "0"]).failure(code);
        assert!(records(&env).is_empty(), "{variable}");
        env.home.set(variable, right);
        envs.push(env);
    }
    for env in envs {
        find(&env, &["--mfa-code", CODE]).success();
    }
}

#[test]
fn a_used_code_is_recorded_per_user_and_for_a_limited_time() {
    let env = env();
    find(&env, &["--mfa-code", CODE]).success();
    let other = find(&env, &["--mfa-code", CODE, "--username", "kim"]);
    other.failure(4);
    age_records(&env, 14 * MINUTE);
    assert_code_rejected(&env, "--mfa-code", || find(&env, &["--mfa-code", CODE]));
    age_records(&env, MINUTE);
    find(&env, &["--mfa-code", CODE]).success();
    let codes = record(&env)["codes"].as_array().map(Vec::len);
    assert_eq!(
        codes,
        Some(1),
        "old records are removed, also those of other users"
    );
}

#[test]
fn of_concurrent_runs_only_one_sends_the_code() {
    let env = env();
    let results: Vec<RunResult> = thread::scope(|scope| {
        let runs: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| find(&env, &["--mfa-code", CODE])))
            .collect();
        let ended = runs.into_iter().map(|run| run.join().expect("it ends"));
        ended.collect()
    });
    let mut codes: Vec<i32> = results.iter().map(RunResult::code).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 4, 4, 4, 4, 4]);
    assert_eq!(sign_ins(&env), 1);
}

#[cfg(unix)]
#[test]
fn a_used_code_is_rejected_at_the_prompt() {
    let env = env();
    find(&env, &["--mfa-code", CODE]).success();
    (env.sandbox).change(|settings| settings.mfa_code = Some("004212".to_owned()));
    let script = r#""$SWP_KEYS" find-role Auditor; echo "code=$?""#;
    let mut terminal = crate::support::pty::Pty::start(&env.home, script);
    terminal.see(CODE_PROMPT);
    terminal.type_line(CODE);
    terminal.see(CODE_PROMPT);
    terminal.type_line("004212");
    terminal.see("code=0");
    terminal.end();
    let sent = env.sandbox.requests();
    let sent = sent
        .iter()
        .filter(|request| request.path == "/api/sessions");
    let codes: Vec<Value> = sent
        .map(|request| serde_json::from_slice::<Value>(&request.body).expect("JSON"))
        .map(|body| body["mfaCode"].clone())
        .collect();
    assert_eq!(codes, [CODE.into(), Value::Null, "004212".into()]);
}

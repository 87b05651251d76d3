//! The secrets that a child process can see in its arguments, its environment, and the arguments of the run.
#![cfg(target_os = "linux")]

use crate::support::secrets::{CODE, KEY, PASSWORD, assert_clean, assert_silent};
use crate::support::{RunResult, TestEnv};
use swp_keys::sandbox::Settings;

/// Returns a script for `sh` that stores everything it can see, and prints `output`.
fn spy(env: &TestEnv, name: &str, output: &str) -> String {
    let secret = env.home.write_secret(&format!("{name}.output"), output);
    let script = format!(
        "for what in cmdline environ; do cat /proc/self/$what /proc/$$/$what; done > {name}.seen\n\
         cat /proc/$PPID/cmdline >> {name}.seen\ncat '{}'\n",
        secret.display()
    );
    let path = env.home.write(name, &script);
    path.to_str().expect("UTF-8").to_owned()
}

#[track_caller]
fn assert_blind(env: &TestEnv, name: &str) {
    let seen = std::fs::read(env.home.path(&format!("{name}.seen"))).expect("the child ran");
    assert!(
        String::from_utf8_lossy(&seen).contains("SWP_URL"),
        "it could look"
    );
    assert_clean(name, &seen, &[PASSWORD, CODE, KEY]);
}

#[test]
fn command_that_prints_a_secret() {
    let mut env = TestEnv::with(Settings {
        password: PASSWORD.to_owned(),
        mfa_code: Some(CODE.to_owned()),
        ..Settings::default()
    });
    env.home.unset("SWP_PASSWORD_FILE");
    for (variable, secret) in [
        ("SWP_PASSWORD", PASSWORD),
        ("SWP_MFA_CODE", CODE),
        ("SWP_API_KEY", KEY),
    ] {
        env.home.set(variable, secret);
    }
    let password = format!("sh {}", spy(&env, "password-spy", PASSWORD));
    let code = format!("sh {}", spy(&env, "code-spy", CODE));
    let result = env.run([
        "create",
        "--role",
        "Auditor",
        "-vv",
        "--password-command",
        &password,
        "--mfa-command",
        &code,
    ]);
    let secret = result.success().to_owned();
    assert_silent(
        "create",
        &result,
        &[PASSWORD, CODE, KEY, &secret],
        Some(&secret),
    );
    assert_blind(&env, "password-spy");
    assert_blind(&env, "code-spy");
}

#[test]
fn command_in_a_sandbox() {
    let mut env = TestEnv::new();
    for (variable, secret) in [
        ("SWP_PASSWORD", PASSWORD),
        ("SWP_MFA_CODE", CODE),
        ("SWP_API_KEY", KEY),
    ] {
        env.home.set(variable, secret);
    }
    let child = spy(&env, "child", "done");
    let result: RunResult = env.run(["sandbox", "-vv", "--", "sh", &child]);
    assert_eq!(result.success(), "done");
    assert_silent("sandbox", &result, &[PASSWORD, CODE, KEY], None);
    assert_blind(&env, "child");
}

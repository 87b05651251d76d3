//! Boolean variables: values that mean true, values that mean false, and that all other values are rejected. Also covers variables that are not valid
//! UTF-8.

use std::ffi::OsStr;
#[cfg(unix)]
use std::ffi::OsString;

use crate::support::{RunResult, TestEnv, contains};

/// All Boolean variables.
const VARIABLES: [&str; 7] = [
    "SWP_ALLOW_LOOSE_PERMISSIONS",
    "SWP_INSECURE",
    "SWP_TLS_ACCEPT_NEW",
    "SWP_NO_INPUT",
    "SWP_NO_SIGN_OUT",
    "SWP_REQUIRE_JOURNAL",
    "SWP_QUIET",
];

/// Values that mean false, with the quotes and line endings that files of variables produce.
const OFF: [&str; 12] = [
    "\"false\"",
    "'false'",
    "false\r",
    "0\r\n",
    " 0",
    "0 ",
    " ",
    "\"\"",
    "\"0\"\r",
    "No",
    "OFF",
    "'no'",
];

/// Runs with this variable in addition to the usual environment.
fn run_with(env: &TestEnv, variable: &str, value: impl AsRef<OsStr>) -> RunResult {
    RunResult::of(
        env.home
            .command(["find-role", "Auditor"])
            .env(variable, value),
    )
}

#[test]
fn every_boolean_variable_of_the_program_is_tested() {
    let command = swp_keys::command_line();
    let found: Vec<String> = (command.get_arguments())
        .filter(|argument| matches!(argument.get_action(), clap::ArgAction::SetTrue))
        .filter_map(|argument| argument.get_env()?.to_str().map(str::to_owned))
        .collect();
    assert_eq!(found.len(), VARIABLES.len(), "{found:?}");
    for variable in VARIABLES {
        assert!(found.iter().any(|found| found == variable), "{variable}");
    }
}

#[test]
fn every_spelling_of_false_leaves_the_check_enabled() {
    for value in OFF {
        let mut env = TestEnv::new();
        env.home.set("SWP_CA_CERT", "");
        let mut command = env.home.command(["find-role", "Auditor"]);
        for variable in VARIABLES.iter().filter(|name| **name != "SWP_NO_INPUT") {
            command.env(variable, value);
        }
        let result = RunResult::of(&mut command);
        result.failure(7);
        assert_eq!(env.sandbox.requests(), [], "{value:?}: nothing is sent");
    }
}

#[test]
fn every_spelling_of_true_is_accepted() {
    for value in ["\"true\"", "'1'", "yes\r", " on ", "TRUE"] {
        let mut env = TestEnv::new();
        env.home.set("SWP_CA_CERT", "");
        env.home.set("SWP_INSECURE", value);
        assert_eq!(
            env.run(["find-role", "Auditor"]).success(),
            "2",
            "{value:?}"
        );
    }
}

#[test]
fn an_invalid_value_is_rejected_by_name() {
    for variable in VARIABLES {
        for value in [
            "none",
            "disabled",
            "null",
            "00",
            "hunter2",
            "\"true",
            "${INSECURE}",
        ] {
            let env = TestEnv::new();
            let result = run_with(&env, variable, value);
            contains(result.failure(2), &[&format!("`{variable}`")]);
            assert!(!result.stderr.contains("hunter2"), "{}", result.stderr);
            assert_eq!(env.sandbox.connections().tcp, 0, "{variable}={value}");
        }
    }
}

#[test]
fn a_flag_takes_precedence_over_any_value_of_its_variable() {
    let mut env = TestEnv::new();
    env.home.set("SWP_CA_CERT", "");
    env.home.set("SWP_INSECURE", "none");
    let result = env.run(["find-role", "Auditor", "--insecure"]);
    assert_eq!(result.success(), "2");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_named() {
    use std::os::unix::ffi::OsStringExt as _;
    let texts = [
        "SWP_URL",
        "SWP_USERNAME",
        "SWP_TENANT",
        "SWP_TIMEOUT",
        "SWP_PASSWORD",
    ];
    for variable in VARIABLES.iter().chain(&texts) {
        let mut env = TestEnv::new();
        if *variable == "SWP_PASSWORD" {
            env.home.unset("SWP_PASSWORD_FILE");
        }
        let result = run_with(&env, variable, OsString::from_vec(b"fal\xffse".to_vec()));
        contains(result.failure(2), &[&format!("`{variable}`"), "UTF-8"]);
        assert_eq!(env.sandbox.connections().tcp, 0, "{variable}");
    }
}

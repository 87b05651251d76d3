//! System limits, which are detected before the first request, and limits of durations, which are checked when they are parsed.
#![cfg(unix)]

use crate::support::profiles::env_in_a_profile;
use crate::support::requests::{CREATE, count, nothing_was_sent};
use crate::support::shell::sh;
use crate::support::wording::BUG;
use crate::support::{RunResult, TestEnv, contains};

/// Runs with a limit on open files.
fn with_files(env: &TestEnv, files: u32, arguments: &str) -> RunResult {
    sh(
        &env.home,
        &format!(r#"ulimit -n {files} && exec "$SWP_KEYS" {arguments}"#),
    )
}

/// Returns true if the program was started. If the limit is very low, the dynamic loader fails before that.
fn was_started(result: &RunResult) -> bool {
    !(result.code() == 127 && result.stderr.contains("shared libraries"))
}

#[test]
fn too_few_open_files_are_an_error_before_anything_is_sent() {
    let commands = [
        "create --role Auditor --name ci",
        "create --role Auditor --name ci --verify --out-file key --dotenv env --deliver-cmd 'cat'",
        "exec --role Auditor -- true",
        "list-keys",
        "find-role Auditor",
        "whoami",
        "doctor",
        "doctor --sign-in",
        "sandbox -- true",
    ];
    for arguments in commands {
        for files in (3..=20).chain([64]) {
            let env = TestEnv::new();
            let result = with_files(&env, files, arguments);
            let output = format!("{arguments} with {files}: {}", result.stderr);
            if !was_started(&result) {
                continue;
            }
            assert!(!result.stderr.contains(BUG), "{output}");
            assert_eq!(
                count(&env.sandbox, "DELETE /api/apikeys/1"),
                usize::from(arguments.starts_with("exec") && result.code() == 0),
                "{output}"
            );
            let records = std::fs::read_dir(env.home.path("state/unfinished"));
            assert_eq!(records.map_or(0, Iterator::count), 0, "{output}");
            if files == 64 {
                result.success();
            }
            if result.code() == 0 {
                continue;
            }
            contains(result.failure(1), &["hint: "]);
            assert_eq!(count(&env.sandbox, CREATE), 0, "{output}");
            assert!(!env.home.path("key").exists() && !env.home.path("env").exists());
        }
    }
}

#[test]
fn with_too_few_files_completion_prints_nothing() {
    let mut env = TestEnv::new();
    let key = env.sandbox.add_key("mine", 1);
    env.use_key(&key.secret);
    for files in 3..=20 {
        let result = with_files(&env, files, "__complete zsh = create --role");
        if was_started(&result) {
            result.success();
            assert_eq!(result.stderr, "", "with {files}");
        }
    }
}

/// Durations that no clock can represent: 2^63 and 2^64 - 1 seconds, and a number that does not fit into 64 bits.
const ENDLESS: [&str; 3] = [
    "9223372036854775808s",
    "18446744073709551615s",
    "99999999999999999999999y",
];
/// A duration above the maximum of one year.
const TOO_LONG: &str = "367d";

#[test]
fn every_duration_has_a_limit() {
    let waits = [
        "--timeout",
        "--connect-timeout",
        "--settle-timeout",
        "--wait",
    ];
    let commands: [(&str, &[&str], bool); 12] = [
        (waits[0], &["list-roles"], true),
        (waits[1], &["list-roles"], true),
        (waits[2], &["create", "--role", "Auditor"], true),
        (waits[3], &["list-roles"], true),
        (
            "--deliver-timeout",
            &["create", "--role", "Auditor", "--deliver-cmd", "cat"],
            true,
        ),
        ("--ttl", &["exec", "--role", "Auditor"], true),
        ("--overlap", &["rotate-key", "ci"], false),
        ("--expires", &["create", "--role", "Auditor"], false),
        ("--expires", &["update-key", "ci"], false),
        (
            "--fail-within",
            &["verify-key", "--key-file", "password"],
            false,
        ),
        ("--expiring", &["list-keys"], false),
        ("--stale", &["list-keys"], false),
    ];
    for (flag, command, is_wait) in commands {
        let values = ENDLESS.iter().chain(is_wait.then_some(&TOO_LONG));
        for value in values {
            let env = TestEnv::new();
            let mut arguments = [command, &[flag, value]].concat();
            if command[0] == "exec" {
                arguments.extend(["--", "true"]);
            }
            let result = env.run(&arguments);
            contains(result.failure(2), &[flag]);
            nothing_was_sent(&env.sandbox);
        }
    }
    for flag in ["--session-idle", "--session-max"] {
        for value in ENDLESS.iter().chain([&TOO_LONG]) {
            let result = TestEnv::new().run(["sandbox", flag, value, "--", "true"]);
            contains(result.failure(2), &[flag]);
        }
    }
    let fault = format!("POST /api/apikeys delay={}", ENDLESS[0]);
    TestEnv::new()
        .run(["sandbox", "--fault", &fault, "--", "true"])
        .failure(2);
}

#[test]
fn variables_and_profiles_have_the_same_limits() {
    for (variable, field) in [
        ("SWP_TIMEOUT", "timeout"),
        ("SWP_CONNECT_TIMEOUT", "connect-timeout"),
        ("SWP_SETTLE_TIMEOUT", "settle-timeout"),
        ("SWP_WAIT", "wait"),
    ] {
        for value in ENDLESS.iter().chain([&TOO_LONG]) {
            let mut env = TestEnv::new();
            env.home.set(variable, value);
            contains(env.run(["list-roles"]).failure(2), &[variable]);
            nothing_was_sent(&env.sandbox);
            let mut env = env_in_a_profile(&format!("{field} = \"{value}\"\n"));
            env.home.unset(variable);
            let result = env.run(["--profile", "here", "list-roles"]);
            contains(result.failure(2), &[field, "config.toml"]);
            nothing_was_sent(&env.sandbox);
        }
    }
}

/// A wait of one year is valid.
#[test]
fn a_wait_of_a_year_is_valid() {
    let env = TestEnv::new();
    let flags = [
        "--timeout",
        "366d",
        "--settle-timeout",
        "366d",
        "--wait",
        "366d",
    ];
    let create = [
        "create",
        "--role",
        "Auditor",
        "--deliver-cmd",
        "cat",
        "--deliver-timeout",
        "366d",
    ];
    env.run(flags.iter().chain(&create)).success();
}

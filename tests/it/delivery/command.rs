//! `--deliver-cmd` passes the secret to the stdin of a command. Exit code 0 means that the secret was delivered.
#![cfg(unix)]

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::files::{names, read};
use crate::support::requests::{CREATE, count, nothing_was_sent};
use crate::support::running::Running;
use crate::support::snapshot::snapshot;
use crate::support::{RunResult, TestEnv, contains, set_mode};

/// Runs `create` with a command that runs this script with `sh -c`.
fn deliver(env: &TestEnv, script: &str, more: &[&str]) -> RunResult {
    let command = shell_command(script);
    let arguments = ["create", "--role", "Auditor", "--deliver-cmd", &command];
    env.run(arguments.iter().chain(more))
}

fn shell_command(script: &str) -> String {
    format!("sh -c '{script}' argument")
}

fn secret(env: &TestEnv) -> String {
    env.sandbox.api_keys().pop().expect("a key").secret
}

/// Asserts that the secret was not delivered: the key is deleted, and the session is ended.
#[track_caller]
fn assert_not_delivered(env: &TestEnv) {
    assert_eq!(count(&env.sandbox, CREATE), 1);
    assert_eq!(env.sandbox.api_keys(), []);
    assert_eq!(env.sandbox.live_sessions(), 0);
}

#[test]
fn the_secret_is_on_stdin_unchanged_and_nowhere_else() {
    let env = TestEnv::new();
    let result = deliver(
        &env,
        "cat > got; env > environment; echo \"$0\" \"$@\" > arguments",
        &["-o", "json"],
    );
    assert_eq!(result.json()["meta"]["sinks"], json!(["the command `sh`"]));
    let secret = secret(&env);
    assert_eq!(read(env.home.path("got")), secret, "without a line break");
    let environment = read(env.home.path("environment"));
    let arguments = read(env.home.path("arguments"));
    for text in [&result.stdout, &result.stderr, &environment, &arguments] {
        assert!(!text.contains(&secret), "{text}");
    }
    assert_eq!(arguments, "argument\n");
}

#[test]
fn words_are_split_as_a_shell_would_and_nothing_is_expanded() {
    let env = TestEnv::new();
    let script = env.home.write(
        "a program",
        "#!/bin/sh\ncat > got\nprintf '[%s]' \"$@\" > arguments\n",
    );
    set_mode(&script, 0o700);
    let command = r#"'./a program' "two words" "$HOME" '*;>x' \"q ''"#;
    env.run(["create", "--role", "Auditor", "--deliver-cmd", command])
        .success();
    assert_eq!(
        read(env.home.path("arguments")),
        "[two words][$HOME][*;>x][\"q][]"
    );
    assert_eq!(read(env.home.path("got")), secret(&env));
}

/// Without a shell, the operators would be passed as arguments: `tee key.txt > /dev/null` would write the secret to a file named `>`.
#[test]
fn shell_operators_are_rejected_before_any_prompt_or_request() {
    let env = TestEnv::new();
    let key = env.sandbox.add_key("there", 2).id.to_string();
    for command in [
        "tee key.txt > /dev/null",
        "tee key.txt >key2.txt",
        "tee < key.txt",
        "tee key.txt | tee key2.txt",
        "tee key.txt & tee key2.txt",
        "tee key.txt; true",
        "tee `true` key.txt",
        "tee key.$HOSTNAME",
        "tee 'key'.txt 2>&1",
    ] {
        for run in [
            &["create", "--role", "Auditor"][..],
            &["create", "--role", "Auditor", "--dry-run"],
            &["rotate-key", &key],
            &["rotate-key", &key, "--in-place"],
            &["recover", "--yes"],
        ] {
            let result = env.run(run.iter().chain(&["--deliver-cmd", command]));
            contains(result.failure(2), &["`--deliver-cmd`", "`sh -c '...'`"]);
        }
    }
    nothing_was_sent(&env.sandbox);
    assert!(!env.home.path("key.txt").exists());
    assert!(!env.home.path(">").exists());
    // The operators are in quotes, for the shell that the command starts.
    deliver(&env, "tee key.txt > /dev/null; true && true | cat", &[]).success();
    assert_eq!(read(env.home.path("key.txt")), secret(&env));
}

#[test]
fn the_commands_output_goes_to_stderr() {
    let env = TestEnv::new();
    let result = deliver(
        &env,
        "cat >&2 > /dev/null; echo said; echo complained >&2",
        &[],
    );
    assert_eq!(result.success(), "1", "stdout is piped");
    contains(&result.stderr, &["said\n", "complained\n"]);
}

#[test]
fn the_command_does_not_get_the_secrets_of_the_sign_in() {
    let mut env = TestEnv::new();
    let administrator = env.sandbox.add_key("the administrator's", 1).secret;
    env.home.set("SWP_API_KEY", &administrator);
    env.home.set("SWP_PASSWORD", "hunter2");
    env.home.set("SWP_MFA_CODE", "123456");
    deliver(&env, "cat > /dev/null; env > environment", &[]).success();
    let environment = read(env.home.path("environment"));
    contains(&environment, &["SWP_URL=", "HOME="]);
    for hidden in [
        "SWP_API_KEY=",
        "SWP_PASSWORD=",
        "SWP_MFA_CODE=",
        "hunter2",
        "123456",
        &administrator,
    ] {
        assert!(!environment.contains(hidden), "{hidden} in {environment}");
    }
}

#[test]
fn any_exit_code_but_0_deletes_the_key() {
    for (script, reason) in [
        ("cat > got; exit 3", "exited with 3"),
        ("exit 1", "exited with 1"),
        ("cat > got; kill -9 $$", "signal: 9"),
        ("cat > got; kill -PIPE $$", "signal: 13"),
    ] {
        let env = TestEnv::new();
        let result = deliver(&env, script, &[]);
        contains(result.failure(10), &["sh", reason, "(ID 1)"]);
        assert!(
            !result.stderr.contains("argument"),
            "its arguments are not repeated: {}",
            result.stderr
        );
        assert_not_delivered(&env);
    }
}

/// A command may succeed without reading all of its stdin. The closed pipe must not end the run.
#[test]
fn exit_code_0_is_a_success_even_if_stdin_was_not_read() {
    for script in ["exit 0", "exec <&-; exit 0", "head -c 3 > got"] {
        let env = TestEnv::new();
        assert_eq!(deliver(&env, script, &[]).success(), "1");
        assert_eq!(env.sandbox.api_keys().len(), 1);
    }
}

#[test]
fn a_command_that_cannot_run_is_rejected_before_anything_is_sent() {
    let env = TestEnv::new();
    env.home.write("not-executable", "#!/bin/sh\n");
    for command in [
        "",
        "  ",
        "sh -c 'unclosed",
        "no-such-program-anywhere x",
        "./missing",
        "./not-executable",
        ".",
    ] {
        let flag = format!("--deliver-cmd={command}");
        let result = env.run(["create", "--role", "Auditor", "--out-file", "key", &flag]);
        contains(result.failure(2), &["`--deliver-cmd`", "hint: "]);
        snapshot(&result.stderr);
    }
    for more in [
        &["--deliver-cmd", "true", "--deliver-timeout", "soon"][..],
        &["--deliver-timeout", "5s"],
    ] {
        let result = env.run(["create", "--role", "Auditor"].iter().chain(more));
        result.failure(2);
    }
    nothing_was_sent(&env.sandbox);
    assert_eq!(names(&env.home.path("")), ["not-executable"]);
}

/// Children of the command inherit its stderr. The test reads the pipe to its end, which comes only when all of them have ended.
#[test]
fn a_command_that_times_out_is_killed_with_its_children() {
    let env = TestEnv::new();
    let script = "cat > got; sleep 1000 & trap \"\" TERM; sleep 1000; sleep 1000";
    let result = deliver(&env, script, &["--deliver-timeout", "300ms"]);
    contains(result.failure(10), &["300ms"]);
    assert_not_delivered(&env);
}

/// A clipboard program leaves a process in the background. The process in this test waits for a line, and writes it to a file.
#[test]
fn background_processes_of_a_successful_command_keep_running() {
    let env = TestEnv::new();
    let fifo = env.home.path("go");
    let status = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(status.expect("mkfifo is there").success());
    // A FIFO that is open for reading and writing never blocks.
    let mut options = std::fs::OpenOptions::new();
    let mut fifo = options.read(true).write(true).open(&fifo).expect("a pipe");
    let script = "cat > got; (read word < go; echo $word > proof) <&- >&- 2>&- &";
    deliver(&env, script, &[]).success();
    fifo.write_all(b"alive\n").expect("the pipe is writable");
    let deadline = Instant::now() + Duration::from_secs(20);
    while std::fs::read_to_string(env.home.path("proof")).unwrap_or_default() != "alive\n" {
        assert!(Instant::now() < deadline, "it was ended");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn waiting_command(env: &TestEnv, script: &str) -> Running {
    let command = shell_command(script);
    let arguments = ["create", "--role", "Auditor", "--deliver-cmd", &command];
    let mut running = Running::start(&mut env.home.command(arguments));
    running.wait_for_line("ready");
    running
}

#[test]
fn a_signal_is_forwarded_and_a_command_that_it_ends_is_a_failed_delivery() {
    use rustix::process::Signal;
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let env = TestEnv::new();
        let running = waiting_command(&env, "cat > got; echo ready >&2; exec sleep 1000");
        running.signal(signal);
        let result = running.finish();
        contains(result.failure(code), &["sh"]);
        assert_not_delivered(&env);
    }
}

#[test]
fn a_second_signal_kills_the_command_and_ends_the_run() {
    let env = TestEnv::new();
    let script = "trap \"\" TERM; echo ready >&2; sleep 1000; sleep 1000";
    let running = waiting_command(&env, script);
    // The test waits for the end of stderr, so all processes that inherited it have ended.
    let result = running.signal_until_exit(rustix::process::Signal::TERM);
    // The command may still have received the secret.
    let stderr = &["(ID 1)", "--rekey", "--forget"];
    contains(result.failure(11), stderr);
}

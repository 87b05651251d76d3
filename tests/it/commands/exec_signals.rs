//! Signals while `exec` runs a command: the run forwards them, and then deletes the key.

#![cfg(unix)]

use rustix::process::Signal;

use super::exec::{WAITING_SCRIPT, nothing_is_left, start, waiting};
use crate::support::files::record_count;
use crate::support::held_manager::HeldManager;
use crate::support::requests::CREATE;
use crate::support::running::Running;
use crate::support::{TestEnv, contains, wait_until};

#[test]
fn signals_are_forwarded_and_the_key_is_deleted() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let env = TestEnv::new();
        let running = waiting(&env, &[]);
        running.signal(signal);
        assert_eq!(running.finish().code(), code);
        nothing_is_left(&env);
    }
    // The run waits for a command that ignores the signal, however often the signal is sent.
    let env = TestEnv::new();
    let script = format!("trap 'touch received' TERM; {WAITING_SCRIPT}");
    let words = ["exec", "--role", "Auditor", "-q", "--", "sh", "-c", &script];
    let running = start(&mut env.home.command(words), &env.home);
    for _ in 0..2 {
        running.signal(Signal::TERM);
        wait_until("the trap", || env.home.path("received").exists());
        std::fs::remove_file(env.home.path("received")).expect("it is there");
    }
    env.home.write("go", "");
    assert_eq!(running.finish().code(), 3);
    nothing_is_left(&env);
}

#[test]
fn after_an_early_signal_the_command_is_not_run() {
    let held = HeldManager::new(CREATE);
    let running = held.start(["exec", "--role", "Auditor", "-q", "--", "touch", "ran"]);
    held.wait_until_held();
    running.signal(Signal::TERM);
    held.release();
    assert_eq!(running.finish().code(), 143);
    assert!(!held.home.path("ran").exists());
    assert_eq!(held.sandbox.api_keys(), []);
}

#[test]
fn after_a_signal_during_the_deletion_the_deleted_key_is_named() {
    let held = HeldManager::new("DELETE /api/apikeys/1");
    let running = held.start(["exec", "--role", "Auditor", "--name", "ci", "--", "true"]);
    held.wait_until_held();
    running.signal(Signal::TERM);
    held.release();
    let result = running.finish();
    assert_eq!(result.code(), 0, "{}", result.stderr);
    contains(&result.stderr, &["deleted the temporary key `ci` (ID 1)"]);
    assert_eq!(held.sandbox.api_keys(), []);
}

#[test]
fn recover_deletes_the_key_of_a_killed_run() {
    for (flags, left) in [(&[][..], 0), (&["--rekey", "--out-file", "-"], 1)] {
        let env = TestEnv::new();
        drop(waiting(&env, &[]));
        assert_eq!(env.sandbox.api_keys().len(), 1);
        contains(env.run(["recover", "--list"]).success(), &["exec"]);
        let result = env.run([&["recover", "--yes"][..], flags].concat());
        result.success();
        assert_eq!(env.sandbox.api_keys().len(), left, "{}", result.stderr);
        assert_eq!(record_count(&env.home), 0);
        env.home.write("go", "");
    }
}

/// `nohup`, and a job in the background of a shell. The command ignores the signals that the caller ignores, as it would without this program.
#[cfg(target_os = "linux")]
#[test]
fn the_command_ignores_what_the_caller_ignores() {
    use crate::support::shell::sh;
    for (script, signals) in [
        (
            r#"nohup "$SWP_KEYS" exec --role Auditor -q -- sh -c "$INNER""#,
            "HUP",
        ),
        (
            r#""$SWP_KEYS" exec --role Auditor -q -- sh -c "$INNER" & wait $!"#,
            "INT QUIT",
        ),
        (
            r#"trap '' TERM USR2; "$SWP_KEYS" exec --role Auditor -q -- sh -c "$INNER""#,
            "TERM USR2",
        ),
    ] {
        let env = TestEnv::new();
        let inner = format!("for one in {signals}; do kill -$one $$; done; echo alive");
        let result = sh(&env.home, &format!("INNER='{inner}'\n{script}"));
        assert_eq!(result.success(), "alive", "{script}");
        nothing_is_left(&env);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn with_nohup_a_hangup_has_no_effect() {
    let env = TestEnv::new();
    let mut command = env.home.program(std::path::Path::new("nohup"));
    command.arg(crate::support::binary()).args([
        "exec",
        "--role",
        "Auditor",
        "-q",
        "--",
        "sh",
        "-c",
        WAITING_SCRIPT,
    ]);
    let running = Running::start(&mut command);
    wait_until("the command to run", || env.home.path("running").exists());
    running.kill(Signal::HUP);
    std::fs::write(env.home.path("go"), "").expect("a file");
    assert_eq!(running.finish().code(), 3);
    nothing_is_left(&env);
}

/// A scheduler's signal is forwarded to the command. The key is deleted when the command ends.
#[test]
fn a_schedulers_signal_is_forwarded_and_the_key_is_deleted() {
    for (name, signal) in [
        ("USR1", Signal::USR1),
        ("QUIT", Signal::QUIT),
        ("ALRM", Signal::ALARM),
    ] {
        let env = TestEnv::new();
        // The command ends by itself after some time, so that the test does not hang if no signal arrives.
        let script = format!(
            "trap 'exit 7' {name}; touch running; for i in $(seq 400); do sleep 0.05; done"
        );
        let mut command =
            (env.home).command(["exec", "--role", "Auditor", "-q", "--", "sh", "-c", &script]);
        let running = Running::start(&mut command);
        wait_until("the command to run", || env.home.path("running").exists());
        running.kill(signal);
        assert_eq!(running.finish().code(), 7, "{name}");
        nothing_is_left(&env);
    }
}

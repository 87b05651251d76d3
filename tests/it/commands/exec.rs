//! `exec` creates a key for one command, and deletes it when the command ends.
#![cfg(unix)]

use std::process::Command;

use swp_keys::sandbox::{Action, Fault, Settings};

use crate::support::files::read;
use crate::support::files::record_count;
use crate::support::requests::{CREATE, bodies, nothing_was_sent};
use crate::support::responses::success_without_effect;
use crate::support::running::Running;
use crate::support::{Home, RunResult, TestEnv, answering_unknowns, contains, wait_until};

const HOUR: i64 = 3_600_000;
/// A script that writes the file `running`, and runs until the file `go` exists or the folder is gone.
pub(super) const WAITING_SCRIPT: &str =
    "touch running; while [ -e running ] && [ ! -e go ]; do sleep 0.05; done; exit 3";

pub(super) fn exec(env: &TestEnv, flags: &[&str], command: &[&str]) -> RunResult {
    env.run(
        [
            &["exec", "--role", "Auditor", "-q"][..],
            flags,
            &["--"],
            command,
        ]
        .concat(),
    )
}

#[track_caller]
pub(super) fn nothing_is_left(env: &TestEnv) {
    assert_eq!(env.sandbox.api_keys(), []);
    assert_eq!(record_count(&env.home), 0);
    assert_eq!(env.sandbox.live_sessions(), 0);
}

/// Starts a run, and waits until its command has started.
pub(super) fn start(command: &mut Command, home: &Home) -> Running {
    let running = Running::start(command);
    wait_until("the command", || home.path("running").exists());
    running
}

pub(super) fn waiting(env: &TestEnv, flags: &[&str]) -> Running {
    let words = [
        &["exec", "--role", "Auditor", "-q"][..],
        flags,
        &["--", "sh", "-c", WAITING_SCRIPT],
    ]
    .concat();
    start(&mut env.home.command(words), &env.home)
}

#[test]
fn the_key_works_during_the_command_and_is_deleted_afterwards() {
    let env = TestEnv::new();
    let script = "printf %s \"$SWP_API_KEY\" > secret; cat; echo out; echo err >&2";
    let result = exec(&env, &["--ttl", "2h"], &["sh", "-c", script]);
    assert_eq!((result.success(), result.stderr.as_str()), ("out", "err\n"));
    let body = &bodies(&env.sandbox, CREATE)[0];
    assert_eq!(body["roleID"], serde_json::json!(2));
    let end = body["expiryDate"].as_i64().unwrap_or_default();
    assert!((end - env.sandbox.now() - 2 * HOUR).abs() < 60_000, "{end}");
    contains(&read(env.home.path("secret")), &["1:"]);
    nothing_is_left(&env);
}

/// While the command runs, another run of this program uses the key.
#[test]
fn the_secret_works_while_the_command_runs() {
    let env = TestEnv::with(Settings::default());
    let own = crate::support::binary().display().to_string();
    let script = format!("unset SWP_USERNAME SWP_PASSWORD_FILE; exec {own} verify-key -q");
    let result = exec(&env, &[], &["sh", "-c", &script]);
    result.success();
    nothing_is_left(&env);
}

#[test]
fn the_name_of_the_variable_can_be_set() {
    let env = TestEnv::new();
    let script = "test -n \"$DS_KEY\" && test -z \"$SWP_API_KEY\"";
    exec(&env, &["--env", "DS_KEY"], &["sh", "-c", script]).success();
    env.run(["exec", "--role", "Auditor", "--env", "1 X", "--", "true"])
        .failure(2);
}

#[test]
fn no_secret_of_the_caller_reaches_the_command() {
    let mut env = TestEnv::with(Settings {
        mfa_code: Some("123456".to_owned()),
        ..Settings::default()
    });
    let own = env.sandbox.add_key("own", 1);
    env.home.set("SWP_PASSWORD", Settings::DEFAULT_PASSWORD);
    env.home.set("SWP_MFA_CODE", "123456");
    env.home.set("SWP_API_KEY", &own.secret);
    exec(&env, &[], &["sh", "-c", "env > seen"]).success();
    let output = read(env.home.path("seen"));
    for secret in [Settings::DEFAULT_PASSWORD, "123456", own.secret.as_str()] {
        assert!(!output.contains(secret), "{output}");
    }
    contains(&output, &["SWP_API_KEY=2:"]);
}

#[test]
fn a_descriptor_keeps_the_secret_out_of_the_environment() {
    let env = TestEnv::new();
    let script = "env > seen; cat <&9 > secret; cat <&9 > again";
    exec(&env, &["--fd", "9"], &["sh", "-c", script]).success();
    let secret = read(env.home.path("secret"));
    contains(&secret, &["1:"]);
    assert!(!read(env.home.path("seen")).contains(&secret));
    assert_eq!(read(env.home.path("again")), "", "it can be read once");
    nothing_is_left(&env);
    // The caller already uses this file descriptor, so the run must not replace it.
    let taken = format!(
        "exec 9</dev/null; exec {} exec --role Auditor --fd 9 -- true",
        crate::support::binary().display()
    );
    contains(
        crate::support::shell::sh(&env.home, &taken).failure(2),
        &["`--fd`"],
    );
}

#[test]
fn the_exit_code_is_that_of_the_command() {
    for (script, code) in [
        ("exit 0", 0),
        ("exit 3", 3),
        ("kill -TERM $$", 143),
        ("kill -KILL $$", 137),
    ] {
        let env = TestEnv::new();
        let result = exec(&env, &[], &["sh", "-c", script]);
        assert_eq!(
            (result.code(), result.stdout.as_str()),
            (code, ""),
            "{}",
            result.stderr
        );
        nothing_is_left(&env);
    }
}

#[test]
fn a_program_that_cannot_run_is_detected_before_a_key_is_created() {
    let env = TestEnv::new();
    let plain = env.home.write("plain", "no program").display().to_string();
    for (program, code) in [
        ("no-such-program", 127),
        ("./no-such-program", 127),
        (&plain, 126),
    ] {
        let result = exec(&env, &[], &[program]);
        contains(result.failure(code), &[program]);
    }
    for words in [
        &["exec", "--role", "Auditor"][..],
        &["exec", "--", "true"],
        &["exec", "--role", "Auditor", "--ttl", "0s", "--", "true"],
        &[
            "exec",
            "--role",
            "Auditor",
            "--ttl",
            "99999999999y",
            "--",
            "true",
        ],
        &["exec", "--role", "Auditor", "--fd", "2", "--", "true"],
    ] {
        env.run(words).failure(2);
    }
    nothing_was_sent(&env.sandbox);
}

/// The file is executable, but the system cannot run it. This is detected only when it is started.
#[test]
fn the_key_is_deleted_if_the_program_does_not_start() {
    let env = TestEnv::new();
    let broken = env.home.write("broken", "#!/no/such/interpreter\n");
    crate::support::set_mode(&broken, 0o700);
    let broken = broken.display().to_string();
    exec(&env, &[], &[&broken]).failure(126);
    nothing_is_left(&env);
}

#[test]
fn an_expired_session_is_replaced_before_the_deletion() {
    for status in ["401", "403"] {
        let env = TestEnv::with(answering_unknowns(&[("expired-session", status)]));
        let running = waiting(&env, &[]);
        env.sandbox.end_sessions();
        env.home.write("go", "");
        let result = running.finish();
        assert_eq!(result.code(), 3, "{}", result.stderr);
        nothing_is_left(&env);
    }
}

/// Stdin provides the password only once, but the run must sign in a second time.
#[test]
fn a_password_from_stdin_signs_in_twice() {
    let mut env = TestEnv::new();
    env.home.unset("SWP_PASSWORD_FILE");
    let words = [
        "exec",
        "--role",
        "Auditor",
        "-q",
        "--password-stdin",
        "--",
        "sh",
        "-c",
        WAITING_SCRIPT,
    ];
    let mut child = env.home.start_piped(words);
    let mut stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, Settings::DEFAULT_PASSWORD.as_bytes())
        .expect("it is read");
    drop(stdin);
    wait_until("the command", || env.home.path("running").exists());
    env.sandbox.end_sessions();
    env.home.write("go", "");
    let result = RunResult::from(child.wait_with_output().expect("it ends"));
    assert_eq!(result.code(), 3, "{}", result.stderr);
    nothing_is_left(&env);
}

#[test]
fn a_code_is_not_sent_twice_and_the_remaining_key_is_reported() {
    let env = TestEnv::with(Settings {
        mfa_code: Some("123456".to_owned()),
        ..Settings::default()
    });
    let running = waiting(&env, &["--mfa-code", "123456"]);
    env.sandbox.end_sessions();
    env.home.write("go", "");
    let result = running.finish();
    contains(result.failure(11), &["(ID 1,", "swp-keys recover"]);
    assert_eq!(env.count("POST /api/sessions"), 1);
    assert_eq!(record_count(&env.home), 1);
}

#[test]
fn a_key_that_cannot_be_deleted_is_a_failure() {
    let env = TestEnv::new();
    let refuse = Action::status(403, "Not authorized to delete API keys.");
    env.sandbox
        .inject(Fault::new("DELETE", "/api/apikeys/*", refuse).times(9));
    let result = exec(&env, &[], &["true"]);
    contains(result.failure(11), &["true", "(ID 1,", "delete-key 1"]);
    env.sandbox.clear_faults();
    env.run(["recover", "--yes"]).success();
    nothing_is_left(&env);
}

/// The manager responds with success, but does not delete the key.
#[test]
fn a_key_that_survives_its_deletion_is_a_failure() {
    let env = TestEnv::new();
    let path = "/api/apikeys/*";
    env.sandbox
        .inject(success_without_effect("DELETE", path, &serde_json::json!({})).times(999));
    let result = exec(&env, &["--settle-timeout", "300ms"], &["true"]);
    contains(result.failure(11), &["(ID 1,", "swp-keys recover"]);
    assert_eq!(record_count(&env.home), 1);
    env.sandbox.clear_faults();
    env.run(["recover", "--yes"]).success();
    nothing_is_left(&env);
}

#[test]
fn an_existing_key_can_authenticate_the_run() {
    let mut env = TestEnv::new();
    let own = env.sandbox.add_key("own", 1);
    env.use_key(&own.secret);
    exec(&env, &[], &["true"]).success();
    assert_eq!(env.sandbox.api_keys().len(), 1);
}

#[test]
fn a_used_name_is_rejected() {
    let env = TestEnv::new();
    exec(&env, &["--name", "job"], &["true"]).success();
    assert_eq!(bodies(&env.sandbox, CREATE)[0]["keyName"], "job");
    env.sandbox.add_key("job", 2);
    exec(&env, &["--name", "job"], &["true"]).failure(6);
    assert_eq!(env.sandbox.api_keys().len(), 1);
}

#[test]
fn a_role_with_every_permission_causes_a_warning() {
    let env = TestEnv::new();
    let full = ["exec", "--role", "Full Access"];
    let result = env.run([&full[..], &["--", "true"]].concat());
    contains(&result.stderr, &["warning:", "--allow-full-access"]);
    let meant = env.run([&full[..], &["--allow-full-access", "--", "true"]].concat());
    assert_eq!((meant.success(), meant.stderr.as_str()), ("", ""));
}

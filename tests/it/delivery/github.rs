//! `--github-output` and `--github-env`: the log masks the secret first, and the runner can read the secret from the file.
#![cfg(unix)]

use std::os::unix::fs::symlink;

use crate::support::files::{names, read};
use crate::support::github::{be_a_step, masks, values};
use crate::support::requests::nothing_was_sent;
use crate::support::shell::sh;
use crate::support::snapshot::snapshot;
use crate::support::{RunResult, TestEnv, contains};

const OUTPUT: [&str; 5] = ["create", "--role", "Auditor", "--github-output", "key"];

fn step() -> TestEnv {
    let mut env = TestEnv::new();
    be_a_step(&mut env.home);
    env
}

#[test]
fn the_runner_masks_the_secret_and_reads_it_unchanged() {
    let env = step();
    let more = [
        "--github-output",
        "again-2",
        "--github-env",
        "DSM_KEY",
        "-q",
    ];
    let result = env.run(OUTPUT.iter().chain(&more));
    assert_eq!(result.success(), "1");
    let secret = env.sandbox.api_keys().pop().expect("a key").secret;
    let outputs = values(env.home.path("GITHUB_OUTPUT"));
    assert_eq!(
        outputs.into_iter().collect::<Vec<_>>(),
        [
            ("again-2".to_owned(), secret.clone()),
            ("key".to_owned(), secret.clone())
        ]
    );
    let variables = values(env.home.path("GITHUB_ENV"));
    assert_eq!(
        variables.into_iter().collect::<Vec<_>>(),
        [("DSM_KEY".to_owned(), secret.clone())]
    );
    let (masked, rest) = masks(&result.stderr);
    assert!(
        masked.iter().all(|mask| *mask == secret) && !masked.is_empty(),
        "{masked:?}"
    );
    assert!(!rest.contains(&secret), "{rest}");
}

/// The runner masks only text that it reads after the mask. Here, stderr is a full pipe, so the run waits until the mask can be printed.
#[cfg(target_os = "linux")]
#[test]
fn the_mask_is_printed_before_a_runner_or_a_command_gets_the_secret() {
    use crate::support::wait_until;
    use std::io::{Read as _, Write as _};
    let env = step();
    let (mut reader, mut writer) = std::io::pipe().expect("a pipe");
    let flags = rustix::fs::fcntl_getfl(&writer).expect("the flags of a pipe");
    let not_blocking = flags | rustix::fs::OFlags::NONBLOCK;
    rustix::fs::fcntl_setfl(&writer, not_blocking).expect("a pipe that does not block");
    for chunk in [&[b'x'; 4096][..], b"x"] {
        while writer.write(chunk).is_ok() {}
    }
    rustix::fs::fcntl_setfl(&writer, flags).expect("a pipe that blocks");
    let mut command = env.home.command(OUTPUT);
    command.args(["--github-env", "DSM_KEY", "-q"]);
    command.args(["--deliver-cmd", "tee stored"]);
    let mut child = command.stderr(writer).spawn().expect("the binary starts");
    drop(command);
    let status = format!("/proc/{}/syscall", child.id());
    wait_until("a write to stderr", || {
        let call = std::fs::read_to_string(&status).expect("the state of a child");
        let mut parts = call.split_whitespace().skip(1);
        parts.next() == Some("0x2")
    });
    assert_eq!(env.sandbox.api_keys().len(), 1);
    for file in ["GITHUB_OUTPUT", "GITHUB_ENV"] {
        assert_eq!(read(env.home.path(file)), "", "{file}");
    }
    assert!(!env.home.path("stored").exists());
    let mut log = String::new();
    reader.read_to_string(&mut log).expect("the log");
    assert!(child.wait().expect("the run ends").success());
    let secret = env.sandbox.api_keys().pop().expect("a key").secret;
    contains(&log, &[&format!("::add-mask::{secret}")]);
    for file in ["GITHUB_OUTPUT", "GITHUB_ENV", "stored"] {
        contains(&read(env.home.path(file)), &[&secret]);
    }
}

#[test]
fn existing_values_in_the_file_stay_readable() {
    for before in ["other=1\n", "other=1", "list<<END\na\nb\nEND\n"] {
        let env = step();
        let file = env.home.write("GITHUB_OUTPUT", before);
        let mut expected = values(file.clone());
        env.run(OUTPUT).success();
        assert!(read(&file).starts_with(before));
        expected.insert("key".to_owned(), env.sandbox.api_keys()[0].secret.clone());
        assert_eq!(values(file), expected);
    }
}

/// Every run uses a different delimiter, so that no value can contain it.
#[test]
fn every_run_uses_a_different_delimiter() {
    let env = step();
    let mut delimiters = Vec::new();
    for name in ["a", "b", "c"] {
        env.run(["create", "--role", "Auditor", "--github-output", name])
            .success();
        let text = read(env.home.path("GITHUB_OUTPUT"));
        let last = text.lines().last().expect("a line").to_owned();
        assert!(last.len() >= 32 && !delimiters.contains(&last), "{last}");
        delimiters.push(last);
    }
}

/// The mask must be written before the secret. If it cannot be written, the secret is not written either.
#[test]
fn without_a_mask_nothing_is_written_and_the_key_is_deleted() {
    let env = step();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = env.home.command(OUTPUT);
    let status = command.stderr(writer).status().expect("the binary runs");
    assert_eq!(status.code(), Some(10));
    assert_eq!(read(env.home.path("GITHUB_OUTPUT")), "");
    assert_eq!(env.sandbox.api_keys(), []);
    assert_eq!(env.sandbox.live_sessions(), 0);
}

#[test]
fn a_redirected_stderr_is_rejected_before_anything_is_sent() {
    let env = step();
    for (redirection, reason) in [
        ("2>log", "stderr is a file"),
        ("2>>log", "stderr is a file"),
        ("2>/dev/null", "stderr leads nowhere"),
        ("2>&-", "stderr leads nowhere"),
    ] {
        let script =
            format!(r#""$SWP_KEYS" create --role Auditor --github-output key {redirection}"#);
        sh(&env.home, &script).failure(2);
        let log = std::fs::read_to_string(env.home.path("log")).unwrap_or_default();
        if redirection.ends_with("log") {
            contains(&log, &["`--github-output`", reason]);
            std::fs::remove_file(env.home.path("log")).expect("it is there");
        }
    }
    nothing_was_sent(&env.sandbox);
    assert_eq!(read(env.home.path("GITHUB_OUTPUT")), "");
}

#[test]
fn outside_of_a_step_it_is_rejected_before_anything_is_sent() {
    for (variable, value) in [
        ("GITHUB_ACTIONS", None),
        ("GITHUB_ACTIONS", Some("1")),
        ("GITHUB_OUTPUT", None),
        ("GITHUB_OUTPUT", Some("")),
        ("GITHUB_OUTPUT", Some("missing")),
        ("GITHUB_OUTPUT", Some("link")),
        ("GITHUB_OUTPUT", Some(".")),
        ("GITHUB_OUTPUT", Some("/dev/null")),
    ] {
        let mut env = step();
        symlink("GITHUB_ENV", env.home.path("link")).expect("a link");
        match value {
            Some(value) => env.home.set(variable, value),
            None => env.home.unset(variable),
        }
        let result = env.run(OUTPUT);
        contains(result.failure(2), &[variable, "hint: "]);
        if value == Some("missing") {
            contains(&result.stderr, &["does not exist", "runner creates"]);
        }
        snapshot(&result.stderr);
        nothing_was_sent(&env.sandbox);
        assert_eq!(
            names(&env.home.path("")),
            ["GITHUB_ENV", "GITHUB_OUTPUT", "link"]
        );
    }
}

#[test]
fn an_invalid_variable_name_is_rejected() {
    let env = step();
    for (flag, names) in [
        (
            "--github-output",
            &["", "1a", "-a", "a b", "a=b", "a<<b", "a\nb", "a.b", "ä"][..],
        ),
        (
            "--github-env",
            &[
                "",
                "1A",
                "A-B",
                "A=B",
                "A\nB",
                "GITHUB_TOKEN",
                "runner_os",
                "NODE_OPTIONS",
                "PATH",
                "LD_PRELOAD",
            ],
        ),
    ] {
        for name in names {
            let result = env.run(["create", "--role", "Auditor", &format!("{flag}={name}")]);
            contains(result.failure(2), &[flag]);
        }
    }
    nothing_was_sent(&env.sandbox);
}

/// A full disk accepts only a part of the text. A file size limit has the same effect.
#[test]
#[cfg(target_os = "linux")]
fn a_partial_write_is_rolled_back() {
    let env = step();
    let before = format!("other={}\n", "x".repeat(480));
    let file = env.home.write("GITHUB_OUTPUT", &before);
    // The limit is one block of 512 bytes. Without the trap, the signal would end the run.
    let script =
        r#"trap "" XFSZ; ulimit -f 1; "$SWP_KEYS" create --role Auditor --github-output key"#;
    let result: RunResult = sh(&env.home, script);
    contains(result.failure(10), &["GITHUB_OUTPUT", "File too large"]);
    assert_eq!(read(file), before);
    assert_eq!(env.sandbox.api_keys(), []);
}

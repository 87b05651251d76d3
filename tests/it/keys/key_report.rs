//! The messages on stderr about a key that was created, changed or given a new secret.

use serde_json::json;
use swp_keys::sandbox::{Action, Fault};

use crate::support::wording::{NO_EXPIRY, ONLY_ONCE, SHORT_LIFE};
use crate::support::{RunResult, TestEnv, contains};

fn create(env: &TestEnv, more: &[&str]) -> RunResult {
    let first = ["create", "--role", "Auditor", "--name", "ci"];
    env.run(first.iter().chain(more))
}

#[test]
fn a_created_key_is_reported_with_role_expiry_and_destination() {
    let env = TestEnv::new();
    let result = create(&env, &["--expires", "90d", "--out-file", "second.key"]);
    result.success();
    let parts = ["created key `ci` (ID 1)", "role Auditor", "(in 90 days)"];
    contains(&result.stderr, &parts);
    contains(&result.stderr, &["secret written to second.key"]);
    #[cfg(unix)]
    contains(&result.stderr, &["second.key (mode 0600)"]);
    assert!(!result.stderr.contains(ONLY_ONCE), "{}", result.stderr);
    assert!(!result.stderr.contains(&env.sandbox.api_keys()[0].secret));
}

#[cfg(unix)]
#[test]
fn the_reported_mode_is_that_of_the_file() {
    let env = TestEnv::new();
    let path = env.home.write(".env", "A=1\n");
    crate::support::set_mode(&path, 0o640);
    let all = [
        "--dotenv",
        ".env",
        "--allow-loose-permissions",
        "--out-file",
        "key",
    ];
    let result = create(&env, &all);
    result.success();
    let place = "secret written to key (mode 0600) and SWP_API_KEY in .env (mode 0640)";
    contains(&result.stderr, &[place]);
}

#[test]
fn in_a_pipe_stdout_contains_only_the_secret_and_quiet_omits_the_report() {
    let env = TestEnv::new();
    let result = create(&env, &[]);
    assert_eq!(
        result.stdout,
        format!("{}\n", env.sandbox.api_keys()[0].secret)
    );
    contains(&result.stderr, &["created key", NO_EXPIRY, "update-key 1"]);
    assert!(
        !result.stderr.contains("secret written"),
        "{}",
        result.stderr
    );
    assert!(!result.stderr.contains(ONLY_ONCE), "{}", result.stderr);
    for more in [&[][..], &["--out-file", "key"], &["--expires", "6m"]] {
        let result = env.run(["create", "--role-id", "2", "-q"].iter().chain(more));
        result.success();
        assert_eq!(result.stderr, "");
    }
}

#[test]
fn a_run_that_creates_nothing_reports_no_key_and_no_missing_expiry() {
    let env = TestEnv::new();
    env.sandbox.add_key("ci", 2);
    for (more, code) in [
        (&[][..], 6),
        (&["--if-exists", "skip"], 0),
        (&["--dry-run", "--if-exists", "rekey"], 0),
    ] {
        let result = create(&env, more);
        assert_eq!(result.code(), code, "{}", result.stderr);
        assert!(!result.stderr.contains(NO_EXPIRY), "{}", result.stderr);
        assert!(!result.stderr.contains("created"), "{}", result.stderr);
    }
    let failed = ["create", "--role", "Auditor", "--deliver-cmd", "false"];
    let result = env.run(failed);
    result.failure(10);
    assert!(!result.stderr.contains(NO_EXPIRY), "{}", result.stderr);
    assert!(!result.stderr.contains("created key"), "{}", result.stderr);
}

#[test]
fn a_lifetime_of_minutes_is_a_warning() {
    for (expires, warns) in [
        ("6m", true),
        ("59m", true),
        ("61m", false),
        ("6mo", false),
        ("1h", false),
        ("1800s", false),
    ] {
        let env = TestEnv::new();
        let result = create(&env, &["--expires", expires]);
        result.success();
        assert_eq!(
            result.stderr.contains(SHORT_LIFE),
            warns,
            "{}",
            result.stderr
        );
        let result = env.run(["update-key", "ci", "--expires", "2h"]);
        result.success();
        assert!(!result.stderr.contains(SHORT_LIFE), "{}", result.stderr);
        let result = env.run(["update-key", "ci", "--expires", expires]);
        result.success();
        assert_eq!(
            result.stderr.contains(SHORT_LIFE),
            warns,
            "{}",
            result.stderr
        );
        contains(&result.stderr, &["changed key `ci` (ID 1)", "expires "]);
    }
}

#[test]
fn a_new_secret_is_reported_with_the_expiry_of_its_key() {
    let env = TestEnv::new();
    env.sandbox.add_key("ci", 2);
    let reports = [
        "new secret for key `ci` (ID 1)",
        "role Auditor",
        "never expires",
    ];
    let result = create(&env, &["--if-exists", "rekey"]);
    result.success();
    contains(&result.stderr, &reports);
    assert!(!result.stderr.contains(NO_EXPIRY), "{}", result.stderr);
    let result = env.run(["rotate-key", "ci", "--in-place", "--out-file", "key"]);
    result.success();
    contains(&result.stderr, &[reports[0], reports[2], "written to key"]);
    let result = env.run(["rotate-key", "ci", "--out-file", "key", "--force"]);
    result.success();
    let parts = [
        "created key `ci` (ID 2), role Auditor",
        "written to key",
        "(ID 1) works",
    ];
    contains(&result.stderr, &parts);
}

#[test]
fn a_recovered_key_is_reported_after_its_record_is_gone() {
    let env = TestEnv::new();
    let fault = Fault::new("POST", "/api/apikeys", Action::status(503, "busy"));
    env.sandbox.inject(fault.after().times(1000));
    let search = Fault::new("POST", "/api/apikeys/search", Action::status(503, "busy"));
    env.sandbox.inject(search.times(1000));
    env.run(["create", "--role", "Auditor", "--retries", "0"])
        .failure(11);
    env.sandbox.clear_faults();
    let result = env.run(["recover", "--yes", "--out-file", "key"]);
    result.success();
    contains(
        &result.stderr,
        &["created a new secret for key `Auditor-", "written to key"],
    );
    let left = env.run(["recover", "--list", "-o", "json"]);
    assert!(!left.stdout.contains("operation"), "{}", left.stdout);
}

#[test]
fn a_sparse_response_is_reported_without_guessing() {
    let env = TestEnv::new();
    let answer = json!({"ID": 1, "secretKey": "1:c2VjcmV0"});
    let answer = Action::Answer {
        status: 200,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: answer.to_string().into_bytes(),
    };
    let fault = Fault::new("POST", "/api/apikeys", answer).after();
    env.sandbox.inject(fault);
    let result = env.run([
        "create",
        "--role-id",
        "2",
        "--allow-full-access",
        "--expires",
        "never",
    ]);
    result.success();
    contains(&result.stderr, &["(ID 1), role ID 2\n"]);
}

#[cfg(unix)]
mod unix {
    use std::io::Read as _;
    use std::process::Stdio;

    use super::*;
    use crate::support::pty::Pty;
    use crate::support::wait_until;

    #[test]
    fn on_a_terminal_a_note_explains_that_the_secret_is_shown_once() {
        let env = TestEnv::new();
        let script = r#""$SWP_KEYS" create --role Auditor --expires 90d"#;
        let screen = Pty::start(&env.home, script).end();
        contains(
            &screen,
            &[&env.sandbox.api_keys()[0].secret, "created key", ONLY_ONCE],
        );
        let script = r#""$SWP_KEYS" create --role Auditor --expires 90d > key"#;
        let screen = Pty::start(&env.home, script).end();
        contains(&screen, &["created key"]);
        assert!(!screen.contains(ONLY_ONCE), "{screen}");
        let script = r#""$SWP_KEYS" create --role Auditor --expires 90d -q"#;
        let screen = Pty::start(&env.home, script).end();
        assert_eq!(screen.trim(), env.sandbox.api_keys()[2].secret);
    }

    #[test]
    fn a_closed_stderr_does_not_lose_the_key() {
        for redirect in ["2>&-", "2>/dev/full"] {
            let env = TestEnv::new();
            let script = format!(r#""$0" create --role Auditor --out-file key {redirect}"#);
            let mut shell = env.home.program(std::path::Path::new("/bin/sh"));
            shell.args(["-c", &script]).arg(crate::support::binary());
            let output = shell.output().expect("a shell");
            assert!(output.status.success(), "{redirect}");
            let secret = format!("{}\n", env.sandbox.api_keys()[0].secret);
            let file = std::fs::read_to_string(env.home.path("key"));
            assert_eq!(file.expect("a file"), secret);
        }
        let env = TestEnv::new();
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = env.home.command(["create", "--role", "Auditor"]);
        let output = command.stderr(writer).output().expect("a run");
        assert!(output.status.success());
        let secret = format!("{}\n", env.sandbox.api_keys()[0].secret);
        assert_eq!(String::from_utf8_lossy(&output.stdout), secret);
    }

    #[test]
    fn a_rotation_is_reported_although_its_document_cannot_be_printed() {
        let env = TestEnv::new();
        env.sandbox.add_key("ci", 2);
        let script = r#""$0" rotate-key ci --out-file key -o json > /dev/full"#;
        let mut shell = env.home.program(std::path::Path::new("/bin/sh"));
        shell.args(["-c", script]).arg(crate::support::binary());
        let output = shell.output().expect("a shell");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        contains(&stderr, &["created key", "the old key `ci (retiring "]);
    }

    /// The pipe is full, and the test reads from it only after the secret was delivered, the record was removed and the session was ended.
    #[test]
    fn a_full_stderr_does_not_delay_the_delivery() {
        use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
        let env = TestEnv::new();
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let flags = fcntl_getfl(&writer).expect("flags");
        fcntl_setfl(&writer, flags | OFlags::NONBLOCK).expect("a pipe");
        while rustix::io::write(&writer, &[b'.'; 512]).is_ok() {}
        while rustix::io::write(&writer, b".").is_ok() {}
        fcntl_setfl(&writer, flags).expect("a pipe");
        let mut command = env
            .home
            .command(["create", "--role", "Auditor", "--out-file", "key"]);
        command.stdout(Stdio::null()).stderr(writer);
        let mut child = command.spawn().expect("a run");
        drop(command);
        let records = || {
            let folder = std::fs::read_dir(env.home.path("state/unfinished"));
            folder.map_or(0, |files| {
                files
                    .flatten()
                    .filter(|file| file.path().extension().is_some_and(|end| end == "json"))
                    .count()
            })
        };
        wait_until("the sign-out", || {
            env.count("DELETE /api/sessions/current") == 1
        });
        wait_until("the removal of the record", || records() == 0);
        let secret = format!("{}\n", env.sandbox.api_keys()[0].secret);
        let file = std::fs::read_to_string(env.home.path("key"));
        assert_eq!(file.expect("a file"), secret);
        let mut output = String::new();
        reader.read_to_string(&mut output).expect("text");
        assert!(child.wait().expect("an end").success());
        contains(&output, &["created key", "written to key"]);
    }
}

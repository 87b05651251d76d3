//! `--dotenv` sets one line, and changes no other byte of the file and no bit of its mode.

use crate::support::secrets::environments_of_all_shapes;
use serde_json::json;

use crate::support::files::{names, read};
use crate::support::held_manager::HeldManager;
use crate::support::requests::{CREATE, count, nothing_was_sent};
use crate::support::snapshot::snapshot;
use crate::support::{RunResult, TestEnv, contains};

const TO_DOTENV: [&str; 5] = ["create", "--role", "Auditor", "--dotenv", ".env"];

const SETTINGS: &str = "# who we are\r\nNAME='two words' # kept\r\n\r\nexport SWP_API_KEY=\"old\" # from DSM\r\nLAST=1";

fn secret(env: &TestEnv) -> String {
    env.sandbox.api_keys().pop().expect("a key").secret
}

#[test]
fn one_line_is_set_and_stdout_contains_no_secret() {
    let env = TestEnv::new();
    let path = env.home.write_secret(".env", SETTINGS);
    let result = env.run(TO_DOTENV.iter().chain(&["-o", "json"]));
    let key = result.json();
    let secret = secret(&env);
    assert_eq!(read(path), SETTINGS.replace("\"old\"", &secret));
    assert_eq!(key["meta"]["sinks"], json!(["SWP_API_KEY in .env"]));
    assert_eq!(names(&env.home.path("")), [".env"], "nothing else is left");
    for text in [&result.stdout, &result.stderr] {
        assert!(!text.contains(&secret), "{text}");
    }
}

#[test]
fn each_file_gets_a_line_with_its_own_name() {
    let env = TestEnv::new();
    let path = env.home.write_secret(".env", "A=1\nSWP_API_KEY=other\n");
    let more = ["--dotenv", "new.env", "--env-name", "DSM_KEY"];
    assert_eq!(env.run(TO_DOTENV.iter().chain(&more)).success(), "1");
    let line = format!("DSM_KEY={}\n", secret(&env));
    assert_eq!(read(path), format!("A=1\nSWP_API_KEY=other\n{line}"));
    assert_eq!(read(env.home.path("new.env")), line);
}

#[test]
fn a_dry_run_changes_nothing() {
    let env = TestEnv::new();
    let path = env.home.write_secret(".env", SETTINGS);
    let result = env.run(
        TO_DOTENV
            .iter()
            .chain(&["--dotenv", "new.env", "--dry-run"]),
    );
    assert_eq!(result.success(), "");
    contains(&result.stderr, &["SWP_API_KEY", ".env", "new.env"]);
    assert_eq!(read(path), SETTINGS);
    assert_eq!(names(&env.home.path("")), [".env"]);
}

#[test]
fn an_invalid_file_is_rejected_before_anything_is_sent() {
    let env = TestEnv::new();
    std::fs::create_dir(env.home.path("folder")).expect("a folder");
    let large = "#".repeat(1024 * 1024 + 1);
    let files = [
        ("twice", "SWP_API_KEY=1\nA=2\nexport SWP_API_KEY=3\n"),
        ("utf-16", "A\0=\x001\0"),
        ("two-names", "A=1\nexport SWP_API_KEY=old B=x\n"),
        ("two-commands", "SWP_API_KEY=old; export SWP_API_KEY\n"),
        ("quotes", "A='\nSWP_API_KEY='old'\nB='\n"),
        ("large", &large),
    ];
    let mut refused = vec!["folder", "folder/", "no-folder/.env"];
    for (name, content) in files {
        env.home.write_secret(name, content);
        refused.push(name);
    }
    #[cfg(unix)]
    {
        let target = env.home.write_secret("target", "A=1\n");
        std::os::unix::fs::symlink(target, env.home.path("link")).expect("a link");
        let read_only = env.home.write("read-only", "A=1\n");
        crate::support::set_mode(&read_only, 0o400);
        refused.extend(["link", "read-only", "/dev/null"]);
    }
    // Root can write to a folder with mode 0500, but not to /proc.
    if cfg!(target_os = "linux") {
        refused.push("/proc/self/.env");
    }
    let before = names(&env.home.path(""));
    for place in refused {
        let result = env.run(["create", "--role", "Auditor", "--dotenv", place]);
        contains(result.failure(2), &["`--dotenv`", place, "hint: "]);
        snapshot(&result.stderr);
    }
    nothing_was_sent(&env.sandbox);
    assert_eq!(names(&env.home.path("")), before, "nothing is left");
}

/// Edits the file between its check and the delivery, and returns the result of the run.
fn edited_meanwhile(
    before: Option<&str>,
    edit: impl FnOnce(&HeldManager),
) -> (HeldManager, RunResult) {
    let held = HeldManager::new(CREATE);
    if let Some(content) = before {
        held.home.write_secret(".env", content);
    }
    let running = held.start(TO_DOTENV);
    held.wait_until_held();
    edit(&held);
    held.release();
    let result = running.finish();
    (held, result)
}

#[test]
fn concurrent_changes_by_others_are_kept() {
    for (before, meanwhile) in [
        (Some("A=1\n"), "A=2\nB=3\n"),
        (Some("A=1\nSWP_API_KEY=old\n"), "A=1\n"),
        (None, "A=1\n"),
    ] {
        let (held, result) = edited_meanwhile(before, |held| {
            held.home.write_secret(".env", meanwhile);
        });
        result.success();
        let line = format!("SWP_API_KEY={}\n", held.sandbox.api_keys()[0].secret);
        assert_eq!(read(held.home.path(".env")), format!("{meanwhile}{line}"));
    }
    let (held, result) = edited_meanwhile(Some("A=1\n"), |held| {
        std::fs::remove_file(held.home.path(".env")).expect("it is there");
    });
    result.success();
    let line = format!("SWP_API_KEY={}\n", held.sandbox.api_keys()[0].secret);
    assert_eq!(read(held.home.path(".env")), line);
}

#[test]
fn a_file_that_becomes_invalid_is_unchanged_and_the_key_is_deleted() {
    let twice = "SWP_API_KEY=1\nSWP_API_KEY=2\n";
    let (held, result) = edited_meanwhile(Some("A=1\n"), |held| {
        held.home.write_secret(".env", twice);
    });
    rolled_back(&held, &result);
    assert_eq!(read(held.home.path(".env")), twice);
}

/// Asserts that the secret was not delivered: the run exits with 10, the key is deleted, and no temporary file is left.
#[track_caller]
fn rolled_back(held: &HeldManager, result: &RunResult) {
    contains(result.failure(10), &["SWP_API_KEY", ".env"]);
    assert_eq!(count(&held.sandbox, CREATE), 1);
    assert_eq!(held.sandbox.api_keys(), []);
    let left = names(&held.home.path(""));
    assert!(
        left.iter()
            .all(|name| [".env", "elsewhere"].contains(&name.as_str())),
        "{left:?}"
    );
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt as _, chown, symlink};

    use super::*;
    use crate::support::files::mode;
    use crate::support::set_mode;
    use crate::support::shell::sh;

    #[test]
    fn a_new_file_is_private_with_any_umask() {
        let env = TestEnv::new();
        let script = r#"umask 0; "$SWP_KEYS" create --role Auditor --dotenv .env"#;
        sh(&env.home, script).success();
        assert_eq!(mode(&env.home.path(".env")), 0o600);
    }

    #[test]
    fn a_file_that_other_users_can_read_is_rejected_with_a_chmod_command() {
        let env = TestEnv::new();
        let path = env.home.write(".env", "A=1\n");
        for loose in [0o644, 0o640, 0o604, 0o620] {
            set_mode(&path, loose);
            let result = env.run(TO_DOTENV);
            contains(result.failure(2), &[".env", "chmod 600 .env"]);
        }
        nothing_was_sent(&env.sandbox);
        assert_eq!(read(&path), "A=1\n");
    }

    #[test]
    fn mode_and_owner_are_kept() {
        let env = TestEnv::new();
        for (permissions, more) in [
            (0o600, &[][..]),
            (0o700, &[]),
            (0o644, &["--allow-loose-permissions"]),
        ] {
            let path = env.home.write(".env", "A=1\n");
            set_mode(&path, permissions);
            // Only root can change the owner. For other users, the test uses their own file.
            let _ = chown(&path, Some(12345), Some(12345));
            let before = std::fs::metadata(&path).expect("a file");
            env.run(TO_DOTENV.iter().chain(more)).success();
            let after = std::fs::metadata(&path).expect("a file");
            assert_eq!(mode(&path), permissions);
            assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
            assert_ne!(
                after.ino(),
                before.ino(),
                "it is replaced, not written over"
            );
            std::fs::remove_file(path).expect("it is there");
        }
    }

    #[test]
    fn a_shell_reads_every_shape_of_secret_unchanged() {
        for env in environments_of_all_shapes() {
            env.home.write_secret(".env", "# settings\nA='x y'\n");
            let script = r#""$SWP_KEYS" create --role Auditor --dotenv .env >/dev/null || exit
                set -a; . ./.env; printenv A SWP_API_KEY"#;
            assert_eq!(
                sh(&env.home, script).success(),
                format!("x y\n{}", secret(&env))
            );
        }
    }

    #[test]
    fn a_file_that_becomes_a_link_or_public_gets_no_secret() {
        let (held, result) = edited_meanwhile(Some("A=1\n"), |held| {
            let elsewhere = held.home.write_secret("elsewhere", "B=1\n");
            std::fs::remove_file(held.home.path(".env")).expect("it is there");
            symlink(elsewhere, held.home.path(".env")).expect("a link");
        });
        rolled_back(&held, &result);
        assert_eq!(read(held.home.path("elsewhere")), "B=1\n");

        let (held, result) = edited_meanwhile(Some("A=1\n"), |held| {
            set_mode(&held.home.path(".env"), 0o644);
        });
        rolled_back(&held, &result);
        assert_eq!(read(held.home.path(".env")), "A=1\n");
    }
}

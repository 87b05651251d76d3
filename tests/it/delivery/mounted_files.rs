//! Files that cannot be replaced by a rename. They are detected before a request is sent, or written in place.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::support::files::{mode, names, read};
use crate::support::fixed_files::{Fixed, mounted, mounted_read_only, with_attribute};
use crate::support::held_manager::HeldManager;
use crate::support::requests::{CREATE, count, nothing_was_sent};
use crate::support::running::Running;
use crate::support::shell::sh;
use crate::support::wording::{NOT_WITHDRAWN, WAITING_FOR_ANOTHER_PROCESS};
use crate::support::{TestEnv, contains, set_mode};

const TO_FILE: [&str; 6] = [
    "create",
    "--role",
    "Auditor",
    "--force",
    "--out-file",
    "key",
];
const TO_DOTENV: [&str; 5] = ["create", "--role", "Auditor", "--dotenv", "key"];

const OLD: &str = "# mine\nSWP_API_KEY='old one' # c\nA=1\n";

/// Returns a home in which `fix` has made the file `key` irreplaceable, or nothing if the machine does not permit this.
fn fixed(fix: impl Fn(&TestEnv, &Path) -> Option<Fixed>) -> Option<(TestEnv, Fixed)> {
    let env = TestEnv::new();
    let target = env.home.write_secret("key", OLD);
    let fixed = fix(&env, &target)?;
    Some((env, fixed))
}

fn mount(env: &TestEnv, target: &Path) -> Option<Fixed> {
    let source = env.home.write_secret("source", OLD);
    mounted(&source, target)
}

/// Asserts that the run and its dry run exit with 2, and that the file is unchanged.
#[track_caller]
fn refused(env: &TestEnv, reasons: &[&str]) {
    for arguments in [&TO_FILE[..], &TO_DOTENV] {
        for more in [&[][..], &["--dry-run"]] {
            let result = env.run(arguments.iter().chain(more));
            let stderr = result.failure(2);
            contains(stderr, &[arguments[arguments.len() - 2], "hint: "]);
            contains(stderr, reasons);
        }
    }
    for to in [&TO_FILE[3..], &TO_DOTENV[3..]] {
        let result = env.run(["rotate-key", "ci", "--in-place"].iter().chain(to));
        contains(result.failure(2), reasons);
    }
    nothing_was_sent(&env.sandbox);
    assert_eq!(read(env.home.path("key")), OLD);
}

#[test]
fn an_immutable_or_append_only_file_is_rejected_before_anything_is_sent() {
    for (attribute, reason) in [("i", "immutable"), ("a", "append-only")] {
        let fix = |_: &TestEnv, target: &Path| with_attribute(attribute, target);
        let Some((env, _fixed)) = fixed(fix) else {
            return;
        };
        refused(&env, &[reason]);
        assert_eq!(names(&env.home.path("")), ["key"]);
    }
}

/// A temporary file could be created in such a folder, but neither renamed nor removed.
#[test]
fn an_append_only_folder_is_rejected_before_anything_is_sent() {
    let env = TestEnv::new();
    let folder = env.home.path("folder");
    std::fs::create_dir(&folder).expect("a folder");
    let Some(_fixed) = with_attribute("a", &folder) else {
        return;
    };
    for flag in ["--out-file", "--dotenv"] {
        let result = env.run(["create", "--role", "Auditor", flag, "folder/key"]);
        contains(result.failure(2), &[flag, "folder/key", "append-only"]);
    }
    nothing_was_sent(&env.sandbox);
    assert_eq!(names(&folder), [""; 0]);
}

#[test]
fn a_read_only_mount_is_rejected_before_anything_is_sent() {
    let fix = |env: &TestEnv, target: &Path| {
        let source = env.home.write_secret("source", OLD);
        mounted_read_only(&source, target)
    };
    let Some((env, _fixed)) = fixed(fix) else {
        return;
    };
    refused(&env, &["Read-only file system"]);
}

#[test]
fn a_file_that_is_a_mount_is_written_in_place() {
    for arguments in [&TO_FILE[..], &TO_DOTENV] {
        let Some((env, _fixed)) = fixed(mount) else {
            return;
        };
        let source = env.home.path("source");
        let before = std::fs::metadata(&source).expect("a file").ino();
        assert_eq!(
            env.run(arguments.iter().chain(&["--dry-run"])).success(),
            ""
        );
        assert_eq!(read(&source), OLD);
        assert_eq!(env.run(arguments).success(), "1");
        let secret = env.sandbox.api_keys()[0].secret.clone();
        let expected = if arguments.contains(&"--dotenv") {
            OLD.replace("'old one'", &secret)
        } else {
            format!("{secret}\n")
        };
        for path in [&source, &env.home.path("key")] {
            assert_eq!((read(path), mode(path)), (expected.clone(), 0o600));
        }
        assert_eq!(std::fs::metadata(&source).expect("a file").ino(), before);
        assert_eq!(names(&env.home.path("")), ["key", "source"]);
    }
}

#[test]
fn a_mount_is_restored_if_a_later_sink_fails() {
    let spoil = "sh -c 'echo B=2 >> source; exit 1'";
    for (arguments, command, after) in [
        (&TO_FILE[..], "false", OLD.to_owned()),
        (&TO_DOTENV, "false", OLD.to_owned()),
        (&TO_DOTENV, spoil, format!("{OLD}B=2\n")),
    ] {
        let Some((env, _fixed)) = fixed(mount) else {
            return;
        };
        let result = env.run(arguments.iter().chain(&["--deliver-cmd", command]));
        assert!(
            !result.failure(10).contains(NOT_WITHDRAWN),
            "{}",
            result.stderr
        );
        assert_eq!(read(env.home.path("source")), after);
        assert_eq!(env.sandbox.api_keys(), []);
    }
}

/// Containers may mount the same file at different paths and have no folder in common. Therefore the file itself is locked too.
#[test]
fn a_locked_mount_is_waited_for() {
    for arguments in [&TO_FILE[..], &TO_DOTENV] {
        let Some((env, _fixed)) = fixed(mount) else {
            return;
        };
        let source = env.home.path("source");
        let lock = File::open(&source).expect("a file");
        lock.lock().expect("nothing else has it");
        let mut running = Running::start(&mut env.home.command(arguments));
        running.wait_for_line(WAITING_FOR_ANOTHER_PROCESS);
        std::fs::write(&source, format!("{OLD}B=2\n")).expect("a file");
        drop(lock);
        running.finish().success();
        let secret = &env.sandbox.api_keys()[0].secret;
        let expected = if arguments.contains(&"--dotenv") {
            format!("{}B=2\n", OLD.replace("'old one'", secret))
        } else {
            format!("{secret}\n")
        };
        assert_eq!(read(&source), expected);
    }
}

/// A file that is written in place keeps its mode.
#[test]
fn a_mount_that_other_users_can_read_is_rejected() {
    let Some((env, _fixed)) = fixed(mount) else {
        return;
    };
    set_mode(&env.home.path("source"), 0o644);
    for arguments in [&TO_FILE[..], &TO_DOTENV] {
        let result = env.run(arguments);
        contains(result.failure(2), &["chmod 600"]);
    }
    nothing_was_sent(&env.sandbox);
}

/// The reset of an existing key cannot be rolled back. The file became irreplaceable after the check, and its old content is still complete.
#[test]
fn a_file_that_becomes_a_mount_is_written_in_place() {
    let held = HeldManager::new(CREATE);
    let target = held.home.write_secret("key", OLD);
    let source = held.home.write_secret("source", OLD);
    let running = held.start(TO_DOTENV);
    held.wait_until_held();
    let fixed = mounted(&source, &target);
    held.release();
    let result = running.finish();
    if fixed.is_some() {
        result.success();
        let secret = held.sandbox.api_keys()[0].secret.clone();
        assert_eq!(read(source), OLD.replace("'old one'", &secret));
    }
}

/// Without handling, SIGXFSZ would end the run, and the key would stay on the manager.
#[test]
fn a_file_size_limit_is_a_write_error() {
    let long = format!("# {}\n", "x".repeat(480));
    for (arguments, place) in [
        ("--github-output out", "GITHUB_OUTPUT"),
        ("--dotenv .env", ".env"),
        (">> stdout", "stdout"),
    ] {
        let mut env = TestEnv::new();
        crate::support::github::be_a_step(&mut env.home);
        let files = ["GITHUB_OUTPUT", ".env", "stdout"];
        for file in files {
            env.home.write_secret(file, &long);
        }
        let script = format!(r#"ulimit -f 1; "$SWP_KEYS" create --role Auditor {arguments}"#);
        let result = sh(&env.home, &script);
        contains(result.failure(10), &[place, "File too large"]);
        assert_eq!(count(&env.sandbox, CREATE), 1);
        assert_eq!(env.sandbox.api_keys(), []);
        for file in files.into_iter().filter(|file| *file != "stdout") {
            assert_eq!(read(env.home.path(file)), long);
        }
    }
}

/// The signal ends a child command, as it would without this program.
#[test]
fn a_child_command_keeps_the_default_of_the_size_limit_signal() {
    let env = TestEnv::new();
    let script = r#"ulimit -f 1; "$SWP_KEYS" exec --role Auditor -- sh -c 'exec head -c 2000 /dev/zero > big'"#;
    // 25 is SIGXFSZ.
    assert_eq!(sh(&env.home, script).code(), 128 + 25);
    let script = r#"ulimit -f 1; "$SWP_KEYS" create --role Auditor --deliver-cmd "sh -c 'exec head -c 2000 /dev/zero > big'""#;
    contains(sh(&env.home, script).failure(10), &["signal: 25"]);
    // If the caller ignores the signal, it stays ignored.
    let script = r#"trap "" XFSZ; ulimit -f 1; "$SWP_KEYS" exec --role Auditor -- sh -c 'exec head -c 2000 /dev/zero > big'"#;
    assert_eq!(sh(&env.home, script).code(), 1);
}

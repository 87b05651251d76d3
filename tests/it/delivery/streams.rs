//! Standard output, pipes and full disks as destinations.

use std::path::Path;

use serde_json::json;

use super::sinks::{TO_FILE, rolled_back, secret};
use crate::support::files::read;
use crate::support::held_manager::HeldManager;
use crate::support::requests::{CREATE, count, nothing_was_sent};
use crate::support::snapshot::snapshot;
use crate::support::{RunResult, TestEnv, contains};

#[cfg(unix)]
mod unix {
    use std::fs::{File, OpenOptions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::support::running::wait_until_unread;
    use crate::support::set_mode;
    use crate::support::shell::sh;

    fn mode(path: &Path) -> u32 {
        let metadata = std::fs::symlink_metadata(path).expect("a file");
        metadata.permissions().mode() & 0o777
    }

    #[test]
    fn the_file_is_private_with_any_umask_and_old_mode() {
        let env = TestEnv::new();
        let script = r#"umask 0; "$SWP_KEYS" create --role Auditor --out-file key"#;
        sh(&env.home, script).success();
        let path = env.home.path("key");
        assert_eq!(mode(&path), 0o600);
        set_mode(&path, 0o644);
        let script = r#"umask 0; "$SWP_KEYS" create --role Auditor --out-file key --force"#;
        sh(&env.home, script).success();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(read(&path), format!("{}\n", secret(&env)));
    }

    #[test]
    fn a_closed_stdout_is_detected_before_anything_is_sent() {
        let env = TestEnv::new();
        for script in [
            r#""$SWP_KEYS" create --role Auditor >&-"#,
            r#""$SWP_KEYS" create --role Auditor -o json >&-"#,
            r#""$SWP_KEYS" create --role Auditor --dry-run >&-"#,
        ] {
            let result = sh(&env.home, script);
            contains(result.failure(2), &["--out-file"]);
        }
        nothing_was_sent(&env.sandbox);
    }

    #[test]
    fn dev_null_is_a_valid_stdout() {
        let env = TestEnv::new();
        let result = sh(&env.home, r#""$SWP_KEYS" create --role Auditor >/dev/null"#);
        result.success();
        assert_eq!(env.sandbox.api_keys().len(), 1);
    }

    #[test]
    fn a_pipe_without_a_reader_is_detected_before_anything_is_sent() {
        let env = TestEnv::new();
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        wait_until_unread(&writer);
        let mut command = env.home.command(["create", "--role", "Auditor"]);
        let result = RunResult::of(command.stdout(writer));
        snapshot(result.failure(2));
        nothing_was_sent(&env.sandbox);
    }

    #[test]
    fn if_the_reader_of_a_pipe_exits_the_key_is_deleted() {
        for format in ["text", "json", "env"] {
            let held = HeldManager::new(CREATE);
            let mut running = held.start(["create", "--role", "Auditor", "-o", format]);
            held.wait_until_held();
            assert_eq!(held.sandbox.api_keys().len(), 1);
            running.stop_reading_stdout();
            held.release();
            let result = running.finish();
            rolled_back(&result, &held.sandbox);
            contains(&result.stderr, &["Broken pipe"]);
        }
    }

    #[test]
    fn with_a_file_a_closed_stdout_is_not_an_error() {
        let held = HeldManager::new(CREATE);
        let mut running = held.start(TO_FILE);
        held.wait_until_held();
        running.stop_reading_stdout();
        held.release();
        running.finish().success();
        let key = &held.sandbox.api_keys()[0];
        assert_eq!(read(held.home.path("key")), format!("{}\n", key.secret));
    }

    fn full() -> File {
        let full = OpenOptions::new().write(true).open("/dev/full");
        full.expect("/dev/full is there on Linux")
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn on_a_full_disk_the_key_is_deleted() {
        for format in ["text", "json", "jsonl", "env"] {
            let env = TestEnv::new();
            let arguments = ["create", "--role", "Auditor", "-o", format];
            let result = RunResult::of(env.home.command(arguments).stdout(full()));
            rolled_back(&result, &env.sandbox);
            contains(&result.stderr, &["No space left"]);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_an_error_of_other_commands() {
        let env = TestEnv::new();
        for arguments in [
            &["list-roles"][..],
            &["find-role", "Auditor"],
            &["create", "--role", "Auditor", "--dry-run", "-o", "json"],
        ] {
            let result = RunResult::of(env.home.command(arguments).stdout(full()));
            contains(result.failure(1), &["No space"]);
        }
        assert_eq!(count(&env.sandbox, CREATE), 0);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_and_a_rejected_deletion_report_the_key() {
        use swp_keys::sandbox::{Action, Fault};
        let env = TestEnv::new();
        let refused = Action::status(403, "Not authorized to delete API keys.");
        let fault = Fault::new("DELETE", "/api/apikeys/1", refused);
        env.sandbox.inject(fault);
        let arguments = ["create", "--role", "Auditor", "-q", "-o", "json"];
        let result = RunResult::of(env.home.command(arguments).stdout(full()));
        let error = result.json_error(11);
        assert_eq!(error["keyID"], json!(1));
        assert_eq!(error["retryable"], json!(false));
        let message = error["message"].as_str().unwrap_or_default();
        let why = "Not authorized to delete API keys.";
        contains(message, &["(ID 1)", "No space left", why]);
        assert_eq!(env.sandbox.api_keys().len(), 1, "it is still there");
        assert_eq!(env.sandbox.live_sessions(), 0);
    }
}

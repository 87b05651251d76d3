//! The checks without a connection: settings file, state folder, address and records of interrupted runs.

use serde_json::Value;

use super::fixture::{doctor, hint, message, skipped_from, status};
use crate::support::files::files;
use crate::support::held_manager::HeldManager;
use crate::support::profiles::{configure, env_in_a_profile};
use crate::support::{TestEnv, contains, set_mode};

#[test]
fn no_manager_is_set() {
    let mut env = TestEnv::new();
    env.home.unset("SWP_URL");
    let answer = doctor(&env.home, &[], 13);
    assert_eq!(status(&answer, "address"), "failed");
    contains(hint(&answer, "address"), &["--url"]);
    skipped_from(&answer, "name-resolution", "address");
    assert_eq!(answer["meta"]["manager"], Value::Null);
}

#[test]
fn an_invalid_settings_file() {
    let mut env = TestEnv::new();
    let path = configure(&mut env.home, "[profiles.x]\nurll = \"https://x\"\n");
    let answer = doctor(&env.home, &[], 13);
    assert_eq!(status(&answer, "settings-file"), "failed");
    contains(
        message(&answer, "settings-file"),
        &["config.toml:2:1", "urll"],
    );
    skipped_from(&answer, "address", "settings-file");
    for name in ["state-folder", "unfinished-runs"] {
        assert_eq!(status(&answer, name), "ok");
    }
    assert_eq!(env.sandbox.connections().tcp, 0);
    #[cfg(unix)]
    {
        std::fs::write(&path, "").expect("the file is written");
        set_mode(&path, 0o666);
        let answer = doctor(&env.home, &[], 13);
        contains(hint(&answer, "settings-file"), &["chmod go-w"]);
    }
    set_mode(&path, 0o644);
    let answer = doctor(&env.home, &["--profile", "x"], 13);
    contains(message(&answer, "settings-file"), &["`--profile`", "`x`"]);
    // A flag is not part of the file.
    env.run(["doctor", "--timeout", "soon"]).failure(2);
}

#[test]
fn a_missing_file_and_an_unknown_variable_are_warnings() {
    let mut env = TestEnv::new();
    env.home.set("SWP_PASWORD", "hunter2");
    let answer = doctor(&env.home, &[], 0);
    assert_eq!(status(&answer, "settings"), "warning");
    contains(message(&answer, "settings"), &["`SWP_PASWORD`"]);
    assert!(!answer.to_string().contains("hunter2"), "{answer}");
    let missing = env.home.path("missing/password");
    env.home.set("SWP_PASSWORD_FILE", &missing);
    let answer = doctor(&env.home, &[], 0);
    let path = missing.display().to_string();
    contains(
        message(&answer, "settings"),
        &["`SWP_PASSWORD_FILE`", &path],
    );
    contains(hint(&answer, "settings"), &["unset the variable"]);
}

#[test]
fn a_profile_is_named() {
    let env = env_in_a_profile("");
    let answer = doctor(&env.home, &["--profile", "here"], 0);
    contains(
        message(&answer, "settings-file"),
        &["`here`", "`--profile`"],
    );
    contains(message(&answer, "address"), &["`here`"]);
}

#[cfg(unix)]
#[test]
fn a_state_folder_that_other_users_can_write_or_read() {
    let env = TestEnv::new();
    let folder = env.home.path("state");
    std::fs::create_dir(&folder).expect("a folder");
    for (mode, code, expected) in [
        (0o700, 0, "ok"),
        (0o755, 0, "warning"),
        (0o777, 13, "failed"),
    ] {
        set_mode(&folder, mode);
        let answer = doctor(&env.home, &[], code);
        assert_eq!(status(&answer, "state-folder"), expected, "{mode:o}");
        assert_eq!(
            hint(&answer, "state-folder").contains("chmod"),
            mode != 0o700
        );
        assert_eq!(files(&folder), [] as [std::path::PathBuf; 0]);
    }
}

#[test]
fn a_state_folder_that_is_a_file() {
    let mut env = TestEnv::new();
    let file = env.home.write("file", "");
    env.home.set("SWP_STATE_DIR", file);
    let answer = doctor(&env.home, &[], 0);
    assert_eq!(status(&answer, "state-folder"), "warning");
    contains(hint(&answer, "state-folder"), &["SWP_STATE_DIR"]);
}

#[test]
fn a_record_of_an_interrupted_run_is_a_warning() {
    let held = HeldManager::new("POST /api/apikeys");
    held.kill_while_held(["create", "--role", "Auditor", "--name", "ci"]);
    held.release();
    let home = &held.home;
    let before = files(&home.path("state"));
    let answer = doctor(home, &[], 0);
    assert_eq!(status(&answer, "unfinished-runs"), "warning");
    contains(message(&answer, "unfinished-runs"), &["`ci`"]);
    contains(hint(&answer, "unfinished-runs"), &["swp-keys recover"]);
    assert_eq!(files(&home.path("state")), before);
}

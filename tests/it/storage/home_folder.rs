//! A home folder that is missing, is not a folder, or belongs to a different user. Commands that do not need the folder succeed. Errors of other
//! commands name the variable that sets it.
#![cfg(unix)]

use std::os::unix::process::CommandExt as _;
use std::path::Path;

use crate::support::{RunResult, TestEnv, contains, set_mode};

/// Runs with this home and without other settings for folders, as a user without special permissions.
fn run(env: &TestEnv, home: Option<&Path>, words: &[&str]) -> RunResult {
    let mut command = env.home.command(words);
    command
        .env_remove("SWP_STATE_DIR")
        .env_remove("HOME")
        .current_dir("/");
    if let Some(home) = home {
        command.env("HOME", home);
    }
    // Root could enter every folder.
    if rustix::process::geteuid().is_root() {
        command.uid(65534);
    }
    RunResult::of(&mut command)
}

/// Returns an environment that a different user can access, and a folder in it that no other user may enter.
fn shared_world() -> (TestEnv, std::path::PathBuf) {
    let mut env = TestEnv::new();
    set_mode(&env.home.path(""), 0o755);
    let password = env.home.path("password");
    set_mode(&password, 0o644);
    // The password is not tested here, so other users may read its file.
    env.home.unset("SWP_PASSWORD_FILE");
    env.home.set(
        "SWP_PASSWORD",
        swp_keys::sandbox::Settings::DEFAULT_PASSWORD,
    );
    let closed = env.home.path("closed");
    std::fs::create_dir_all(closed.join(".config/swp-keys")).expect("a folder");
    std::fs::create_dir_all(closed.join(".local/state/swp-keys/kept")).expect("a folder");
    set_mode(&closed, 0o000);
    (env, closed)
}

#[test]
fn no_command_fails_because_of_a_folder_that_it_does_not_need() {
    let (env, closed) = shared_world();
    let missing = env.home.path("missing/home");
    for home in [closed.as_path(), Path::new("/dev/null"), &missing] {
        for words in [
            &["find-role", "Auditor"][..],
            &["list-roles"],
            &["list-keys"],
            &["create", "--role", "Auditor", "--expires", "1d"],
            &["whoami"],
            &["config", "path"],
            &["config", "show"],
            &["config", "check"],
            &["trust", "show"],
            &["completions", "bash"],
        ] {
            let result = run(&env, Some(home), words);
            assert_eq!(
                result.code(),
                0,
                "{} {words:?}: {}",
                home.display(),
                result.stderr
            );
        }
    }
    set_mode(&closed, 0o700);
}

#[test]
fn a_required_folder_is_reported_with_its_variable() {
    let (env, closed) = shared_world();
    for home in [closed.as_path(), Path::new("/dev/null")] {
        let result = run(&env, Some(home), &["login"]);
        contains(result.failure(1), &["(HOME)", "SWP_STATE_DIR"]);
        let result = run(
            &env,
            Some(home),
            &["create", "--role", "Auditor", "--require-journal"],
        );
        assert_ne!(result.code(), 0, "{}", result.stderr);
        contains(&result.stderr, &["(HOME)", "--require-journal"]);
        let result = run(&env, Some(home), &["list-roles", "--profile", "prod"]);
        contains(result.failure(2), &["`--profile`", "(HOME)"]);
    }
    let result = run(&env, Some(&closed), &["recover", "--list"]);
    contains(result.failure(1), &["(HOME)"]);
    let result = run(&env, Some(&closed), &["trust", "list"]);
    contains(result.failure(2), &["trusted.toml (HOME)"]);
    let result = run(&env, Some(&closed), &["list-roles"]);
    contains(&result.stderr, &["note: ", "(HOME)"]);
    set_mode(&closed, 0o700);
    assert_eq!(env.sandbox.api_keys(), []);
}

#[test]
fn an_invalid_state_folder_is_reported_with_the_next_step() {
    let mut env = TestEnv::new();
    env.home.set("SWP_STATE_DIR", "/dev/null");
    let result = env.run(["create", "--role", "Auditor", "--expires", "1d"]);
    result.success();
    contains(&result.stderr, &["warning: ", "(SWP_STATE_DIR)"]);
    contains(
        env.run(["login"]).failure(1),
        &["/dev/null", "(SWP_STATE_DIR)"],
    );
    env.run(["logout"]).success();
    env.run(["recover", "--list"]).success();
}

/// An unreadable settings file is an error, because its pins and certificates would not apply.
#[test]
fn an_unreadable_settings_file_is_rejected() {
    let (env, closed) = shared_world();
    set_mode(&closed, 0o755);
    let file = closed.join(".config/swp-keys/config.toml");
    std::fs::write(&file, "[profiles.p]\n").expect("a file");
    set_mode(&file, 0o000);
    let result = run(&env, Some(&closed), &["list-roles"]);
    contains(
        result.failure(2),
        &["config.toml", "(HOME)", "SWP_CONFIG_DIR"],
    );
}

//! A home folder that is missing, is not a folder, or belongs to another user: what a command does not need does not fail it, and what it
//! needs is named with the variable that decides where it is looked for.
#![cfg(unix)]

use std::os::unix::process::CommandExt as _;
use std::path::Path;

use crate::support::{Ran, World, contains, set_mode};

/// Runs with this home and without folders of our own, as a user who may enter only what is open to all.
fn run(world: &World, home: Option<&Path>, words: &[&str]) -> Ran {
    let mut command = world.home.command(words);
    command
        .env_remove("SWP_STATE_DIR")
        .env_remove("HOME")
        .current_dir("/");
    if let Some(home) = home {
        command.env("HOME", home);
    }
    // Root may enter every folder.
    if rustix::process::geteuid().is_root() {
        command.uid(65534);
    }
    Ran::of(&mut command)
}

/// A world that another user can be in, and a folder in it that no other user may enter.
fn shared_world() -> (World, std::path::PathBuf) {
    let mut world = World::new();
    set_mode(&world.home.path(""), 0o755);
    let password = world.home.path("password");
    set_mode(&password, 0o644);
    // It is an open secret here, and not what this is about.
    world.home.unset("SWP_PASSWORD_FILE");
    world.home.set(
        "SWP_PASSWORD",
        swp_keys::sandbox::Settings::DEFAULT_PASSWORD,
    );
    let closed = world.home.path("closed");
    std::fs::create_dir_all(closed.join(".config/swp-keys")).expect("a folder");
    std::fs::create_dir_all(closed.join(".local/state/swp-keys/kept")).expect("a folder");
    set_mode(&closed, 0o000);
    (world, closed)
}

#[test]
fn no_command_fails_for_a_folder_that_it_does_not_need() {
    let (world, closed) = shared_world();
    let missing = world.home.path("missing/home");
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
            let ran = run(&world, Some(home), words);
            assert_eq!(
                ran.code(),
                0,
                "{} {words:?}: {}",
                home.display(),
                ran.stderr
            );
        }
    }
    set_mode(&closed, 0o700);
}

#[test]
fn what_is_needed_is_named_with_its_variable() {
    let (world, closed) = shared_world();
    for home in [closed.as_path(), Path::new("/dev/null")] {
        let ran = run(&world, Some(home), &["login"]);
        contains(ran.failure(1), &["(HOME)", "SWP_STATE_DIR"]);
        let ran = run(
            &world,
            Some(home),
            &["create", "--role", "Auditor", "--require-journal"],
        );
        assert_ne!(ran.code(), 0, "{}", ran.stderr);
        contains(&ran.stderr, &["(HOME)", "--require-journal"]);
        let ran = run(&world, Some(home), &["list-roles", "--profile", "prod"]);
        contains(ran.failure(2), &["`--profile`", "(HOME)"]);
    }
    let ran = run(&world, Some(&closed), &["recover", "--list"]);
    contains(ran.failure(1), &["(HOME)"]);
    let ran = run(&world, Some(&closed), &["trust", "list"]);
    contains(ran.failure(2), &["trusted.toml (HOME)"]);
    let ran = run(&world, Some(&closed), &["list-roles"]);
    contains(&ran.stderr, &["note: ", "(HOME)"]);
    set_mode(&closed, 0o700);
    assert_eq!(world.sandbox.api_keys(), []);
}

#[test]
fn a_state_folder_that_is_none_is_told_with_what_to_do() {
    let mut world = World::new();
    world.home.set("SWP_STATE_DIR", "/dev/null");
    let ran = world.run(["create", "--role", "Auditor", "--expires", "1d"]);
    ran.success();
    contains(&ran.stderr, &["warning: ", "(SWP_STATE_DIR)"]);
    contains(
        world.run(["login"]).failure(1),
        &["/dev/null", "(SWP_STATE_DIR)", "hint: name a folder"],
    );
    world.run(["logout"]).success();
    world.run(["recover", "--list"]).success();
}

/// Settings of one's own that cannot be read are a mistake: pins and certificates in them would not count.
#[test]
fn a_settings_file_that_is_there_and_cannot_be_read_is_refused() {
    let (world, closed) = shared_world();
    set_mode(&closed, 0o755);
    let file = closed.join(".config/swp-keys/config.toml");
    std::fs::write(&file, "[profiles.p]\n").expect("a file");
    set_mode(&file, 0o000);
    let ran = run(&world, Some(&closed), &["list-roles"]);
    contains(ran.failure(2), &["config.toml", "(HOME)", "SWP_CONFIG_DIR"]);
}

//! The state folder: the program reads and writes nothing in a folder that other users can change, and the error names the fix.

use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};

use crate::support::files::files;
use crate::support::files::{mode, read};
use crate::support::snapshot::snapshot;
use crate::support::wording::STATE_IGNORED;
use crate::support::{TestEnv, contains, set_mode};

const FIND: [&str; 2] = ["find-role", "Auditor"];
/// A user ID other than that of the tests.
const SOMEBODY: u32 = 54_321;

/// Returns an environment in which `login` saved a session.
fn signed_in() -> TestEnv {
    let env = TestEnv::new();
    env.run(["login"]).success();
    env.sandbox.forget_requests();
    env
}

fn session(env: &TestEnv) -> PathBuf {
    files(&env.home.path("state/kept")).remove(0)
}

/// Returns true if the tests may change the owner of files, which requires root.
fn may_give_away() -> bool {
    rustix::process::geteuid().is_root()
}

/// Asserts that the run exits with 2 and reports these parts before it sends anything.
#[track_caller]
fn refused(env: &TestEnv, command: &[&str], expected: &[&str]) {
    let result = env.run(command);
    contains(result.failure(2), expected);
    contains(&result.stderr, &["error: ", "`ch"]);
    assert_eq!(env.calls(), [] as [String; 0], "nothing is sent");
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_folder_that_other_users_can_write_is_not_trusted() {
    for (name, mode) in [
        ("state", 0o770),
        ("state", 0o707),
        ("state", 0o777),
        ("state/kept", 0o720),
        ("state/kept", 0o702),
        // The sticky bit does not prevent other users from adding files.
        ("state/kept", 0o1777),
    ] {
        let env = signed_in();
        let folder = env.home.path(name);
        set_mode(&folder, mode);
        let fix = format!("`chmod go-w {}`", text(&folder));
        for command in [
            &FIND[..],
            &["create", "--role", "Auditor"],
            &["login"],
            &["logout"],
        ] {
            refused(&env, command, &[&fix, "SWP_STATE_DIR"]);
        }
        // The command fails even if other permissions are allowed to be loose.
        let loose = [&FIND[..], &["--allow-loose-permissions"]].concat();
        refused(&env, &loose, &[&fix]);
        // A command with a password flag does not read the saved session.
        let password = text(&env.home.path("password"));
        let result = env.run([&FIND[..], &["--password-file", &password]].concat());
        result.success();
        assert_eq!(
            result.stderr.contains(STATE_IGNORED),
            name == "state",
            "{}",
            result.stderr
        );
        // The suggested command fixes the problem.
        set_mode(&folder, mode & 0o1755);
        env.run(FIND).success();
    }
}

#[test]
fn sticky_and_readable_parent_folders_are_trusted() {
    for mode in [0o1777, 0o755] {
        let env = signed_in();
        set_mode(&env.home.path("state"), mode);
        env.run(FIND).success();
        env.run(["login"]).success();
        env.run(["create", "--role", "Auditor", "--require-journal"])
            .success();
        env.run(["logout"]).success();
    }
}

#[test]
fn a_link_is_judged_by_its_target() {
    let mut env = signed_in();
    let (state, link) = (env.home.path("state"), env.home.path("link"));
    symlink(&state, &link).expect("a link");
    env.home.set("SWP_STATE_DIR", &link);
    env.run(FIND).success();
    set_mode(&state, 0o777);
    refused(without_requests(&env), &FIND, &[&text(&link)]);
    set_mode(&state, 0o700);
    // Only the folder of the sessions is in a different place.
    std::fs::rename(state.join("kept"), env.home.path("elsewhere")).expect("it moves");
    symlink(env.home.path("elsewhere"), state.join("kept")).expect("a link");
    env.run(FIND).success();
    set_mode(&env.home.path("elsewhere"), 0o722);
    refused(without_requests(&env), &FIND, &[]);
}

fn without_requests(env: &TestEnv) -> &TestEnv {
    env.sandbox.forget_requests();
    env
}

#[test]
fn a_session_that_other_users_can_read_is_not_used_unless_allowed() {
    for mode in [0o640, 0o604, 0o660, 0o602] {
        let env = signed_in();
        let file = session(&env);
        set_mode(&file, mode);
        let fix = format!("`chmod 600 {}`", text(&file));
        for command in [&FIND[..], &["create", "--role", "Auditor"]] {
            refused(&env, command, &[&fix]);
        }
        if mode & 0o022 == 0 {
            let loose = [&FIND[..], &["--allow-loose-permissions"]].concat();
            env.run(loose).success();
            // The session is still ended by a new login or by `logout`.
            env.run(["login"]).success();
            assert_eq!(
                env.sandbox.live_sessions(),
                1,
                "the previous session is ended"
            );
            assert_eq!(crate::support::files::mode(&session(&env)), 0o600);
            set_mode(&session(&env), mode);
            env.run(["logout"]).success();
            assert_eq!(env.sandbox.live_sessions(), 0);
        } else {
            set_mode(&file, 0o600);
            env.run(FIND).success();
        }
    }
}

#[test]
fn an_entry_that_is_not_a_file_is_reported() {
    let env = signed_in();
    let pipe = env.home.path("state/kept/pipe.json");
    let mut status = std::process::Command::new("mkfifo");
    let status = status.args(["-m", "600"]).arg(&pipe).status();
    assert!(status.expect("mkfifo runs").success());
    for command in [&FIND[..], &["logout"], &["whoami"]] {
        contains(env.run(command).failure(1), &["pipe.json"]);
    }
    assert_eq!(env.calls(), [] as [String; 0], "nothing is sent");
}

#[test]
fn a_folder_of_another_user_is_not_trusted() {
    if !may_give_away() {
        return;
    }
    for name in ["state", "state/kept", "the session"] {
        let env = signed_in();
        let path = match name {
            "the session" => session(&env),
            folder => env.home.path(folder),
        };
        chown(&path, Some(SOMEBODY), None).expect("root may");
        let fix = format!("`chown 0 {}`", text(&path));
        let commands: &[&[&str]] = match name {
            "the session" => &[&FIND, &["logout"]],
            _ => &[&FIND, &["login"], &["logout"]],
        };
        for command in commands {
            refused(&env, command, &["54321", &fix]);
        }
        let loose = [&FIND[..], &["--allow-loose-permissions"]].concat();
        refused(&env, &loose, &[&fix]);
        chown(&path, Some(0), None).expect("root may");
        env.run(FIND).success();
    }
}

/// A record of a different user could make `recover` delete a key of this user.
#[test]
fn a_record_that_other_users_may_have_written_is_ignored() {
    let env = TestEnv::new();
    let key = env.sandbox.add_key("there", 2);
    let record = serde_json::json!({
        "operation": "0a0b0c0d", "work": "rekey", "manager": env.sandbox.url(), "tenant": null, "keyName": "there",
        "roleID": null, "keyID": key.id, "existingIDs": [key.id], "marked": true, "unique": true, "sinks": ["stdout"], "started": 0
    });
    let folder = env.home.path("state/unfinished");
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("0a0b0c0d.json");
    std::fs::write(&file, record.to_string()).expect("a file");
    set_mode(&file, 0o622);
    let recover = ["recover", "--yes"];
    let listed = env.run(["recover", "--list"]);
    contains(&listed.stderr, &["warning: ", "`chmod 600"]);
    contains(&env.run(FIND).stderr, &["warning: ", "0a0b0c0d.json"]);
    set_mode(&file, 0o600);
    set_mode(&folder, 0o777);
    env.sandbox.forget_requests();
    refused(&env, &recover, &["`chmod go-w"]);
    contains(&env.run(FIND).stderr, &["warning:"]);
    // The run writes no record there either.
    let create = ["create", "--role", "Auditor", "--name", "new"];
    let result = env.run(create);
    result.success();
    snapshot(&result.stderr);
    let journal = [&create[..4], &["other", "--require-journal"]].concat();
    contains(env.run(journal).failure(2), &["`--require-journal`"]);
    assert_eq!(env.sandbox.api_keys()[0].secret, key.secret);
    assert_eq!(files(&folder), std::slice::from_ref(&file));
    set_mode(&folder, 0o700);
    env.run(recover).success();
    assert_ne!(
        env.sandbox.api_keys()[0].secret,
        key.secret,
        "it was a real one"
    );
}

/// Other users could otherwise resume or pause sign-ins.
#[test]
fn guard_records_of_other_users_are_ignored() {
    let mut env = TestEnv::new();
    let wrong = env.home.write_secret("wrong", "hunter2");
    env.home.set("SWP_PASSWORD_FILE", wrong);
    for _ in 0..2 {
        env.run(FIND).failure(4);
    }
    let folder = env.home.path("state/sign-ins");
    set_mode(&folder, 0o777);
    let result = env.run([&FIND[..], &["-v"]].concat());
    contains(result.failure(4), &["info:", "sign-ins", "`chmod go-w"]);
    set_mode(&folder, 0o700);
    env.run(FIND).failure(4);
}

#[test]
fn a_new_state_folder_is_private_from_the_start() {
    let env = signed_in();
    assert_eq!(mode(&env.home.path("state")), 0o700);
    assert_eq!(mode(&env.home.path("state/kept")), 0o700);
    assert_eq!(mode(&session(&env)), 0o600);
    assert!(read(session(&env)).contains("request_id"));
}

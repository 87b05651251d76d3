//! `create-key --if-exists ensure` and a key that another run may just have created.

use std::time::Duration;

use swp_keys::sandbox::{Action, Fault};

use super::ensure::{CHANGE, FILE, RESET, changed, ensure, key, with_new_key};
use crate::support::files::read;
use crate::support::requests::count;
use crate::support::running::Running;
use crate::support::{TestEnv, contains, wait_until};

/// Another machine may have created the key, and its secret is not here.
#[test]
fn the_secret_of_a_new_key_is_not_replaced() {
    const MINUTE: i64 = 60_000;
    for (content, flags) in [
        (None, &[][..]),
        (Some("T:dead"), &[]),
        (None, &["--dry-run"]),
        (None, &["--locale", "ja-JP"]),
    ] {
        let env = with_new_key();
        let before = key(&env);
        std::fs::remove_file(env.home.path("ci.key")).expect("the file is there");
        if let Some(content) = content {
            env.home.write_secret("ci.key", content);
        }
        let flags = [FILE, flags].concat();
        for age in [0, 13 * MINUTE] {
            env.sandbox.edit_key(1, |key| key.created -= age);
            let result = ensure(&env, &flags);
            contains(
                result.failure(12),
                &["`ci`", "15 minutes", "another run", "rekey"],
            );
        }
        assert_eq!(count(&env.sandbox, RESET) + count(&env.sandbox, CHANGE), 0);
        assert_eq!(key(&env).secret, before.secret);
        env.sandbox.edit_key(1, |key| key.created -= 3 * MINUTE);
        let json = [&flags, &["-o", "json"][..]].concat();
        assert_eq!(changed(&ensure(&env, &json)), true);
    }
    // Without the file, the hint works literally.
    let env = with_new_key();
    std::fs::remove_file(env.home.path("ci.key")).expect("the file is there");
    let rekey = [
        "create",
        "--name",
        "ci",
        "--if-exists",
        "rekey",
        "--role",
        "Auditor",
    ];
    env.run(rekey.iter().chain(FILE)).success();
    assert_eq!(read(env.home.path("ci.key")).trim(), key(&env).secret);
}

/// A key that nobody marked was not created by a run that is still at work, unless the runs use `--no-mark`.
#[test]
fn a_new_key_without_a_marker_gets_a_secret_unless_the_runs_set_no_marker() {
    for (flags, code) in [(&[][..], 0), (&["--no-mark"], 12)] {
        let env = TestEnv::new();
        env.sandbox.add_key("ci", 2);
        let result = ensure(&env, &[&["--out-file", "ci.key"], flags].concat());
        assert_eq!(result.code(), code, "{result:?}");
    }
}

/// Two machines run the same command at the same time. Each key that a file contains works.
#[test]
fn a_run_on_another_machine_does_not_reset_the_key_that_this_run_creates() {
    let env = TestEnv::new();
    // The response to the creation is late, so the other run sees the key before its secret is delivered.
    let slow = Action::Delay(Duration::from_secs(2));
    env.sandbox
        .inject(Fault::new("POST", "/api/apikeys", slow).after());
    let arguments = [
        "create",
        "--name",
        "ci",
        "--if-exists",
        "ensure",
        "--role",
        "Auditor",
    ];
    let first = Running::start(&mut env.home.command(arguments.iter().chain(FILE)));
    wait_until("the key exists", || env.sandbox.api_keys().len() == 1);
    let mut other =
        env.home.command(
            arguments
                .iter()
                .chain(&["--out-file", "other.key", "--expires", "90d"]),
        );
    other.env("SWP_STATE_DIR", env.home.path("other-state"));
    let second = Running::start(&mut other).finish();
    contains(second.failure(12), &["another run"]);
    first.finish().success();
    assert_eq!(read(env.home.path("ci.key")).trim(), key(&env).secret);
    assert!(!env.home.path("other.key").exists());
    assert_eq!(count(&env.sandbox, RESET), 0);
}

//! Several sinks: either all of them get the secret, or none of them keeps it.
#![cfg(unix)]

use std::os::unix::fs::MetadataExt as _;

use serde_json::json;
use swp_keys::sandbox::{Action, Fault};

use crate::support::files::{mode, names, read};
use crate::support::github::{be_a_step, values};
use crate::support::requests::{CREATE, count, nothing_was_sent};
use crate::support::snapshot::snapshot;
use crate::support::wording::NOT_WITHDRAWN;
use crate::support::{TestEnv, contains, set_mode};

const ALL: [&str; 11] = [
    "create",
    "--role",
    "Auditor",
    "--out-file",
    "key",
    "--dotenv",
    ".env",
    "--github-output",
    "output",
    "--github-env",
    "VARIABLE",
];

fn step() -> TestEnv {
    let mut env = TestEnv::new();
    be_a_step(&mut env.home);
    env
}

#[test]
fn all_sinks_get_the_secret_and_commands_run_last() {
    let env = step();
    let first = [
        "create",
        "--role",
        "Auditor",
        "--deliver-cmd",
        "sh -c 'cat key - > got'",
        "-o",
        "json",
    ];
    let result = env.run(first.iter().chain(&ALL[3..]));
    let secret = env.sandbox.api_keys()[0].secret.clone();
    let sinks = result.json()["meta"]["sinks"].take();
    assert_eq!(
        sinks,
        json!([
            "key",
            "SWP_API_KEY in .env",
            "output in GITHUB_OUTPUT",
            "VARIABLE in GITHUB_ENV",
            "the command `sh`"
        ])
    );
    assert_eq!(
        read(env.home.path("got")),
        format!("{secret}\n{secret}"),
        "the file was there before it"
    );
    assert_eq!(
        read(env.home.path(".env")),
        format!("SWP_API_KEY={secret}\n")
    );
    assert_eq!(values(env.home.path("GITHUB_OUTPUT"))["output"], secret);
    assert_eq!(values(env.home.path("GITHUB_ENV"))["VARIABLE"], secret);
    assert_eq!(
        names(&env.home.path("")),
        [".env", "GITHUB_ENV", "GITHUB_OUTPUT", "got", "key"]
    );
}

/// Asserts that the run exits with 10, that the key is deleted, and that the run sent only the create and the deletion.
#[track_caller]
fn rolled_back(env: &TestEnv, result: &crate::support::RunResult) {
    contains(result.failure(10), &["(ID 1)"]);
    assert_eq!(count(&env.sandbox, CREATE), 1);
    assert_eq!(count(&env.sandbox, "DELETE /api/apikeys/1"), 1);
    assert_eq!(env.sandbox.api_keys(), []);
    assert_eq!(env.sandbox.live_sessions(), 0);
}

#[test]
fn if_the_last_sink_fails_new_files_and_appended_text_are_removed() {
    let env = step();
    env.home.write("GITHUB_OUTPUT", "other=1");
    let more = ["--github-output", "second", "--deliver-cmd", "false"];
    let result = env.run(ALL.iter().chain(&more));
    rolled_back(&env, &result);
    assert_eq!(names(&env.home.path("")), ["GITHUB_ENV", "GITHUB_OUTPUT"]);
    assert_eq!(read(env.home.path("GITHUB_OUTPUT")), "other=1");
    assert_eq!(read(env.home.path("GITHUB_ENV")), "");
    assert!(!result.stderr.contains(NOT_WITHDRAWN), "{}", result.stderr);
}

#[test]
fn if_the_last_sink_fails_replaced_files_are_restored() {
    let env = step();
    let key = env.home.write("key", "the old key\n");
    set_mode(&key, 0o640);
    let dotenv = env
        .home
        .write_secret(".env", "# mine\nSWP_API_KEY='old' # c\nA=1");
    let before = [&key, &dotenv].map(|path| std::fs::metadata(path).expect("a file"));
    // The command checks that both files have the new content, so the test proves that the old content was restored.
    let command = "sh -c 'cat; grep -q old key .env && exit 0; echo both were new >&2; exit 1'";
    let result = env.run(ALL.iter().chain(&["--force", "--deliver-cmd", command]));
    rolled_back(&env, &result);
    contains(&result.stderr, &["both were new"]);
    assert_eq!(read(&key), "the old key\n");
    assert_eq!(read(&dotenv), "# mine\nSWP_API_KEY='old' # c\nA=1");
    assert_eq!((mode(&key), mode(&dotenv)), (0o640, 0o600));
    let after = [&key, &dotenv].map(|path| std::fs::metadata(path).expect("a file"));
    assert_eq!(
        before.map(|it| it.ino()),
        after.map(|it| it.ino()),
        "the very same files"
    );
    assert_eq!(
        names(&env.home.path("")),
        [".env", "GITHUB_ENV", "GITHUB_OUTPUT", "key"]
    );
}

#[test]
fn a_failed_rollback_is_reported() {
    let env = step();
    let first = ["--deliver-cmd", "sh -c 'cat > got'"];
    let spoil =
        "env sh -c 'for file in key .env GITHUB_OUTPUT; do echo more >> $file; done; exit 1'";
    let result = env.run(ALL.iter().chain(&first).chain(&["--deliver-cmd", spoil]));
    rolled_back(&env, &result);
    contains(&result.stderr, &["`sh`", "key"]);
    snapshot(&result.stderr);
    assert_eq!(
        result.stderr.matches(NOT_WITHDRAWN).count(),
        2,
        "{}",
        result.stderr
    );
    assert_eq!(read(env.home.path("GITHUB_ENV")), "");
    assert!(read(env.home.path("key")).ends_with("more\n"));
    // Text that other programs appended is kept when the line or the assignment is removed.
    assert_eq!(read(env.home.path(".env")), "more\n");
    let output = read(env.home.path("GITHUB_OUTPUT"));
    assert_eq!(output.trim_start_matches('\n'), "more\n");
}

/// A deployment may move its old release away and put a new folder in its place.
#[test]
fn a_folder_that_is_replaced_during_the_delivery_keeps_no_secret() {
    for force in [&[][..], &["--force"]] {
        let env = step();
        let folder = env.home.path("now");
        std::fs::create_dir(&folder).expect("a folder");
        if !force.is_empty() {
            env.home.write_secret("now/key", "the old key\n");
            env.home.write_secret("now/.env", "SWP_API_KEY=old\n");
        }
        let before = names(&folder);
        let swap = "sh -c 'mv now old && mkdir now; exit 1'";
        let places = ["--out-file", "now/key", "--dotenv", "now/.env"];
        let command = ["create", "--role", "Auditor", "--deliver-cmd", swap];
        let result = env.run(command.iter().chain(&places).chain(force));
        rolled_back(&env, &result);
        assert!(!result.stderr.contains(NOT_WITHDRAWN), "{}", result.stderr);
        assert_eq!(names(&folder), [""; 0]);
        assert_eq!(names(&env.home.path("old")), before);
        for (name, content) in [("key", "the old key\n"), (".env", "SWP_API_KEY=old\n")] {
            if !force.is_empty() {
                assert_eq!(read(env.home.path("old").join(name)), content);
            }
        }
    }
}

#[test]
fn a_file_that_was_removed_meanwhile_needs_no_rollback() {
    let env = step();
    let result = env.run(
        ALL.iter()
            .chain(&["--deliver-cmd", "sh -c 'rm key .env; exit 1'"]),
    );
    rolled_back(&env, &result);
    assert!(!result.stderr.contains(NOT_WITHDRAWN), "{}", result.stderr);
    assert_eq!(names(&env.home.path("")), ["GITHUB_ENV", "GITHUB_OUTPUT"]);
}

#[test]
fn files_are_rolled_back_even_if_the_key_cannot_be_deleted() {
    let env = step();
    env.sandbox.inject(Fault::new(
        "DELETE",
        "/api/apikeys/1",
        Action::status(403, "Not authorized."),
    ));
    let result = env.run(ALL.iter().chain(&["--deliver-cmd", "false"]));
    contains(result.failure(11), &["false", "(ID 1)"]);
    assert_eq!(names(&env.home.path("")), ["GITHUB_ENV", "GITHUB_OUTPUT"]);
    assert_eq!(read(env.home.path("GITHUB_OUTPUT")), "");
}

#[test]
fn a_repeated_destination_is_rejected_before_anything_is_sent() {
    let mut env = step();
    std::fs::create_dir(env.home.path("folder")).expect("a folder");
    let link = env.home.path("link");
    std::os::unix::fs::symlink(env.home.path("folder"), link).expect("a link");
    let github = env.home.write_secret(".env", "");
    env.home.set("GITHUB_ENV", &github);
    for arguments in [
        &["--out-file", "key", "--out-file", "./key"][..],
        &["--out-file", "folder/key", "--out-file", "link/key"],
        &["--dotenv", "a", "--dotenv", "folder/../a"],
        &["--dotenv", "a", "--out-file", "a"],
        &["--dotenv", ".env", "--github-env", "A"],
        &["--github-output", "a", "--github-output", "a"],
        &["--github-env", "A", "--github-env", "A"],
    ] {
        let result = env.run(["create", "--role", "Auditor"].iter().chain(arguments));
        contains(result.failure(2), &["hint: "]);
        snapshot(&result.stderr);
    }
    nothing_was_sent(&env.sandbox);
}

#[test]
fn if_one_sink_cannot_be_prepared_nothing_is_written_or_sent() {
    let env = step();
    let dotenv = env.home.write_secret(".env", "A=1\n");
    let result = env.run(
        ALL.iter()
            .chain(&["--deliver-cmd", "no-such-program-anywhere"]),
    );
    contains(result.failure(2), &["no-such-program-anywhere"]);
    nothing_was_sent(&env.sandbox);
    assert_eq!(read(dotenv), "A=1\n");
    assert_eq!(
        names(&env.home.path("")),
        [".env", "GITHUB_ENV", "GITHUB_OUTPUT"]
    );
}

#[test]
fn a_dry_run_prepares_all_and_runs_no_command() {
    let env = step();
    let result = env.run(
        ALL.iter()
            .chain(&["--deliver-cmd", "touch ran", "--dry-run"]),
    );
    assert_eq!(result.success(), "");
    contains(
        &result.stderr,
        &[
            "SWP_API_KEY",
            ".env",
            "GITHUB_OUTPUT",
            "VARIABLE",
            "GITHUB_ENV",
            "touch",
        ],
    );
    assert_eq!(names(&env.home.path("")), ["GITHUB_ENV", "GITHUB_OUTPUT"]);
    assert_eq!(read(env.home.path("GITHUB_OUTPUT")), "");
    assert_eq!(count(&env.sandbox, CREATE), 0);
}

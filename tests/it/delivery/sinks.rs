//! The secret as a file and on stdout, and failed deliveries.

use serde_json::json;

use crate::support::files::{names, read};
use crate::support::held_manager::HeldManager;
use crate::support::requests::{CREATE, count, nothing_was_sent};
use crate::support::snapshot::snapshot;
use crate::support::{RunResult, TestEnv, contains};

pub(super) const TO_FILE: [&str; 5] = ["create", "--role", "Auditor", "--out-file", "key"];

pub(super) fn secret(env: &TestEnv) -> String {
    env.sandbox.api_keys().pop().expect("a key").secret
}

#[test]
fn a_file_gets_the_secret_and_stdout_contains_no_secret() {
    let env = TestEnv::new();
    for (format, expected) in [
        ("text", "1\n".to_owned()),
        ("env", "SWP_API_KEY_ID=2\n".to_owned()),
    ] {
        let result = env.run(TO_FILE.iter().chain(&["--force", "-o", format]));
        result.success();
        assert_eq!(result.stdout, expected);
        let path = env.home.path("key");
        assert_eq!(read(&path), format!("{}\n", secret(&env)));
    }
    let result = env.run(TO_FILE.iter().chain(&["--force", "-o", "json"]));
    let key = result.json();
    assert_eq!((&key["ID"], &key["roleID"]), (&json!(3), &json!(2)));
    assert_eq!(key["meta"]["sinks"], json!(["key"]));
    assert_eq!(key["meta"]["created"], json!(true));
    let secret = secret(&env);
    for text in [&result.stdout, &result.stderr] {
        assert!(!text.contains(&secret), "{text}");
    }
    assert_eq!(read(env.home.path("key")), format!("{secret}\n"));
    assert_eq!(names(&env.home.path("")), ["key"], "nothing else is left");
}

#[test]
fn a_dash_as_a_file_is_stdout() {
    let env = TestEnv::new();
    let create = |more: &[&str]| env.run([&["create", "--role", "Auditor"], more].concat());
    let printed = |more: &[&str], expected: &dyn Fn(&str) -> String| {
        let result = create(more);
        result.success();
        assert_eq!(result.stdout, expected(&secret(&env)), "{more:?}");
        assert!(!env.home.path("-").exists());
    };
    let plain = |secret: &str| format!("{secret}\n");
    printed(&["--out-file", "-"], &plain);
    printed(&["--out-file", "-", "--force"], &plain);
    // stdout contains one document with the secret, and no second document without it.
    printed(&["--out-file", "-", "--out-file", "key"], &plain);
    assert_eq!(read(env.home.path("key")), plain(&secret(&env)));
    let line = |secret: &str| format!("SWP_API_KEY={secret}\n");
    printed(&["--dotenv", "-"], &line);
    printed(&["--out-file", "-", "-o", "env"], &line);
    let named = |secret: &str| format!("DS_KEY={secret}\n");
    printed(
        &["--dotenv", "-", "--env-name", "DS_KEY", "--dotenv", ".env"],
        &named,
    );
    assert_eq!(read(env.home.path(".env")), named(&secret(&env)));
    let key = create(&["--out-file", "-", "-o", "json"]).json();
    assert_eq!(key["secretKey"], secret(&env));
    assert_eq!(key["meta"]["sinks"], json!(["stdout"]));
    create(&["--out-file", "./-"]).success();
    assert_eq!(read(env.home.path("-")), plain(&secret(&env)));
}

#[test]
fn stdout_is_written_last_and_is_empty_if_a_command_fails() {
    let env = TestEnv::new();
    let to = ["--out-file", "-", "--deliver-cmd", "false"];
    let result = env.run(["create", "--role", "Auditor"].iter().chain(&to));
    rolled_back(&result, &env.sandbox);
}

#[test]
fn an_unused_variable_name_and_stdout_twice_are_rejected() {
    let env = TestEnv::new();
    for (arguments, expected) in [
        (&["--env-name", "DS_KEY"][..], "--env-name"),
        (&["--env-name", "DS_KEY", "-o", "json"], "--env-name"),
        (
            &["--env-name", "SWP_API_KEY", "--out-file", "key"],
            "--env-name",
        ),
        (
            &["--env-name", "DS_KEY", "--github-env", "DS_KEY"],
            "--env-name",
        ),
        (&["--out-file", "-", "--dotenv", "-"], "--dotenv"),
        (&["--out-file", "-", "--out-file", "-"], "--out-file"),
        (&["--dotenv", "-", "-o", "json"], "--dotenv -"),
    ] {
        let result = env.run([&["create", "--role", "Auditor"], arguments].concat());
        contains(result.failure(2), &[expected]);
        snapshot(&result.stderr);
    }
    nothing_was_sent(&env.sandbox);
}

#[test]
fn all_of_several_files_get_the_secret() {
    let env = TestEnv::new();
    let arguments = TO_FILE.iter().chain(&["--out-file", "other"]);
    assert_eq!(env.run(arguments).success(), "1");
    for name in ["key", "other"] {
        let path = env.home.path(name);
        assert_eq!(read(&path), format!("{}\n", secret(&env)));
    }
    let env = TestEnv::new();
    let result = env.run(TO_FILE.iter().chain(&["--out-file", "key"]));
    result.failure(2);
    nothing_was_sent(&env.sandbox);
}

#[test]
fn an_existing_file_is_rejected_before_anything_is_sent() {
    let env = TestEnv::new();
    let path = env.home.write("key", "the existing content");
    let result = env.run(TO_FILE);
    contains(result.failure(2), &["--out-file", "--force"]);
    nothing_was_sent(&env.sandbox);
    assert_eq!(read(&path), "the existing content");
    assert_eq!(names(&env.home.path("")), ["key"]);

    env.run(TO_FILE.iter().chain(&["--force"])).success();
    assert_eq!(read(&path), format!("{}\n", secret(&env)));
}

#[test]
fn a_target_that_is_not_a_writable_file_is_rejected_before_anything_is_sent() {
    let env = TestEnv::new();
    std::fs::create_dir(env.home.path("folder")).expect("a folder");
    env.home.write("file", "");
    let mut places = vec!["folder", "no-folder/key", "file/key", "key/", ".", ""];
    let too_long = "k".repeat(300);
    places.push(&too_long);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("elsewhere", env.home.path("link")).expect("a link");
        std::os::unix::fs::symlink("file", env.home.path("link-to-file")).expect("a link");
        let fifo = std::process::Command::new("mkfifo")
            .arg(env.home.path("fifo"))
            .status();
        assert!(fifo.expect("mkfifo is there").success());
        places.extend(["link", "link-to-file", "fifo", "/dev/null", "/dev/stdout"]);
    }
    // Root can write to a folder with mode 0500, but not to /proc.
    if cfg!(target_os = "linux") {
        places.push("/proc/self/key");
    }
    let before = names(&env.home.path(""));
    for place in places {
        for force in [&[][..], &["--force"]] {
            let arguments = ["create", "--role", "Auditor", "--out-file", place];
            let result = env.run(arguments.iter().chain(force));
            contains(result.failure(2), &["--out-file", place, "hint: "]);
        }
    }
    nothing_was_sent(&env.sandbox);
    assert_eq!(names(&env.home.path("")), before, "nothing is left");
}

#[test]
fn the_file_appears_only_with_the_complete_secret() {
    let held = HeldManager::new(CREATE);
    let running = held.start(TO_FILE);
    held.wait_until_held();
    assert!(!held.home.path("key").exists());
    held.release();
    running.finish().success();
    let path = held.home.path("key");
    assert_eq!(
        read(&path),
        format!("{}\n", held.sandbox.api_keys()[0].secret)
    );
    assert_eq!(names(&held.home.path("")), ["key"]);
}

/// Two runs write to one file. The second run must not overwrite the only copy of the first run's secret.
#[test]
fn a_file_that_was_created_meanwhile_is_not_overwritten() {
    let held = HeldManager::new(CREATE);
    let running = held.start(TO_FILE.iter().chain(&["--out-file", "other"]));
    held.wait_until_held();
    held.home.write("other", "another program's");
    held.release();
    let result = running.finish();
    rolled_back(&result, &held.sandbox);
    assert_eq!(
        names(&held.home.path("")),
        ["other"],
        "the first is withdrawn"
    );
    assert_eq!(read(held.home.path("other")), "another program's");
}

/// On Windows, a folder that contains an open file cannot be removed.
#[test]
#[cfg(unix)]
fn a_replaced_file_is_restored_if_a_later_sink_fails() {
    let held = HeldManager::new(CREATE);
    held.home.write("key", "the existing content");
    std::fs::create_dir(held.home.path("folder")).expect("a folder");
    let more = ["--force", "--out-file", "folder/other"];
    let running = held.start(TO_FILE.iter().chain(&more));
    held.wait_until_held();
    std::fs::remove_dir_all(held.home.path("folder")).expect("it is there");
    held.release();
    let result = running.finish();
    rolled_back(&result, &held.sandbox);
    contains(&result.stderr, &["folder/other"]);
    assert_eq!(names(&held.home.path("")), ["key"]);
    assert_eq!(read(held.home.path("key")), "the existing content");
}

/// The path is resolved again when the secret is written. Nothing is left in the folder to which the path led before.
#[test]
#[cfg(unix)]
fn a_folder_that_is_replaced_before_the_delivery_gets_the_secret() {
    let held = HeldManager::new(CREATE);
    let folder = held.home.path("now");
    std::fs::create_dir(&folder).expect("a folder");
    let places = ["--out-file", "now/key", "--dotenv", "now/.env"];
    let running = held.start(["create", "--role", "Auditor"].iter().chain(&places));
    held.wait_until_held();
    std::fs::rename(&folder, held.home.path("old")).expect("it is moved");
    std::fs::create_dir(&folder).expect("a folder");
    held.release();
    running.finish().success();
    assert_eq!(names(&folder), [".env", "key"]);
    assert_eq!(names(&held.home.path("old")), [""; 0]);
}

/// Asserts that the secret was not delivered: the run exits with 10, the key is deleted, and the session is ended.
#[track_caller]
pub(super) fn rolled_back(result: &RunResult, sandbox: &swp_keys::sandbox::Sandbox) {
    contains(result.failure(10), &["(ID 1)"]);
    assert_eq!(count(sandbox, CREATE), 1, "{}", result.stderr);
    assert_eq!(
        count(sandbox, "DELETE /api/apikeys/1"),
        1,
        "{}",
        result.stderr
    );
    assert_eq!(sandbox.api_keys(), []);
    assert_eq!(sandbox.live_sessions(), 0);
}

/// The dynamic linker and shells would print the secret in their error messages.
#[test]
fn a_variable_that_the_system_reads_is_rejected() {
    let env = TestEnv::new();
    for name in ["PATH", "IFS", "ENV", "BASH_ENV", "LD_PRELOAD", "DYLD_X"] {
        let create = ["create", "--role", "Auditor", "-o", "env", "--env-name"];
        contains(
            env.run(create.iter().chain(&[name])).failure(2),
            &["--env-name"],
        );
        let exec = ["exec", "--role", "Auditor", "--env", name, "--", "true"];
        contains(env.run(exec).failure(2), &["--env"]);
    }
    assert_eq!(env.sandbox.connections().tcp, 0, "nothing is sent");
}

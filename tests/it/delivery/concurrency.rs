//! Many runs write to one file at the same time. Each line that was reported as delivered is in the file, and contains the secret of an existing key.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::symlink;

use rustix::process::Signal;
use swp_keys::sandbox::Settings;

use crate::support::files::{names, read};
use crate::support::github::{be_a_step, values};
use crate::support::held_manager::HeldManager;
use crate::support::requests::{CREATE, count, nothing_was_sent};
use crate::support::running::{Running, run_at_once};
use crate::support::wording::{NOT_WITHDRAWN, WAITING_FOR_ANOTHER_PROCESS};
use crate::support::{Home, RunResult, TestEnv, contains, wait_until};

/// The number of simultaneous runs.
const RUNS: usize = 12;

fn env() -> TestEnv {
    TestEnv::with(Settings {
        sessions_max: 2 * RUNS,
        rate_limit: None,
        ..Settings::default()
    })
}

/// Starts one run for each number with these arguments, and waits for all of them.
fn all_at_once(home: &Home, arguments: impl Fn(usize) -> Vec<String>) -> Vec<RunResult> {
    run_at_once((0..RUNS).map(|number| home.command(arguments(number))))
}

fn create(more: &[&str]) -> Vec<String> {
    (["create", "--role-id", "2"].iter().chain(more))
        .map(|word| (*word).to_owned())
        .collect()
}

/// Returns true for every third run. It fails after it has written its line, and then removes the line.
fn fails(number: usize) -> bool {
    number % 3 == 2
}

fn with_failures(number: usize, mut arguments: Vec<String>) -> Vec<String> {
    if fails(number) {
        arguments.extend(["--deliver-cmd".to_owned(), "false".to_owned()]);
    }
    arguments
}

#[track_caller]
fn assert_results(result: &[RunResult], fails: impl Fn(usize) -> bool) {
    for (number, result) in result.iter().enumerate() {
        let code = if fails(number) { 10 } else { 0 };
        assert_eq!(result.code(), code, "{number}: {}", result.stderr);
        assert!(!result.stderr.contains(NOT_WITHDRAWN), "{}", result.stderr);
    }
}

/// Asserts that the names in the file are those of the successful runs, and that their values are the secrets of all existing keys.
#[track_caller]
fn delivered(env: &TestEnv, set: &[(String, String)], fails: impl Fn(usize) -> bool) {
    let names: BTreeSet<_> = set.iter().map(|(name, _)| name.clone()).collect();
    let expected = (0..RUNS).filter(|number| !fails(*number));
    let expected: BTreeSet<_> = expected.map(|number| format!("K{number}")).collect();
    assert_eq!((names, set.len()), (expected.clone(), expected.len()));
    let secrets: BTreeSet<_> = set.iter().map(|(_, secret)| secret.clone()).collect();
    let keys = env.sandbox.api_keys();
    let alive: BTreeSet<_> = keys.iter().map(|key| key.secret.clone()).collect();
    assert_eq!((secrets, keys.len()), (alive, expected.len()));
}

fn assignments(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.split_once('=').expect("an assignment");
            (name.to_owned(), value.to_owned())
        })
        .collect()
}

#[test]
fn no_line_of_a_dotenv_file_is_lost() {
    for before in [None, Some("# settings\n")] {
        let env = env();
        if let Some(before) = before {
            env.home.write_secret(".env", before);
        }
        let result = all_at_once(&env.home, |number| {
            create(&["--dotenv", ".env", "--env-name", &format!("K{number}")])
        });
        assert_results(&result, |_| false);
        let text = read(env.home.path(".env"));
        assert!(text.starts_with(before.unwrap_or_default()));
        delivered(&env, &assignments(&text), |_| false);
        assert_eq!(names(&env.home.path("")), [".env"]);
    }
}

#[test]
fn a_failed_run_removes_only_its_own_line_of_a_dotenv_file() {
    let env = env();
    env.home.write_secret(".env", "# settings\n");
    let result = all_at_once(&env.home, |number| {
        let name = format!("K{number}");
        with_failures(number, create(&["--dotenv", ".env", "--env-name", &name]))
    });
    assert_results(&result, fails);
    let text = read(env.home.path(".env"));
    assert!(text.starts_with("# settings\n"));
    delivered(&env, &assignments(&text), fails);
    assert_eq!(names(&env.home.path("")), [".env"]);
}

#[test]
fn no_value_of_a_step_is_lost() {
    let mut env = env();
    be_a_step(&mut env.home);
    let result = all_at_once(&env.home, |number| {
        let name = format!("K{number}");
        let variable = format!("V{number}");
        let to = ["--github-output", &name, "--github-env", &variable];
        with_failures(number, create(&to))
    });
    assert_results(&result, fails);
    let set: Vec<_> = values(env.home.path("GITHUB_OUTPUT")).into_iter().collect();
    delivered(&env, &set, fails);
    let set = values(env.home.path("GITHUB_ENV")).into_iter();
    let set: Vec<_> = set
        .map(|(name, value)| (name.replace('V', "K"), value))
        .collect();
    delivered(&env, &set, fails);
}

#[test]
fn no_pin_is_lost() {
    let mut home = Home::new();
    home.set("SWP_CONFIG_DIR", home.path("config"));
    let pin = format!("sha256:{}", "ab".repeat(32));
    let result = all_at_once(&home, |number| {
        let host = format!("dsm-{number}.example.com");
        ["trust", "add", &host, "--tls-pin", &pin]
            .map(str::to_owned)
            .to_vec()
    });
    assert_results(&result, |_| false);
    let pin_count = |home: &Home| {
        let listed = home.run(["trust", "list", "-o", "jsonl"]);
        listed.success().lines().count()
    };
    assert_eq!(pin_count(&home), RUNS);
    // Several runs pin each of these unknown managers.
    let managers: Vec<_> = (0..RUNS / 3).map(|_| env().sandbox).collect();
    let result = all_at_once(&home, |number| {
        let host = managers[number % managers.len()].address().to_string();
        ["trust", "add", &host, "--tls-accept-new"]
            .map(str::to_owned)
            .to_vec()
    });
    assert_results(&result, |_| false);
    assert_eq!(pin_count(&home), RUNS + managers.len());
    assert_eq!(names(&home.path("config")), ["trusted.toml"]);
}

#[test]
fn a_signal_ends_the_wait_for_the_lock_of_the_pin_file() {
    let mut home = Home::new();
    let config = home.path("config");
    home.set("SWP_CONFIG_DIR", &config);
    std::fs::create_dir(&config).expect("a folder");
    let lock = File::open(&config).expect("the folder");
    lock.lock().expect("nothing else has it");
    let pin = format!("sha256:{}", "ab".repeat(32));
    let arguments = ["trust", "add", "dsm.example.com", "--tls-pin", &pin];
    let mut running = Running::start(&mut home.command(arguments));
    running.wait_for_line(WAITING_FOR_ANOTHER_PROCESS);
    running.signal(Signal::TERM);
    running.finish().failure(143);
    assert_eq!(names(&config), [""; 0]);
}

/// Lines that another program writes between the delivery and its rollback stay in the file. The rollback also restores the old value of the line.
#[test]
fn a_rollback_keeps_later_changes_of_other_programs() {
    let spoil = "sh -c 'echo B=2 >> .env; exit 1'";
    for (before, after) in [
        (None, "B=2\n"),
        (Some("A=1\n"), "A=1\nB=2\n"),
        (Some("A=1"), "A=1\nB=2\n"),
        (
            Some("A=1\nexport SWP_API_KEY='old one' # mine\nC=3\n"),
            "A=1\nexport SWP_API_KEY='old one' # mine\nC=3\nB=2\n",
        ),
    ] {
        let env = TestEnv::new();
        if let Some(before) = before {
            env.home.write_secret(".env", before);
        }
        let result = env.run(create(&["--dotenv", ".env", "--deliver-cmd", spoil]));
        assert!(
            !result.failure(10).contains(NOT_WITHDRAWN),
            "{}",
            result.stderr
        );
        assert_eq!(read(env.home.path(".env")), after);
        assert_eq!(names(&env.home.path("")), [".env"]);
        assert_eq!(env.sandbox.api_keys(), []);
    }
}

/// A later run has replaced the line. The file contains nothing of this run that could be rolled back.
#[test]
fn a_rollback_keeps_a_line_that_was_replaced() {
    let env = TestEnv::new();
    let set = "sh -c 'echo SWP_API_KEY=newer > .env; exit 1'";
    let result = env.run(create(&["--dotenv", ".env", "--deliver-cmd", set]));
    assert!(
        !result.failure(10).contains(NOT_WITHDRAWN),
        "{}",
        result.stderr
    );
    assert_eq!(read(env.home.path(".env")), "SWP_API_KEY=newer\n");
}

/// Starts a run, and locks the folder before the run writes its secret.
fn locked(folder: &str, arguments: &[&str]) -> (HeldManager, Running, File) {
    let held = HeldManager::new(CREATE);
    std::fs::create_dir_all(held.home.path(folder)).expect("a folder");
    symlink(folder, held.home.path("link")).expect("a link");
    let running = held.start(create(arguments));
    held.wait_until_held();
    let lock = File::open(held.home.path(folder)).expect("the folder");
    lock.lock().expect("nothing else has it");
    held.release();
    (held, running, lock)
}

#[test]
fn a_run_reads_the_file_again_after_waiting_for_the_lock() {
    let (held, running, lock) = locked("folder", &["--dotenv", "folder/.env"]);
    held.home.write_secret("folder/.env", "A=1\n");
    drop(lock);
    running.finish().success();
    let secret = held.sandbox.api_keys()[0].secret.clone();
    let text = read(held.home.path("folder/.env"));
    assert_eq!(text, format!("A=1\nSWP_API_KEY={secret}\n"));
}

/// Runs the program as in `flock . swp-keys create`. The run finds the lock before it connects to the manager.
#[test]
fn a_locked_folder_is_waited_for_before_anything_is_sent() {
    for flag in ["--dotenv", "--out-file"] {
        let env = TestEnv::new();
        let lock = File::open(env.home.path(".")).expect("the folder");
        lock.lock().expect("nothing else has it");
        let mut running = Running::start(&mut env.home.command(create(&[flag, "key"])));
        running.wait_for_line(WAITING_FOR_ANOTHER_PROCESS);
        running.signal(Signal::TERM);
        running.finish().failure(143);
        nothing_was_sent(&env.sandbox);
        assert_eq!(names(&env.home.path("")), [""; 0]);
    }
}

/// A link to a folder refers to the same folder, and therefore to the same lock.
#[test]
fn a_signal_ends_the_wait_for_the_lock() {
    let to = ["--out-file", "first", "--dotenv", "link/.env"];
    let (held, running, lock) = locked("folder", &to);
    // After the first file is written, the run waits only for the lock.
    let first = held.home.path("first");
    wait_until("the first file", || first.exists());
    running.signal(Signal::TERM);
    let result = running.finish();
    contains(result.failure(143), &["SWP_API_KEY", "link/.env"]);
    drop(lock);
    assert_eq!(count(&held.sandbox, "DELETE /api/apikeys/1"), 1);
    assert_eq!(held.sandbox.api_keys(), []);
    assert_eq!(names(&held.home.path("folder")), [""; 0]);
    assert_eq!(names(&held.home.path("")), ["folder", "link"]);
}

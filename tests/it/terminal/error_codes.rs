//! One failure for each `error.code`, as text and as JSON. The wording is in `snapshots/errors/`.

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, Fault, Settings};

use crate::support::proxy::ReservedPort;
use crate::support::requests::CREATE;
use crate::support::responses::success;
use crate::support::snapshot::snapshot_file;
use crate::support::{RunResult, TestEnv};

const FIND: &[&str] = &["find-role", "Auditor"];
const CREATE_CI: &[&str] = &["create", "--role", "Auditor", "--name", "ci"];

/// The codes with a snapshot.
const CODES: [&str; 17] = [
    "attention",
    "cannot-run",
    "conflict",
    "forbidden",
    "interrupted",
    "not-found",
    "partial",
    "rate-limited",
    "said-no",
    "sign-in-paused",
    "sign-in-refused",
    "tls-trust",
    "too-many-sessions",
    "undelivered",
    "unexpected",
    "unreachable",
    "usage",
];

/// Runs the command as text and as JSON, each in a new environment, and compares what it prints to stderr.
#[track_caller]
fn ends_in(code: &str, exit: i32, prepare: impl Fn() -> TestEnv, arguments: &[&str]) {
    let text = prepare().run(arguments);
    let json = ["-o", "json"];
    let split = arguments.iter().position(|word| *word == "--");
    let (before, after) = arguments.split_at(split.unwrap_or(arguments.len()));
    let document = prepare().run([before, &json, after].concat());
    compare(code, exit, &text, &document);
}

#[track_caller]
fn compare(code: &str, exit: i32, text: &RunResult, document: &RunResult) {
    assert!(CODES.contains(&code), "{code}");
    assert_eq!(text.code(), exit, "{}", text.stderr);
    assert_eq!(document.code(), exit, "{}", document.stderr);
    let last = document.stderr.lines().last().unwrap_or_default();
    let mut error: Value = serde_json::from_str(last).expect("a JSON error");
    assert_eq!(error["error"]["code"], code);
    assert_eq!(error["error"]["exit"], exit);
    if let Some(time) = error["error"].get_mut("retryAt") {
        assert!(time.as_i64().is_some(), "{time}");
        *time = json!("TIME");
    }
    let error = serde_json::to_string_pretty(&error).expect("JSON");
    snapshot_file(
        &format!("errors/{code}"),
        &format!("{}\n{error}", text.stderr),
    );
}

fn with_fault(fault: Fault) -> TestEnv {
    let env = TestEnv::new();
    env.sandbox.inject(fault);
    env
}

fn with_wrong_password() -> TestEnv {
    let mut env = TestEnv::new();
    let file = env.home.write_secret("wrong", "wrong");
    env.home.set("SWP_PASSWORD_FILE", file);
    env
}

#[test]
fn every_code_has_a_snapshot() {
    let mut codes: Vec<&str> = swp_keys::error_codes().map(|(code, _)| code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes, CODES);
}

#[test]
fn unexpected() {
    let prepare = || with_fault(Fault::new("POST", "/api/roles/search", success(&json!([]))));
    ends_in("unexpected", 1, prepare, FIND);
}

#[test]
fn usage() {
    ends_in("usage", 2, TestEnv::new, &["create", "--role-id", "zero"]);
}

#[test]
fn not_found() {
    ends_in("not-found", 3, TestEnv::new, &["find-role", "Audtior"]);
}

#[test]
fn sign_in_refused() {
    ends_in("sign-in-refused", 4, with_wrong_password, FIND);
}

#[test]
fn sign_in_paused() {
    let prepare = || {
        let env = with_wrong_password();
        for _ in 0..2 {
            env.run(FIND).failure(4);
        }
        env
    };
    ends_in("sign-in-paused", 4, prepare, FIND);
}

#[test]
fn forbidden() {
    let prepare = || {
        TestEnv::with(Settings {
            administrator_role: 2,
            ..Settings::default()
        })
    };
    ends_in("forbidden", 5, prepare, &["create", "--role-id", "2"]);
}

#[test]
fn conflict() {
    let prepare = || {
        let env = TestEnv::new();
        env.sandbox.add_key("ci", 2);
        env
    };
    ends_in("conflict", 6, prepare, CREATE_CI);
}

#[test]
fn tls_trust() {
    let prepare = || {
        let mut env = TestEnv::new();
        env.home.unset("SWP_CA_CERT");
        env
    };
    ends_in("tls-trust", 7, prepare, FIND);
}

#[test]
fn unreachable() {
    let port = ReservedPort::new();
    let prepare = || {
        let mut env = TestEnv::new();
        env.home.set("SWP_URL", port.url());
        env
    };
    let once = [FIND, &["--retries", "0"]].concat();
    ends_in("unreachable", 8, prepare, &once);
}

#[test]
fn rate_limited() {
    let later = Action::Answer {
        status: 429,
        headers: vec![("Retry-After".to_owned(), "3600".to_owned())],
        body: Vec::new(),
    };
    let prepare = || with_fault(Fault::new("POST", "/api/roles/search", later.clone()));
    ends_in("rate-limited", 9, prepare, FIND);
}

#[test]
fn too_many_sessions() {
    let prepare = || {
        let env = TestEnv::new();
        env.sandbox.change(|settings| settings.sessions_max = 0);
        env
    };
    let briefly = [FIND, &["--wait", "1s"]].concat();
    ends_in("too-many-sessions", 9, prepare, &briefly);
}

#[cfg(unix)]
#[test]
fn undelivered() {
    let to_a_command = [CREATE_CI, &["--deliver-cmd", "false"]].concat();
    ends_in("undelivered", 10, TestEnv::new, &to_a_command);
}

/// The manager creates a key, omits its secret from the response, and does not delete the key.
#[test]
fn attention() {
    let prepare = || {
        let answer = success(&json!({"ID": 1, "keyName": "ci", "roleID": 2}));
        let env = with_fault(Fault::new("POST", "/api/apikeys", answer).after());
        let refused = Action::status(403, "Not authorized to delete API keys.");
        env.sandbox
            .inject(Fault::new("DELETE", "/api/apikeys/1", refused).times(99));
        env
    };
    ends_in("attention", 11, prepare, CREATE_CI);
}

#[test]
fn partial() {
    let prepare = || {
        let refused = Action::status(403, "Not authorized to delete API keys.");
        let env = with_fault(Fault::new("DELETE", "/api/apikeys/1", refused));
        env.sandbox.add_key("a", 2);
        env.sandbox.add_key("b", 2);
        env
    };
    ends_in("partial", 12, prepare, &["delete-key", "a", "b", "--yes"]);
}

#[test]
fn said_no() {
    let prepare = || {
        let mut env = TestEnv::new();
        let secret = env.home.write_secret("key", "1:d3Jvbmc=");
        env.home.set("SWP_API_KEY_FILE", secret);
        env
    };
    ends_in("said-no", 13, prepare, &["verify-key"]);
}

#[test]
fn cannot_run() {
    let arguments = [
        "exec",
        "--role",
        "Auditor",
        "--",
        "there-is-no-such-command",
    ];
    ends_in("cannot-run", 127, TestEnv::new, &arguments);
}

#[cfg(unix)]
#[test]
fn interrupted() {
    let end = |more: &[&str]| {
        let held = crate::support::held_manager::HeldManager::new(CREATE);
        let running = held.start(CREATE_CI.iter().chain(more));
        held.wait_until_held();
        running.signal(rustix::process::Signal::TERM);
        held.release();
        running.finish()
    };
    compare("interrupted", 143, &end(&[]), &end(&["-o", "json"]));
}

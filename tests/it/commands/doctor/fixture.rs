//! Runs `doctor`, and finds the checks in its output.

use serde_json::Value;

use crate::support::{Home, RunResult, contains};

pub(super) const CHECKS: [&str; 14] = [
    "settings-file",
    "settings",
    "state-folder",
    "address",
    "name-resolution",
    "tcp",
    "proxy",
    "tls",
    "clock",
    "manager",
    "sign-in",
    "key-rights",
    "roles",
    "unfinished-runs",
];

/// Returns the JSON document of a run that exits with this code.
#[track_caller]
pub(super) fn document(result: &RunResult, code: i32) -> Value {
    assert_eq!(result.code(), code, "{}{}", result.stdout, result.stderr);
    let answer: Value = serde_json::from_str(&result.stdout).expect("a JSON document");
    let checks = answer["checks"].as_array().expect("a list");
    let names: Vec<&Value> = checks.iter().map(|check| &check["name"]).collect();
    assert_eq!(names, CHECKS);
    assert_eq!(answer["ok"], code == 0);
    answer
}

/// Runs `doctor` with JSON output.
#[track_caller]
pub(super) fn doctor(home: &Home, more: &[&str], code: i32) -> Value {
    document(&home.run(["doctor", "-o", "json"].iter().chain(more)), code)
}

/// Returns the check with this name.
pub(super) fn check<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let checks = answer["checks"].as_array().expect("a list");
    let found = checks.iter().find(|check| check["name"] == name);
    found.expect("the check")
}

/// Returns the status of the check with this name.
pub(super) fn status<'a>(answer: &'a Value, name: &str) -> &'a str {
    check(answer, name)["status"].as_str().expect("a status")
}

/// Returns the message of the check with this name.
pub(super) fn message<'a>(answer: &'a Value, name: &str) -> &'a str {
    check(answer, name)["message"].as_str().expect("a message")
}

/// Returns the hint of the check with this name.
pub(super) fn hint<'a>(answer: &'a Value, name: &str) -> &'a str {
    check(answer, name)["hint"].as_str().unwrap_or_default()
}

/// Asserts that every check from `first` to `roles` is skipped because of `cause`.
#[track_caller]
pub(super) fn skipped_from(answer: &Value, first: &str, cause: &str) {
    let from = CHECKS.iter().position(|name| *name == first);
    for name in &CHECKS[from.expect("a check")..13] {
        if *name == "proxy" && status(answer, name) == "ok" {
            continue;
        }
        assert_eq!(status(answer, name), "skipped", "{name}");
        contains(message(answer, name), &[&format!("`{cause}`")]);
    }
}

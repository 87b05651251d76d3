//! A run must recognize its own key by its ID, then by its marker, and by its name last, even if the name and the description were altered, or an
//! intermediary exchanged requests and responses.

use serde_json::Value;

use crate::support::{Home, RunResult, TestEnv};

/// A name that every alteration changes, but that is still recognizable.
pub(super) const NAME: &str = "Night build (ci) of the whole Fleet";
pub(super) const LOST: &str = "POST /api/apikeys drop after";

/// Returns the records.
pub(super) fn records(home: &Home) -> Vec<Value> {
    let entries = std::fs::read_dir(home.path("state/unfinished"));
    (entries.into_iter().flatten())
        .map(|entry| std::fs::read(entry.expect("a file").path()).expect("a record"))
        .map(|content| serde_json::from_slice(&content).expect("a record is JSON"))
        .collect()
}

/// Asserts that the only key was delivered, and that no record is left.
#[track_caller]
pub(super) fn delivered(env: &TestEnv, result: &RunResult, what: &str) {
    let keys = env.sandbox.api_keys();
    assert_eq!(result.code(), 0, "{what}: {} {keys:?}", result.stderr);
    assert_eq!(keys.len(), 1, "{what}: {keys:?}");
    assert_eq!(result.success(), keys[0].secret, "{what}");
    assert_eq!(records(&env.home).len(), 0, "{what}");
}

/// Runs all cases at the same time.
pub(super) fn each<T: Send>(cases: impl IntoIterator<Item = T>, play: impl Fn(T) + Sync) {
    let play = &play;
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || play(case));
        }
    });
}

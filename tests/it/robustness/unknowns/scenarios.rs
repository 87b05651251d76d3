//! The client handles every open question of the API contract correctly, with every response that the sandbox can give.
//!
//! The run must deliver the key, or exit with a code that names the cause, print nothing to stdout, and leave no key behind.

use std::collections::BTreeSet;

use swp_keys::sandbox::{Settings, UNKNOWNS};

use crate::support::{RunResult, TestEnv};

/// Runs the scenario with every choice for this question.
pub(super) fn walk(name: &str, scenario: fn(&str, Settings)) {
    let unknown = (UNKNOWNS.iter())
        .find(|unknown| unknown.name == name)
        .unwrap_or_else(|| panic!("there is no unknown `{name}`"));
    for choice in unknown.choices {
        let mut settings = Settings::default();
        let set = settings.unknowns.set(name, choice);
        set.unwrap_or_else(|reason| panic!("{reason}"));
        scenario(choice, settings);
    }
}

/// Defines one test for each question, and the list of the questions.
macro_rules! walks {
    ($($test:ident: $name:literal => $scenario:expr;)+) => {
        pub(super) const NAMES: &[&str] = &[$($name),+];

        $(#[test]
        fn $test() {
            $crate::robustness::unknowns::scenarios::walk($name, $scenario);
        })+
    };
}
pub(super) use walks;

#[test]
fn every_question_has_a_test() {
    let walked: BTreeSet<_> = [super::sign_in::NAMES, super::objects::NAMES]
        .concat()
        .into_iter()
        .collect();
    let all: BTreeSet<_> = UNKNOWNS.iter().map(|unknown| unknown.name).collect();
    assert_eq!(walked, all);
}

/// Fails the test because the scenario has no expectation for this choice.
#[track_caller]
pub(super) fn unexpected_choice(choice: &str) -> ! {
    panic!("nothing is said of the choice `{choice}`")
}

/// Asserts that this run creates one key with the role Auditor and delivers its secret.
#[track_caller]
pub(super) fn creates<'a>(
    env: &TestEnv,
    arguments: impl IntoIterator<Item = &'a str>,
) -> RunResult {
    let before = env.sandbox.api_keys().len();
    let result = env.run(["create"].into_iter().chain(arguments));
    let keys = env.sandbox.api_keys();
    assert_eq!(keys.len(), before + 1, "{}", result.stderr);
    let key = keys.last().expect("a key");
    assert_eq!(result.success(), key.secret);
    assert_eq!(key.role_id, 2);
    result
}

/// Asserts that this run exits with this code, prints nothing to stdout, and leaves no key behind.
#[track_caller]
pub(super) fn fails<'a>(
    env: &TestEnv,
    arguments: impl IntoIterator<Item = &'a str>,
    code: i32,
) -> String {
    let keys = || env.sandbox.api_keys().iter().map(|key| key.id).collect();
    let before: Vec<i64> = keys();
    let result = env.run(arguments);
    let stderr = result.failure(code).to_owned();
    let after: Vec<i64> = keys();
    assert_eq!(after, before, "no key is left behind");
    stderr
}

pub(super) const CREATE: [&str; 3] = ["create", "--role", "Auditor"];
pub(super) const ROLE: [&str; 2] = ["--role", "Auditor"];

//! Every open question of the manager's contract, with every answer that the sandbox can play: the client comes out right each time.
//!
//! "Right" is a delivered key, or an exit code that names the cause, an empty stdout, and no key left behind.

use std::collections::BTreeSet;

use swp_keys::sandbox::{Settings, UNKNOWNS};

use crate::support::{RunResult, TestEnv};

/// Plays every choice of this question.
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

/// One test for each question, and the list of them.
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
fn no_question_is_left_out() {
    let walked: BTreeSet<_> = [super::sign_in::NAMES, super::objects::NAMES]
        .concat()
        .into_iter()
        .collect();
    let all: BTreeSet<_> = UNKNOWNS.iter().map(|unknown| unknown.name).collect();
    assert_eq!(walked, all);
}

/// A scenario does not know this choice: then what is right there has to be found out first.
#[track_caller]
pub(super) fn unheard_of(choice: &str) -> ! {
    panic!("nothing is said of the choice `{choice}`")
}

/// This run makes one key, of the role Auditor, and delivers its secret.
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

/// This run ends with this code and an empty stdout, and leaves no key behind.
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

//! Reset requests whose connection was lost: the manager may process them late, which would revoke a secret that was created after them.

use std::time::{Duration, Instant};

use swp_keys::sandbox::{Action, Fault};

use crate::support::files::record_count;
use crate::support::requests::count;
use crate::support::snapshot::snapshot;
use crate::support::{RunResult, TestEnv, wait_until};

const RESET: &str = "/api/apikeys/1/secretkey";
const NAMED: [&str; 5] = ["create", "--role", "Auditor", "--name", "ci"];
pub(super) const REKEY: [&str; 7] = [
    "create",
    "--role",
    "Auditor",
    "--name",
    "ci",
    "--if-exists",
    "rekey",
];
const IN_PLACE: [&str; 3] = ["rotate-key", "ci", "--in-place"];

fn reset(action: Action) -> Fault {
    Fault::new("POST", RESET, action)
}

fn late(milliseconds: u64) -> Action {
    Action::Late(Duration::from_millis(milliseconds))
}

/// Returns a manager on which the command needs a reset: the key exists, or the response to its create is lost.
fn env_that_needs_a_reset(exists: bool) -> TestEnv {
    let env = TestEnv::new();
    if exists {
        env.sandbox.add_key("ci", 2);
    } else {
        let lost = Fault::new("POST", "/api/apikeys", Action::Drop);
        env.sandbox.inject(lost.after());
    }
    env
}

fn resets(env: &TestEnv) -> usize {
    count(&env.sandbox, &format!("POST {RESET}"))
}

/// Asserts that the delivered secret still works after the late request was processed.
#[track_caller]
fn works(env: &TestEnv, result: &RunResult, settled: Instant) {
    wait_until("what was late", || Instant::now() > settled);
    assert_eq!(
        result.success(),
        env.sandbox.api_keys()[0].secret,
        "{}",
        result.stderr
    );
    assert_eq!(record_count(&env.home), 0);
}

#[test]
fn a_lost_reset_is_waited_for_before_the_next() {
    for (words, exists) in [
        (&IN_PLACE[..], true),
        (&REKEY, true),
        (&NAMED, false),
        (&["create", "--role", "Auditor"], false),
    ] {
        let env = env_that_needs_a_reset(exists);
        env.sandbox.inject(reset(late(700)));
        let settled = Instant::now() + Duration::from_secs(2);
        let result = env.run(words.iter().chain(&["--settle-timeout", "2s"]));
        works(&env, &result, settled);
        assert_eq!(resets(&env), 2, "{words:?}");
    }
}

/// The manager processes the lost request after the wait, and before its response to the next request.
#[test]
fn a_secret_that_a_late_reset_revoked_is_replaced() {
    for exists in [true, false] {
        let env = env_that_needs_a_reset(exists);
        let words = if exists { &IN_PLACE[..] } else { &NAMED };
        env.sandbox.inject(reset(late(1500)));
        env.sandbox.inject(
            reset(Action::Delay(Duration::from_millis(2500)))
                .after()
                .nth(2),
        );
        let settled = Instant::now() + Duration::from_millis(2500);
        let result = env.run(words.iter().chain(&["--settle-timeout", "300ms"]));
        works(&env, &result, settled);
        assert_eq!(resets(&env), 3);
    }
}

/// The manager rejects every new secret. Each is tried once, and the number of attempts is limited.
#[test]
fn the_number_of_resets_is_limited() {
    for (words, code, left) in [(&IN_PLACE[..], 11, 1), (&NAMED, 10, 0)] {
        let env = env_that_needs_a_reset(code == 11);
        env.sandbox.inject(reset(Action::Drop));
        let refused = Action::status(401, "Invalid API Key");
        env.sandbox
            .inject(Fault::new("GET", "/api/apikeys/current", refused).times(99));
        let result = env.run(words.iter().chain(&["--settle-timeout", "300ms"]));
        snapshot(result.failure(code));
        assert_eq!(record_count(&env.home), left);
        assert_eq!(resets(&env), 4);
    }
}

/// The manager may process the request of the killed run late.
#[test]
#[cfg(unix)]
fn recovery_waits_for_the_reset_of_the_killed_run() {
    use crate::support::running::Running;
    let env = TestEnv::new();
    env.sandbox.add_key("ci", 2);
    env.sandbox.inject(reset(late(1500)));
    let settled = Instant::now() + Duration::from_millis(1500);
    let words = IN_PLACE.iter().chain(&["--settle-timeout", "60s"]);
    let running = Running::start(&mut env.home.command(words));
    env.wait_for(&format!("POST {RESET}"));
    drop(running);
    let result = env.run(["recover", "--yes", "--settle-timeout", "3s"]);
    works(&env, &result, settled);
}

/// A late request may have revoked the secret, and the response to the check does not prove that it still works.
#[test]
fn an_unverified_secret_is_not_delivered() {
    for (words, code, left) in [(&IN_PLACE[..], 11, 1), (&NAMED, 10, 0)] {
        for status in [429, 500, 503] {
            let env = env_that_needs_a_reset(code == 11);
            env.sandbox.inject(reset(Action::Drop));
            let busy = Action::status(status, "busy");
            env.sandbox
                .inject(Fault::new("GET", "/api/apikeys/current", busy).times(99));
            let more = ["--settle-timeout", "300ms", "--retries", "0"];
            let result = env.run(words.iter().chain(&more));
            snapshot(result.failure(code));
            assert_eq!(record_count(&env.home), left, "{words:?} {status}");
        }
    }
}

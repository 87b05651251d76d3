//! Runs on several machines that create a key of the same name at the same time: one succeeds, and the others leave nothing behind.

use swp_keys::sandbox::{Sandbox, Settings};

use crate::support::responses::inject;
use crate::support::running::{run_on_machines, secret_of_the_only_success};
use crate::support::{Home, RunResult, TestEnv};

/// The number of simultaneous runs.
const RUNS: usize = 8;

/// A manager with these faults and this response to a used name.
fn env_with_faults(duplicate_name: Option<u16>, faults: &[&str]) -> TestEnv {
    let mut settings = Settings {
        sessions_max: RUNS,
        rate_limit: None,
        ..Settings::default()
    };
    settings.unknowns.duplicate_name = duplicate_name;
    let env = TestEnv::with(settings);
    for fault in faults {
        inject(&env.sandbox, fault);
    }
    env
}

/// Asserts that one key of the name exists, that the successful run delivered its secret, and that the others left nothing behind.
#[track_caller]
fn assert_one_remains(env: &TestEnv, results: &[RunResult], what: &str) {
    let secret = secret_of_the_only_success(results, what);
    assert_eq!(secrets_of_ci(&env.sandbox), [secret], "{what}");
    assert_eq!(records(&env.home), 0, "{what}: {results:?}");
    assert_eq!(env.sandbox.live_sessions(), 0, "{what}");
}

fn secrets_of_ci(sandbox: &Sandbox) -> Vec<String> {
    let keys = sandbox.api_keys();
    (keys.into_iter())
        .filter(|key| key.name.as_deref() == Some("ci"))
        .map(|key| key.secret)
        .collect()
}

fn records(home: &Home) -> usize {
    (0..RUNS)
        .flat_map(|machine| {
            std::fs::read_dir(home.path(&format!("state-{machine}/unfinished"))).into_iter()
        })
        .flatten()
        .count()
}

#[test]
fn of_concurrent_runs_one_succeeds_and_one_key_remains() {
    let delay = "POST /api/apikeys/search delay=300ms after times=8";
    let create_late = "POST /api/apikeys delay=300ms before nth=1 times=3";
    let answer_late = "POST /api/apikeys delay=300ms after nth=1 times=5";
    let fault_sets = [
        &[][..],
        &[delay],
        &[delay, create_late],
        &[delay, answer_late],
    ];
    // Status 500 is omitted for unmarked keys: the manager may have created the key, nothing proves whose it is, and the run exits with 11.
    let unmarked = [None, Some(409)].map(|status| (status, fault_sets[1], &["--no-mark"][..]));
    let marked = [None, Some(400), Some(403), Some(409), Some(500)]
        .into_iter()
        .flat_map(|status| fault_sets.map(|faults| (status, faults, &[][..])));
    std::thread::scope(|scope| {
        for (duplicate_name, faults, more) in marked.chain(unmarked) {
            scope.spawn(move || {
                let env = env_with_faults(duplicate_name, faults);
                let arguments = [
                    "create",
                    "--role-id",
                    "2",
                    "--name",
                    "ci",
                    "--settle-timeout",
                ];
                let arguments: Vec<_> = (arguments.iter().chain(&["2s"]).chain(more))
                    .copied()
                    .collect();
                let results = run_on_machines(&env.home, RUNS, &arguments);
                assert_one_remains(
                    &env,
                    &results,
                    &format!("{duplicate_name:?} {faults:?} {more:?}"),
                );
            });
        }
    });
}

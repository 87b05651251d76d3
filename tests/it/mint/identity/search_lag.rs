//! Searches that show a key some time after its creation.

use crate::support::running::{run_on_machines, secret_of_the_only_success};
use crate::support::{TestEnv, answering_unknowns};

const RUNS: usize = 8;

#[test]
fn of_concurrent_runs_one_key_remains() {
    for lag in ["200ms", "1s"] {
        let mut settings =
            answering_unknowns(&[("search-lag", lag), ("duplicate-name", "accepted")]);
        settings.sessions_max = RUNS;
        let env = TestEnv::with(settings);
        let create = ["create", "--role-id", "2", "--name", "ci"];
        let create = [&create[..], &["--settle-timeout", "20s"]].concat();
        let result = run_on_machines(&env.home, RUNS, &create);
        let keys = env.sandbox.api_keys();
        assert_eq!(keys.len(), 1, "{lag}: {result:?}");
        let secret = secret_of_the_only_success(&result, lag);
        assert_eq!(secret, keys[0].secret);
    }
}

/// With `--if-exists skip`, a run does not need to know how many runs tried to create the key.
#[test]
fn concurrent_runs_with_skip_all_succeed_with_one_key() {
    const MANY: usize = 16;
    for (duplicates, lag) in [("accepted", "none"), ("accepted", "200ms"), ("409", "none")] {
        let mut settings =
            answering_unknowns(&[("search-lag", lag), ("duplicate-name", duplicates)]);
        settings.sessions_max = MANY;
        settings.rate_limit = None;
        let env = TestEnv::with(settings);
        let create = ["create", "--role-id", "2", "--name", "ci"];
        let skip = ["--if-exists", "skip", "--settle-timeout", "20s"];
        let result = run_on_machines(&env.home, MANY, &[&create[..], &skip].concat());
        let stderr: Vec<_> = result
            .iter()
            .map(|result| (result.code(), &result.stderr))
            .collect();
        assert!(result.iter().all(|result| result.code() == 0), "{stderr:?}");
        let keys = env.sandbox.api_keys();
        assert_eq!(keys.len(), 1, "{stderr:?}");
        let secrets: Vec<_> = result
            .iter()
            .filter(|result| !result.stdout.is_empty())
            .collect();
        assert_eq!(secrets.len(), 1, "{stderr:?}");
        assert_eq!(secrets[0].success(), keys[0].secret);
    }
}

#[test]
fn a_search_that_never_shows_the_key_does_not_stop_the_run() {
    let env = TestEnv::with(answering_unknowns(&[("search-lag", "1s")]));
    let result = env.run(["create", "--role-id", "2", "--name", "ci"]);
    assert_eq!(result.success(), env.sandbox.api_keys()[0].secret);
    assert!(result.stderr.contains("warning"), "{}", result.stderr);
}

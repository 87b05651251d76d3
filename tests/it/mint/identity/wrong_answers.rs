//! Responses that an intermediary exchanges.

use super::fixtures::records;
use crate::support::held_manager::HeldManager;
use crate::support::requests::SEARCH_KEYS;
use crate::support::responses::inject;
use crate::support::running::run_at_once;
use crate::support::{Home, RunResult, TestEnv, answering_unknowns, contains};

/// Starts one run for each home at the same time.
fn at_once(homes: &[Home], arguments: [Vec<&str>; 2]) -> Vec<RunResult> {
    run_at_once(
        homes
            .iter()
            .zip(&arguments)
            .map(|(home, arguments)| home.command(arguments)),
    )
}

/// Returns another machine: a home with the same manager and credentials.
fn machine(env: &TestEnv) -> Home {
    let mut home = Home::new();
    home.set("SWP_URL", env.sandbox.url());
    home.set("SWP_CA_CERT", env.home.path("manager.pem"));
    home.set("SWP_USERNAME", "admin");
    home.set("SWP_PASSWORD_FILE", env.home.path("password"));
    home
}

#[test]
fn a_response_with_a_different_marker_is_not_delivered_and_nothing_is_deleted() {
    let create = ["create", "--role-id", "2"];
    for more in [
        [vec![], vec![]],
        [vec!["--verify"], vec!["--verify"]],
        [vec!["--name", "one"], vec!["--name", "other"]],
    ] {
        let env = TestEnv::new();
        let homes = [machine(&env), machine(&env)];
        inject(&env.sandbox, "POST /api/apikeys swap times=2");
        let arguments = more.clone().map(|more| [&create[..], &more].concat());
        let results = at_once(&homes, arguments);
        for (result, home) in results.iter().zip(&homes) {
            contains(result.failure(11), &["swp-keys recover"]);
            assert_eq!(records(home).len(), 1, "{more:?}");
        }
        assert_eq!(env.sandbox.api_keys().len(), 2, "{more:?}");
        assert_eq!(env.count("POST /api/apikeys/1/secretkey"), 0);
        for (home, result) in homes.iter().zip(&results) {
            let recovered = home.run(["recover", "--yes"]);
            assert_eq!(records(home).len(), 0, "{}", result.stderr);
            let keys = env.sandbox.api_keys();
            assert!(
                keys.iter().any(|key| key.secret == recovered.success()),
                "{more:?}"
            );
        }
        let keys = env.sandbox.api_keys();
        assert_eq!(keys.len(), 2, "each has its own");
    }
}

/// One of the two runs sets no marker. The other run therefore records the ID of that key.
#[test]
fn recovery_finds_the_key_with_the_marker() {
    let env = TestEnv::with(answering_unknowns(&[("duplicate-name", "accepted")]));
    let homes = [machine(&env), machine(&env)];
    let delay = "POST /api/apikeys/search delay=300ms after times=2";
    inject(&env.sandbox, delay);
    inject(&env.sandbox, "POST /api/apikeys swap times=2");
    let create = ["create", "--role-id", "2", "--name", "ci"];
    let results = at_once(
        &homes,
        [create.to_vec(), [&create[..], &["--no-mark"]].concat()],
    );
    for result in &results {
        result.failure(11);
    }
    let (marked, unmarked): (Vec<_>, Vec<_>) =
        (env.sandbox.api_keys().into_iter()).partition(|key| key.description.is_some());
    assert_eq!((marked.len(), unmarked.len()), (1, 1));
    homes[0].run(["recover", "--yes", "--delete"]).success();
    assert_eq!(env.sandbox.api_keys(), unmarked);
    assert_eq!(records(&homes[0]).len(), 0);
}

/// The response describes the key of a program that chose the same name and sets no marker.
#[test]
fn a_response_with_the_same_name_and_a_different_description_is_not_delivered() {
    for description in [&["--description", "ours"][..], &[]] {
        let env = TestEnv::new();
        let body = serde_json::json!({
            "ID": 1, "keyName": "ci", "roleID": 2, "description": "run of others", "secretKey": "1:c2VjcmV0"
        });
        let answer = crate::support::responses::success(&body);
        (env.sandbox).inject(swp_keys::sandbox::Fault::new(
            "POST",
            "/api/apikeys",
            answer,
        ));
        let create = ["create", "--role-id", "2", "--name", "ci"];
        let result = env.run([&create[..], description].concat());
        contains(result.failure(11), &["ID 1", "swp-keys recover"]);
        assert_eq!(result.stdout, "");
        assert_eq!(records(&env.home).len(), 1);
    }
}

/// An intermediary returns the key of a program that sets no marker, and the manager does not store descriptions.
#[test]
fn a_response_without_a_description_is_compared_with_the_key() {
    for (name, code) in [(None, 11), (Some("ci of ours"), 0)] {
        let env = TestEnv::with(answering_unknowns(&[("answer-fields", "sparse")]));
        let other = env.sandbox.add_key("other", 2);
        let (id, returned_name) = match name {
            // A manager may alter any name.
            Some(name) => (2, name),
            None => (other.id, "other"),
        };
        let body =
            serde_json::json!({"ID": id, "keyName": returned_name, "secretKey": "1:c2VjcmV0"});
        let answer = crate::support::responses::success(&body);
        let fault = swp_keys::sandbox::Fault::new("POST", "/api/apikeys", answer).after();
        env.sandbox.inject(fault);
        let result = env.run(["create", "--role", "Auditor"]);
        assert_eq!(result.code(), code, "{}", result.stderr);
        assert_eq!(env.sandbox.api_keys().len(), 2, "nothing is deleted");
        assert_eq!(records(&env.home).len(), usize::from(code == 11));
    }
}

/// The response describes a key with the same name that another program created without a marker, and omits the description. The search result shows
/// that the key has no marker, so the run neither delivers nor deletes it.
#[test]
fn a_response_about_an_unmarked_key_with_the_same_name_is_not_delivered() {
    let settings = answering_unknowns(&[("duplicate-name", "accepted")]);
    let held = HeldManager::with(settings, SEARCH_KEYS);
    let body = serde_json::json!({"ID": 1, "keyName": "ci", "secretKey": "1:c2VjcmV0"});
    let answer = crate::support::responses::success(&body);
    let exchanged = swp_keys::sandbox::Fault::new("POST", "/api/apikeys", answer).after();
    held.sandbox.inject(exchanged);
    let running = held.start(["create", "--role-id", "2", "--name", "ci"]);
    held.wait_until_held();
    let other = held.sandbox.add_key("ci", 2);
    held.release();
    let result = running.finish();
    contains(result.failure(11), &["ID 1", "ID 2", "swp-keys recover"]);
    let keys = held.sandbox.api_keys();
    assert_eq!(keys.len(), 2, "nothing is deleted");
    assert!(keys.contains(&other), "nothing is changed");
    assert_eq!(records(&held.home).len(), 1);
}

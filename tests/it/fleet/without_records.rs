//! `apply` on a machine that cannot store records: an interrupted run names each key that may exist.

use std::time::{Duration, Instant};

use swp_keys::sandbox::{Action, Fault};

use super::apply::key;
use super::plan::fleet;
use crate::support::running::Running;
use crate::support::{TestEnv, contains, wait_until};

/// An environment whose state folder cannot be created, because a file has its name.
fn without_state_folder() -> TestEnv {
    let mut env = TestEnv::new();
    env.home.write("no-folder", "");
    env.home.set("SWP_STATE_DIR", env.home.path("no-folder"));
    env.home
        .write("keys.toml", &fleet("\"a key\" = { out-file = \"a.key\" }"));
    env
}

/// Interrupts a run while the response to a request is missing. The manager has executed the request.
fn interrupted_at(env: &TestEnv, path: &str, nth: u32) -> (i32, String) {
    let lost = Action::Delay(Duration::from_secs(300));
    let fault = Fault::new("POST", path, lost).after();
    env.sandbox.inject(Fault {
        nth,
        times: 99,
        ..fault
    });
    let run = Running::start(&mut env.home.command(["apply", "-f", "keys.toml"]));
    let request = format!("POST {path}");
    wait_until("the request is executed", || {
        env.count(&request) >= nth as usize
    });
    wait_until("the key exists", || env.sandbox.api_keys().len() == 1);
    let begun = Instant::now();
    run.kill(rustix::process::Signal::TERM);
    let result = run.finish();
    assert!(begun.elapsed() < Duration::from_secs(7));
    assert_eq!(env.sandbox.live_sessions(), 0);
    env.sandbox.clear_faults();
    (
        result.code(),
        result
            .stdout
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
    )
}

#[test]
fn a_key_that_may_exist_is_named_with_a_next_step_that_works() {
    let env = without_state_folder();
    let (code, stdout) = interrupted_at(&env, "/api/apikeys", 1);
    assert_eq!(code, 11, "{stdout}");
    contains(
        &stdout,
        &["the work on the key `a key`", "may have been created"],
    );
    contains(
        &stdout,
        &[
            "`swp-keys list-keys --name 'a key'`",
            "run `swp-keys apply` with the same",
        ],
    );
    let created = key(&env, "a key");
    let listed = env.run(["list-keys", "--name", "a key", "-o", "json"]);
    contains(listed.success(), &[&format!("\"ID\": {}", created.id)]);
    // The next run does not create the key twice. It reports that the secret is missing.
    let again = env.run(["apply", "-f", "keys.toml"]);
    assert_eq!(again.code(), 12, "{again:?}");
    contains(&again.stdout, &["the secret is missing"]);
    assert_eq!(key(&env, "a key"), created);
}

#[test]
fn a_key_whose_secret_may_not_be_delivered_is_named_with_its_id() {
    let env = without_state_folder();
    // The run uses the new secret before it is delivered.
    let manifest = fleet("\"a key\" = { out-file = \"a.key\" }");
    env.home.write("keys.toml", &manifest);
    let lost = Action::Delay(Duration::from_secs(300));
    for (method, path) in [
        ("GET", "/api/apikeys/current"),
        ("POST", "/api/policies/search"),
    ] {
        env.sandbox
            .inject(Fault::new(method, path, lost.clone()).times(99));
    }
    let run = Running::start(&mut env.home.command(["apply", "-f", "keys.toml", "--verify"]));
    let uses = ["GET /api/apikeys/current", "POST /api/policies/search"];
    wait_until("the secret is used", || {
        uses.iter().any(|request| env.count(request) > 0)
    });
    run.kill(rustix::process::Signal::TERM);
    let result = run.finish();
    assert_eq!(result.code(), 11, "{result:?}");
    let stdout = result
        .stdout
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let id = format!("(ID {})", key(&env, "a key").id);
    contains(
        &stdout,
        &["the key exists", &id, "`swp-keys list-keys --name 'a key'`"],
    );
}

//! `apply` after a change by hand, and on a machine that has lost its state folder.

use std::time::Duration;

use serde_json::json;
use swp_keys::sandbox::{Action, Fault};

use super::apply::{apply, is_as_declared, key, secret};
use super::plan::fleet;
use crate::support::requests::CREATE;
use crate::support::running::Running;
use crate::support::{TestEnv, contains};

#[test]
fn a_change_by_hand_is_planned_and_reversed() {
    let env = TestEnv::new();
    let role = json!({"name": "SIEM Reader", "allowWebService": true});
    env.sandbox.add_role(&role).expect("a role");
    let text = fleet("siem = { role = \"SIEM Reader\" }");
    apply(&env, &text, &[]).success();
    let before = key(&env, "siem");
    env.run(["update-key", "siem", "--role", "Auditor"])
        .success();
    let plan = env.run(["plan", "-f", "keys.toml", "--exit-code"]);
    assert_eq!(plan.code(), 13, "{plan:?}");
    contains(
        &plan.stdout,
        &["~ siem", "change: role ID 2 -> ID 3 (SIEM Reader)"],
    );
    apply(&env, &text, &[]).success();
    let now = key(&env, "siem");
    assert_eq!((now.role_id, now.secret), (before.role_id, before.secret));
    is_as_declared(&env);
}

/// The secret of a key is lost with the machine, and the manifest does not allow another one.
#[test]
fn a_lost_secret_is_reported_on_another_machine() {
    let env = TestEnv::new();
    let text = fleet("a = {}\nb = {}");
    apply(&env, &fleet("b = {}"), &[]).success();
    env.home.write("keys.toml", &text);
    let lost = Action::Delay(Duration::from_secs(300));
    let fault = Fault::new("POST", "/api/apikeys", lost);
    env.sandbox.inject(fault.after());
    let created = env.count(CREATE);
    let run = Running::start(&mut env.home.command(["apply", "-f", "keys.toml"]));
    crate::support::wait_until("the key exists", || env.sandbox.api_keys().len() == 2);
    run.kill(rustix::process::Signal::KILL);
    run.finish();
    env.sandbox.clear_faults();
    std::fs::remove_dir_all(env.home.path("state")).expect("the state folder");
    env.sandbox.advance_clock(Duration::from_secs(16 * 60));
    let before = env.sandbox.api_keys();
    let result = env.run(["apply", "-f", "keys.toml", "--yes"]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(
        &result.stdout,
        &[
            "! a",
            "the secret is missing: a.key",
            "1 key is as declared",
        ],
    );
    assert_eq!(env.sandbox.api_keys(), before);
    assert_eq!(env.count(CREATE), created + 1);
    let allowed = fleet("a = { on-missing = \"rekey\" }\nb = {}");
    env.home.write("keys.toml", &allowed);
    env.run(["apply", "-f", "keys.toml", "--yes"]).success();
    assert_eq!(secret(&env, "a.key"), key(&env, "a").secret);
    assert_eq!(secret(&env, "b.key"), key(&env, "b").secret);
    is_as_declared(&env);
}

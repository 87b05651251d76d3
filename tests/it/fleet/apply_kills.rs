//! `apply` is killed at each request, and then repeated. No key is lost, created twice or left without a working secret.

use std::time::Duration;

use swp_keys::sandbox::{Action, ApiKey, Fault, When};

use super::apply::secret;
use super::plan::add;
use crate::support::running::Running;
use crate::support::{RunResult, TestEnv};

const DAY: i64 = 86_400_000;

pub(super) const APPLY: [&str; 6] = [
    "apply",
    "-f",
    "keys.toml",
    "--prune",
    "--prune-used",
    "--yes",
];

/// Five new keys, two rotations and a key that is not declared.
const MANIFEST: &str = "fleet = \"ops\"\n\
    [defaults]\nrole = \"Auditor\"\nexpires = \"90d\"\nrotate = \"60d\"\non-missing = \"rekey\"\nout-file = \"{name}.key\"\n\
    [keys]\na = {}\nb = { locked = true }\nc = { out-file = \"full.key\" }\nold1 = {}\nold2 = {}\n\
    [keys.d]\nout-file = [\"d.key\", \"d2.key\"]\n\
    [keys.e]\ndeliver-cmd = \"sh -c 'cat > e.key'\"\n";

/// The declared keys with their files.
const DESTINATIONS: [(&str, &str); 8] = [
    ("a", "a.key"),
    ("b", "b.key"),
    ("c", "full.key"),
    ("d", "d.key"),
    ("d", "d2.key"),
    ("e", "e.key"),
    ("old1", "old1.key"),
    ("old2", "old2.key"),
];

pub(super) fn mixed() -> TestEnv {
    let env = TestEnv::new();
    env.home.write("keys.toml", MANIFEST);
    for name in ["old1", "old2"] {
        let id = add(&env, name, |key| {
            key.created -= 61 * DAY;
            key.expiry_date = Some(key.created + 90 * DAY);
        });
        let keys = env.sandbox.api_keys();
        let old = keys.iter().find(|key| key.id == id).expect("the key");
        env.home.write_secret(&format!("{name}.key"), &old.secret);
    }
    env.home.write_secret("full.key", "T:other\n");
    for name in ["left", "over1", "over2", "over3"] {
        if name == "left" {
            add(&env, name, |_| {});
        } else {
            env.sandbox.add_key(name, 2);
        }
    }
    env
}

/// Checks that the keys are those that the manifest declares, and that each destination has the secret of its key.
#[track_caller]
pub(super) fn check(env: &TestEnv, case: &str) {
    let plan = env.run(["plan", "-f", "keys.toml", "--exit-code"]);
    assert_eq!(plan.code(), 0, "{case}: {plan:?}");
    let keys = env.sandbox.api_keys();
    let live = |name: &str| -> ApiKey {
        let found: Vec<&ApiKey> = keys
            .iter()
            .filter(|key| key.name.as_deref() == Some(name))
            .collect();
        assert_eq!(found.len(), 1, "{case}: {name}: {keys:?}");
        found[0].clone()
    };
    for (name, file) in DESTINATIONS {
        assert_eq!(secret(env, file), live(name).secret, "{case}: {file}");
    }
    assert!(!live("b").active, "{case}");
    let retiring = keys.iter().filter(|key| {
        let name = key.name.as_deref().unwrap_or_default();
        name.contains("(retiring")
            && key
                .expiry_date
                .is_some_and(|end| end < env.sandbox.now() + 2 * DAY)
    });
    assert_eq!(retiring.count(), 2, "{case}: {keys:?}");
    // Seven declared keys, two retiring keys and three keys that do not belong to the fleet.
    assert_eq!(keys.len(), 12, "{case}: {keys:?}");
    let unfinished = env.run(["recover", "--list"]);
    assert_eq!(unfinished.success(), "", "{case}");
}

/// Kills a run at the request with this number. Returns false if the run sent fewer requests.
fn killed_at(env: &TestEnv, number: u32, when: When) -> bool {
    env.sandbox.inject(Fault {
        method: None,
        path: "*".to_owned(),
        nth: number,
        times: u32::MAX,
        when,
        action: Action::Delay(Duration::from_secs(300)),
    });
    let arrived = env.sandbox.requests().len() + number as usize;
    let mut running = Running::start(&mut env.home.command(APPLY));
    let is_held = loop {
        if env.sandbox.requests().len() >= arrived {
            break true;
        }
        if running.has_ended() {
            break false;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    env.sandbox.clear_faults();
    if is_held {
        running.kill(rustix::process::Signal::KILL);
    }
    let result: RunResult = running.finish();
    assert_eq!(result.code() == 0, !is_held, "{result:?}");
    is_held
}

/// Whether the second run has the state folder of the first run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StateFolder {
    Kept,
    Lost,
}

fn kill_at_every_request(when: When, state: StateFolder) {
    let mut number = 1;
    loop {
        let env = mixed();
        let was_killed = killed_at(&env, number, when);
        let case = format!("killed at request {number}: {when:?}");
        if state == StateFolder::Lost {
            let _ = std::fs::remove_dir_all(env.home.path("state"));
            // The run that created a key marked as `pending` is over by then.
            env.sandbox.advance_clock(Duration::from_secs(16 * 60));
        }
        let again = env.run(APPLY);
        assert_eq!(again.code(), 0, "{case}: {again:?}");
        check(&env, &case);
        if !was_killed {
            assert!(number > 20, "{number}");
            return;
        }
        number += 1;
    }
}

#[test]
fn before_the_manager_executes_the_request() {
    kill_at_every_request(When::Before, StateFolder::Kept);
}

#[test]
fn after_the_manager_has_executed_the_request() {
    kill_at_every_request(When::After, StateFolder::Kept);
}

#[test]
fn before_the_manager_executes_the_request_on_a_machine_that_is_lost() {
    kill_at_every_request(When::Before, StateFolder::Lost);
}

#[test]
fn after_the_manager_has_executed_the_request_on_a_machine_that_is_lost() {
    kill_at_every_request(When::After, StateFolder::Lost);
}

/// The content of each file of a declared key.
fn delivered(env: &TestEnv) -> Vec<(&'static str, String)> {
    let content = |file: &str| std::fs::read_to_string(env.home.path(file)).unwrap_or_default();
    let files = DESTINATIONS.map(|(name, file)| (name, content(file).trim_end().to_owned()));
    files.to_vec()
}

/// The machine of the killed run is lost, and the manifest does not allow a second secret.
fn report_after_each_kill(when: When) {
    let mut number = 1;
    loop {
        let env = mixed();
        env.home
            .write("keys.toml", &MANIFEST.replace("rekey", "report"));
        let was_killed = killed_at(&env, number, when);
        let case = format!("killed at request {number}: {when:?}");
        let _ = std::fs::remove_dir_all(env.home.path("state"));
        env.sandbox.advance_clock(Duration::from_secs(16 * 60));
        let (keys, shown) = (env.sandbox.api_keys(), delivered(&env));
        let again = env.run(APPLY);
        assert!([0, 12].contains(&again.code()), "{case}: {again:?}");
        // A secret that a file shows is not replaced. The destinations of `c` and `e` cannot show it: the file of `c` had another content, and `e` is
        // delivered to a command.
        let now = env.sandbox.api_keys();
        for (name, secret) in shown.iter().filter(|(name, _)| !["c", "e"].contains(name)) {
            let key = keys.iter().find(|key| key.secret == *secret);
            let has_changed = |key: &ApiKey| {
                !now.iter()
                    .any(|now| (now.id, &now.secret) == (key.id, secret))
            };
            assert!(!key.is_some_and(has_changed), "{case}: {name}: {again:?}");
        }
        // Each declared key has its secret in all its files, or its empty file is reported.
        let is_reported = again.stdout.contains("the secret is missing");
        for ((name, file), (_, secret)) in DESTINATIONS.iter().zip(delivered(&env)) {
            let mut named = now.iter().filter(|key| key.name.as_deref() == Some(name));
            let works = named.any(|key| key.secret == secret);
            let problem = format!("the secret is missing: {file}");
            assert!(
                works || again.stdout.contains(&problem),
                "{case}: {file}: {again:?}"
            );
        }
        assert_eq!(again.code() == 12, is_reported, "{case}: {again:?}");
        env.home.write("keys.toml", MANIFEST);
        let last = env.run(APPLY);
        assert_eq!(last.code(), 0, "{case}: {last:?}");
        check(&env, &case);
        if !was_killed {
            return;
        }
        number += 1;
    }
}

#[test]
fn a_lost_secret_is_only_reported_before_the_manager_executes_the_request() {
    report_after_each_kill(When::Before);
}

#[test]
fn a_lost_secret_is_only_reported_after_the_manager_has_executed_the_request() {
    report_after_each_kill(When::After);
}

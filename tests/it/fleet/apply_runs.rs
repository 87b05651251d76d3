//! `apply`: confirmation, the number of the plan, the lock, deletions and signals.

use std::time::{Duration, Instant};

use swp_keys::sandbox::{Action, Fault, Request, UNKNOWNS};

use super::apply::{apply, is_as_declared, is_unconfirmed, key, many, secret};
use super::plan::{add, add_used, fleet, with_keys};
use crate::support::pty::Pty;
use crate::support::requests::CREATE;
use crate::support::running::Running;
use crate::support::wording::{DELIVERING, UNDOING};
use crate::support::{TestEnv, answering_unknowns, contains, wait_until};

const DAY: i64 = 86_400_000;

#[test]
fn only_the_plan_with_the_number_is_applied() {
    let env = TestEnv::new();
    let text = fleet("a = {}");
    let other = apply(&env, &text, &["--plan", "0123456789abcdef"]);
    let (plan, message) = other.check_failed();
    contains(plan, &["+ a", ": 1 create"]);
    contains(message, &["nothing was changed", "--plan "]);
    assert_eq!(env.sandbox.api_keys(), []);
    let number = plan
        .rsplit_once("plan ")
        .and_then(|(_, rest)| rest.split(':').next());
    let number = ["--plan", number.expect("a number")];
    apply(&env, &text, &number).success();
    key(&env, "a");
    // The same command again: a CI system repeats a job.
    let again = apply(&env, &text, &number);
    let (_, message) = again.check_failed();
    contains(message, &["nothing to do"]);
    assert!(!message.contains("hint: "), "{message}");
}

#[test]
fn a_plan_is_confirmed_on_a_terminal() {
    for (answer, code) in [("n", "code 2"), ("y", "code 0")] {
        let env = TestEnv::new();
        env.home.write("keys.toml", &fleet("a = {}"));
        let script = r#""$SWP_KEYS" apply -f keys.toml; echo "code $?""#;
        let mut terminal = Pty::start(&env.home, script);
        terminal.see("+ a");
        terminal.see("Apply this plan?");
        assert_eq!(env.sandbox.api_keys(), []);
        terminal.type_line(answer);
        terminal.see(code);
        terminal.end();
        assert_eq!(env.sandbox.api_keys().len(), usize::from(answer == "y"));
    }
}

/// A long plan would otherwise hide the reason why the answer was rejected.
#[test]
fn after_a_rejected_answer_the_plan_is_not_shown_again() {
    let env = TestEnv::new();
    env.home.write("keys.toml", &fleet("a = {}"));
    let script = r#""$SWP_KEYS" apply -f keys.toml; echo "code $?""#;
    let mut terminal = Pty::start(&env.home, script);
    terminal.see("+ a");
    terminal.see("Apply this plan?");
    terminal.type_line("perhaps");
    terminal.see("Apply this plan?");
    terminal.type_line("n");
    assert_eq!(terminal.end().matches("+ a").count(), 1);
}

/// The lock is checked before a manager is contacted, so the answers of the manager make no difference.
#[test]
fn one_run_on_a_machine_changes_a_fleet() {
    let unknown = UNKNOWNS.iter().find(|one| one.name == "duplicate-name");
    for choice in unknown.expect("the question").choices {
        let env = TestEnv::with(answering_unknowns(&[("duplicate-name", choice)]));
        // The command holds the first run until the second run is over.
        let held = "sh -c 'touch started; until test -e go; do sleep 0.01; done; cat > a.key'";
        let keys = (0..49).map(|number| format!("k{number} = {{}}\n"));
        let keys = format!(
            "a = {{ deliver-cmd = \"{held}\" }}\n{}",
            keys.collect::<String>()
        );
        env.home.write("keys.toml", &fleet(&keys));
        let first = Running::start(&mut env.home.command(["apply", "-f", "keys.toml"]));
        wait_until("the delivery", || env.home.path("started").exists());
        let before = env.sandbox.requests().len();
        let second = env.run(["apply", "-f", "keys.toml"]);
        contains(second.failure(6), &["`ops`"]);
        let later = env.sandbox.requests().split_off(before);
        let is_of_second =
            |one: &Request| one.path == "/api/sessions" || one.path == "/api/roles/search";
        assert!(!later.iter().any(is_of_second), "{later:?}");
        env.home.write("go", "");
        first.finish().success();
        assert_eq!(
            (env.sandbox.api_keys().len(), env.count(CREATE)),
            (50, 50),
            "{choice}"
        );
        for key in env.sandbox.api_keys() {
            let name = key.name.as_deref().expect("a name");
            assert_eq!(secret(&env, &format!("{name}.key")), key.secret, "{choice}");
        }
    }
}

#[test]
fn undeclared_keys_are_deleted_only_if_that_is_safe() {
    let env = with_keys(&["a", "b", "c"]);
    add_used(&env);
    env.home.write_secret("a.key", &key(&env, "a").secret);
    let long_ago = |env: &TestEnv, name: &str| {
        let id = key(env, name).id;
        env.sandbox.edit_key(id, |key| key.created -= 30 * DAY);
    };
    long_ago(&env, "b");
    add(&env, "copied", |key| {
        key.description = Some("[swp-keys 12121212 ops]".into())
    });
    add(&env, "copy", |key| {
        key.description = Some("[swp-keys 12121212 ops]".into())
    });
    add(&env, "other", |key| {
        key.description = Some("[swp-keys 13131313 else]".into())
    });
    env.sandbox.add_key("unmarked", 2);
    for name in ["copied", "copy", "other", "unmarked"] {
        long_ago(&env, name);
    }
    let text = fleet("a = {}");
    let before = env.sandbox.api_keys();
    // The plan is printed, so that the user can read what `--yes` would confirm.
    let unconfirmed = apply(&env, &text, &["--prune"]);
    is_unconfirmed(&unconfirmed);
    contains(&unconfirmed.stdout, &["- b "]);
    let unconfirmed = apply(&env, &text, &["--prune", "-o", "json"]);
    contains(&unconfirmed.stdout, &["\"apiKeys\"", "\"delete\""]);
    assert_eq!(env.sandbox.api_keys(), before);
    let result = apply(&env, &text, &["--prune", "--yes"]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(
        &result.stdout,
        &["- b", "delete: done", "? c", "! copied", "! copy"],
    );
    let names: Vec<_> = env
        .sandbox
        .api_keys()
        .into_iter()
        .filter_map(|key| key.name)
        .collect();
    assert_eq!(
        names,
        ["a", "c", "used", "copied", "copy", "other", "unmarked"]
    );
}

/// A manager may omit the last use of every key. Then nothing shows that a key was never used.
#[test]
fn a_key_whose_last_use_is_unknown_is_pruned_only_if_used_keys_may_be_pruned() {
    let text = fleet("a = {}");
    let with = |is_reported: bool| {
        let env = with_keys(&["a", "b"]);
        env.home.write_secret("a.key", &key(&env, "a").secret);
        let id = key(&env, "b").id;
        env.sandbox.edit_key(id, |key| key.created -= 30 * DAY);
        if is_reported {
            add_used(&env);
        }
        env
    };
    let env = with(false);
    let result = apply(&env, &text, &["--prune", "--yes"]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stderr, &["1 key not deleted by `--prune`"]);
    contains(
        &result.stdout,
        &["? b", "last use not reported", "--prune-used"],
    );
    assert_eq!(env.sandbox.api_keys().len(), 2);
    let result = apply(&env, &text, &["--prune", "--prune-used", "--yes"]);
    contains(result.success(), &["- b", "delete: done"]);
    let env = with(true);
    let result = apply(&env, &text, &["--prune", "--yes"]);
    contains(result.success(), &["- b", "delete: done"]);
}

/// A manifest with a mistake may also lack a key by mistake.
#[test]
fn nothing_is_pruned_if_a_declared_key_has_a_problem() {
    let env = with_keys(&["a", "b", "c"]);
    add_used(&env);
    let id = key(&env, "b").id;
    env.sandbox.edit_key(id, |key| key.created -= 30 * DAY);
    let text = fleet("a = {}\nc = { role = \"No Such Role\" }");
    env.home.write_secret("a.key", &key(&env, "a").secret);
    let result = apply(&env, &text, &["--prune", "--yes"]);
    assert_eq!(result.code(), 12, "{result:?}");
    assert_eq!(env.sandbox.api_keys().len(), 4);
}

#[test]
fn an_empty_file_deletes_nothing() {
    let names: Vec<String> = (0..40).map(|number| format!("k{number}")).collect();
    let env = with_keys(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let before = env.sandbox.api_keys();
    let result = apply(
        &env,
        "fleet = \"ops\"\n",
        &["--prune", "--prune-used", "--yes"],
    );
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["--prune-at-most 40"]);
    assert_eq!(env.sandbox.api_keys(), before);
}

/// The owner takes the marker away while the plan is on the screen.
#[test]
fn a_key_that_was_released_meanwhile_is_neither_changed_locked_nor_reset() {
    for key_fields in [
        "description = \"new\"",
        "role = \"Full Access\", allow-full-access = true",
        "locked = true",
        "on-missing = \"rekey\"",
    ] {
        let env = with_keys(&["a"]);
        let id = key(&env, "a").id;
        env.home
            .write("keys.toml", &fleet(&format!("a = {{ {key_fields} }}")));
        let script = r#""$SWP_KEYS" apply -f keys.toml; echo "code $?""#;
        let mut terminal = Pty::start(&env.home, script);
        terminal.see("Apply this plan?");
        env.sandbox
            .edit_key(id, |key| key.description = Some("mine".into()));
        let before = key(&env, "a");
        terminal.type_line("y");
        terminal.see("code 12");
        terminal.end();
        assert_eq!(key(&env, "a"), before, "{key_fields}");
    }
}

#[test]
fn a_key_that_was_released_meanwhile_is_not_deleted() {
    let env = with_keys(&["a", "b", "c"]);
    let id = key(&env, "b").id;
    for name in ["a", "c"] {
        env.home
            .write_secret(&format!("{name}.key"), &key(&env, name).secret);
    }
    env.home
        .write("keys.toml", &fleet("a = { description = \"new\" }\nc = {}"));
    // The key loses its marker while the run changes another key.
    let path = format!("/api/apikeys/{}", key(&env, "a").id);
    let slow = Action::Delay(Duration::from_secs(3));
    env.sandbox.inject(Fault::new("POST", &path, slow));
    let flags = [
        "apply",
        "-f",
        "keys.toml",
        "--prune",
        "--prune-used",
        "--yes",
    ];
    let run = Running::start(&mut env.home.command(flags));
    env.wait_for(&format!("POST {path}"));
    env.sandbox.edit_key(id, |key| key.description = None);
    let result = run.finish();
    assert_eq!(result.code(), 12, "{result:?}");
    key(&env, "b");
}

#[test]
fn an_interrupted_run_delivers_what_it_has_created() {
    let env = TestEnv::new();
    env.home.write("keys.toml", &many(160));
    let slow = Action::Delay(Duration::from_millis(100));
    env.sandbox
        .inject(Fault::new("POST", "/api/apikeys", slow).times(1000));
    let run = Running::start(&mut env.home.command(["apply", "-f", "keys.toml"]));
    // The third of ten groups.
    wait_until("40 keys exist", || env.sandbox.api_keys().len() >= 40);
    let begun = Instant::now();
    run.kill(rustix::process::Signal::TERM);
    let result = run.finish();
    assert!(begun.elapsed() < Duration::from_secs(7));
    assert_eq!(result.code(), 143, "{result:?}");
    contains(&result.stderr, &["not tried", DELIVERING]);
    assert!(!result.stderr.contains(UNDOING), "{result:?}");
    let keys = env.sandbox.api_keys();
    assert!(keys.len() <= 48, "{}", keys.len());
    for key in &keys {
        let name = key.name.as_deref().expect("a name");
        assert_eq!(secret(&env, &format!("{name}.key")), key.secret);
    }
    assert_eq!(env.sandbox.live_sessions(), 0);
    assert_eq!(env.run(["recover", "--list"]).success(), "");
    env.sandbox.clear_faults();
    env.run(["apply", "-f", "keys.toml"]).success();
    is_as_declared(&env);
}

/// The manager executes a request, but its response does not arrive for a long time. A CI system would kill the run before that.
#[test]
fn an_interrupted_run_does_not_wait_for_a_lost_response() {
    let text = fleet(
        "a = {}\nb = {}\nc = {}\nd = {}\nold = { description = \"new\" }\naged = { rotate = \"60d\" }",
    );
    let lost = Action::Delay(Duration::from_secs(300));
    for (path, nth, times, code) in [
        // The second new key, the search behind the group, the change of a key, and the expiry of the old key in the rotation.
        ("/api/apikeys", 2, 99, 11),
        ("/api/apikeys/search", 2, 1, 143),
        ("/api/apikeys/1", 1, 99, 11),
        ("/api/apikeys/2", 1, 99, 11),
    ] {
        let mut env = with_keys(&["old", "aged"]);
        env.home.set("SWP_SETTLE_TIMEOUT", "30s");
        env.sandbox.edit_key(2, |key| {
            key.created -= 61 * DAY;
            key.expiry_date = Some(key.created + 90 * DAY);
        });
        for name in ["old", "aged"] {
            env.home
                .write_secret(&format!("{name}.key"), &key(&env, name).secret);
        }
        env.home.write("keys.toml", &text);
        env.sandbox.inject(Fault {
            nth,
            times,
            ..Fault::new("POST", path, lost.clone()).after()
        });
        let run = Running::start(&mut env.home.command(["apply", "-f", "keys.toml"]));
        let request = format!("POST {path}");
        wait_until("the request is executed", || {
            env.count(&request) >= nth as usize
        });
        let begun = Instant::now();
        run.kill(rustix::process::Signal::TERM);
        let result = run.finish();
        let case = format!("{request} {nth}: {:?}: {result:?}", begun.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(7), "{case}");
        assert_eq!(result.code(), code, "{case}");
        assert_eq!(env.sandbox.live_sessions(), 0, "{case}");
        // What exists is delivered, except for the key of the lost response.
        let unfinished = env.run(["recover", "--list"]);
        env.sandbox.clear_faults();
        env.home.set("SWP_SETTLE_TIMEOUT", "500ms");
        let again = env.run(["apply", "-f", "keys.toml"]);
        assert_eq!(again.code(), 0, "{case}: {unfinished:?}: {again:?}");
        is_as_declared(&env);
    }
}

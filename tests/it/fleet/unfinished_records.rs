//! Records of interrupted runs that `apply` finishes under another name, or leaves with a next step that works.

use std::time::Duration;

use swp_keys::sandbox::{Action, Fault};

use super::apply::{is_as_declared, key, secret};
use super::apply_records::killed;
use super::kept_secrets::{DELAY, run_hint, to_command};
use super::plan::fleet;
use crate::support::pty::Pty;
use crate::support::running::Running;
use crate::support::{TestEnv, contains, wait_until};

/// The record contains the former name of the key.
#[test]
fn the_run_for_a_key_with_a_new_name_in_the_file_is_finished() {
    let env = killed(&to_command(""));
    env.sandbox.advance_clock(Duration::from_secs(16 * 60));
    let text = to_command("").replace("a = {", "b = { was = \"a\",");
    env.home.write("keys.toml", &text);
    // The name is changed by the next run.
    let result = env.run(["apply", "-f", "keys.toml"]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["! b", "keyName is a"]);
    assert_eq!(secret(&env, "a.key"), key(&env, "a").secret);
    contains(env.run(["apply", "-f", "keys.toml"]).success(), &["~ b"]);
    is_as_declared(&env);
}

/// No `apply` finishes the run, so the plan names the command that does.
#[test]
fn the_unfinished_run_of_a_key_that_is_not_in_the_file_is_a_problem() {
    let env = killed(&fleet("a = {}"));
    env.sandbox.advance_clock(Duration::from_secs(30 * 86_400));
    env.home.write("keys.toml", &fleet(""));
    let flags = ["--prune", "--prune-at-most", "9", "--prune-used", "--yes"];
    let result = env.run([&["apply", "-f", "keys.toml"], &flags[..]].concat());
    assert_eq!(result.code(), 12, "{result:?}");
    contains(&result.stdout, &["! a", "not in the file"]);
    let output = result
        .stdout
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let (_, rest) = output.split_once("`swp-keys recover ").expect("a hint");
    let operation = rest.split(' ').next().expect("an operation");
    assert!(
        rest.starts_with(&format!("{operation} --delete`")),
        "{rest}"
    );
    env.run(["recover", operation, "--delete", "--yes"])
        .success();
    assert_eq!(env.sandbox.api_keys(), []);
    is_as_declared(&env);
}

/// The record contains no ID, and somebody has created a key with the name.
#[test]
fn a_key_that_may_belong_to_the_run_is_left_with_a_next_step() {
    let env = killed(&fleet("a = {}"));
    let id = key(&env, "a").id;
    env.sandbox.edit_key(id, |key| key.description = None);
    let result = env.run(["apply", "-f", "keys.toml", "--yes"]);
    assert_eq!(result.code(), 11, "{result:?}");
    run_hint(&env, &result.stdout, "swp-keys recover");
    assert_eq!(env.run(["recover", "--list"]).success(), "");
}

/// The run is killed while it locks the key, and the key is released before the next plan or after it.
#[test]
fn a_released_key_is_not_locked() {
    for is_planned in [false, true] {
        let env = TestEnv::new();
        env.home.write("keys.toml", &fleet("a = { locked = true }"));
        let slow = Action::Delay(DELAY);
        env.sandbox
            .inject(Fault::new("POST", "/api/apikeys/1", slow));
        let run = Running::start(&mut env.home.command(["apply", "-f", "keys.toml"]));
        env.wait_for("POST /api/apikeys/1");
        run.kill(rustix::process::Signal::KILL);
        run.finish();
        env.sandbox.clear_faults();
        let before = key(&env, "a");
        assert!(before.active);
        let release = || {
            env.sandbox
                .edit_key(before.id, |key| key.description = Some("mine".into()));
        };
        if is_planned {
            let script = r#""$SWP_KEYS" apply -f keys.toml; echo "code $?""#;
            let mut terminal = Pty::start(&env.home, script);
            terminal.see("Apply this plan?");
            release();
            terminal.type_line("y");
            terminal.see("code 12");
            terminal.end();
        } else {
            release();
            let result = env.run(["apply", "-f", "keys.toml", "--yes"]);
            assert_eq!(result.code(), 12, "{result:?}");
        }
        let now = key(&env, "a");
        assert!(now.active);
        assert_eq!(now.secret, before.secret);
        assert_eq!(env.run(["recover", "--list"]).success(), "");
    }
}

/// `recover OPERATION --forget` would keep the word `pending` in the marker.
#[test]
fn a_second_signal_during_a_delivery_names_apply() {
    let env = TestEnv::new();
    let wait = env.home.write("wait", "");
    let command = format!(
        "sh -c 'cat > a.key; while [ -e {} ]; do sleep 0.05; done'",
        wait.display()
    );
    let text = fleet(&format!("a = {{ deliver-cmd = \"{command}\" }}"));
    env.home.write("keys.toml", &text.replace("out-file", "#"));
    let run = Running::start(&mut env.home.command(["apply", "-f", "keys.toml"]));
    wait_until("the secret is stored", || {
        std::fs::read_to_string(env.home.path("a.key")).is_ok_and(|text| !text.is_empty())
    });
    let result = run.signal_until_exit(rustix::process::Signal::INT);
    std::fs::remove_file(wait).expect("the file was there");
    assert_eq!(result.code(), 11, "{result:?}");
    contains(&result.stderr, &["`swp-keys apply`"]);
    assert!(!result.stderr.contains("--forget"), "{result:?}");
}

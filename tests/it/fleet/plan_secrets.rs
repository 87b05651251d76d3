//! What `plan` finds out about the secrets at their destinations.

use serde_json::Value;

use super::plan::{fleet, plan, with_keys};
use crate::support::files::read;
use crate::support::running::Running;
use crate::support::{TestEnv, contains};

/// A manifest whose only key has these destinations.
fn with(lines: &str) -> String {
    format!("fleet = \"ops\"\n[keys.a]\nrole-id = 2\nexpires = \"90d\"\n{lines}\n")
}

/// Checks what is known of the secret, the action and the exit code.
#[track_caller]
fn check(env: &TestEnv, lines: &str, state: &str, action: &str, code: i32) {
    let result = plan(env, &with(lines), &["-o", "json"]);
    assert_eq!(result.code(), code, "{lines}: {result:?}");
    let document: Value = serde_json::from_str(&result.stdout).expect("JSON");
    let key = &document["apiKeys"][0]["meta"];
    assert_eq!(key["secret"][0]["state"], state, "{lines}");
    assert_eq!(key["action"], action, "{lines}");
}

#[test]
fn a_file_shows_whether_the_secret_is_missing() {
    let env = with_keys(&["a"]);
    check(&env, "out-file = \"f\"", "missing", "problem", 12);
    let on_missing = |word: &str| format!("out-file = \"f\"\non-missing = \"{word}\"");
    check(&env, &on_missing("rotate"), "missing", "rotate", 0);
    check(&env, &on_missing("rekey"), "missing", "rekey", 0);
    env.home.write_secret("f", "");
    check(&env, &on_missing("report"), "missing", "problem", 12);
    env.home.write_secret("f", "KEY=x\n");
    check(&env, "out-file = \"f\"", "there", "none", 0);
    check(
        &env,
        "dotenv = \"f\"\nenv-name = \"KEY\"",
        "there",
        "none",
        0,
    );
    check(&env, "dotenv = \"f\"", "missing", "problem", 12);
    let result = plan(&env, &with("dotenv = \"f\""), &["--no-look"]);
    contains(result.success(), &["1 key is as declared"]);
}

/// A key whose secret goes to a command, and is reset if it is missing.
fn command(read: &str) -> String {
    format!("deliver-cmd = \"true\"\non-missing = \"rekey\"\n{read}")
}

#[test]
fn a_command_shows_whether_the_secret_is_missing() {
    let env = with_keys(&["a"]);
    check(&env, &command(""), "not-known", "none", 0);
    for field in ["read-cmd", "check-cmd"] {
        let with = |read: &str| command(&format!("{field} = \"{read}\""));
        check(&env, &with("true"), "missing", "rekey", 0);
        check(&env, &with("echo"), "missing", "rekey", 0);
        check(&env, &with("echo x"), "there", "none", 0);
        // What is not known never leads to a change.
        for failing in [
            "false",
            "no-such-program",
            "sh -c 'echo x; exit 1'",
            "sh -c 'kill -9 $$'",
            "head -c 70000 /dev/zero",
        ] {
            check(&env, &with(failing), "not-known", "none", 0);
        }
    }
    let read = with(&command("read-cmd = \"false\""));
    let result = plan(&env, &read, &[]);
    contains(
        result.success(),
        &["the secret is not known", "`false` failed"],
    );
}

#[test]
fn many_commands_are_run() {
    let names: Vec<String> = (0..20).map(|number| format!("k{number}")).collect();
    let env = with_keys(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut text = "fleet = \"ops\"\n[defaults]\nrole-id = 2\nexpires = \"90d\"\ndeliver-cmd = \"put {name}\"\nread-cmd = \"echo {name}\"\n[keys]\n".to_owned();
    for name in &names {
        text.push_str(&format!("{name} = {{}}\n"));
    }
    contains(
        plan(&env, &text, &[]).success(),
        &["20 keys are as declared"],
    );
}

#[test]
fn a_command_that_reads_a_secret_sees_no_secret_of_this_run() {
    let mut env = with_keys(&["a"]);
    let key = env.sandbox.add_key("admin", 1);
    env.use_key(&key.secret);
    env.home.unset("SWP_API_KEY_FILE");
    env.home.set("SWP_API_KEY", key.secret.as_str());
    let text = "fleet = \"ops\"\n[keys.a]\nrole-id = 2\nexpires = \"90d\"\ndeliver-cmd = \"true\"\nread-cmd = \"sh -c 'env > seen; echo x'\"\n";
    env.home.write("keys.toml", text);
    env.run(["plan", "-f", "keys.toml"]).success();
    let seen = crate::support::files::read(env.home.path("seen"));
    assert!(
        !seen.contains(&key.secret) && seen.contains("HOME="),
        "{seen}"
    );
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_commands_and_the_session() {
    let env = with_keys(&["a"]);
    let text =
        with("deliver-cmd = \"true\"\nread-cmd = \"sh -c 'echo x > started; exec sleep 600'\"");
    env.home.write("keys.toml", &text);
    let running = Running::start(&mut env.home.command(["plan", "-f", "keys.toml"]));
    crate::support::wait_until("the command runs", || env.home.path("started").exists());
    running.kill(rustix::process::Signal::TERM);
    let result = running.finish();
    assert_eq!(result.code(), 143, "{result:?}");
    assert_eq!(result.stdout, "");
    assert_eq!(env.sandbox.live_sessions(), 0);
}

/// A run must not replace a file of the user by mistake. A secret of a former key is replaced.
#[test]
fn a_new_key_replaces_a_value_but_no_other_content() {
    let env = TestEnv::new();
    env.home.write("f", "first line\nsecond line\n");
    check(&env, "out-file = \"f\"", "not-known", "problem", 12);
    let apply = env.run(["apply", "-f", "keys.toml"]);
    assert_eq!(apply.code(), 12);
    assert_eq!(env.sandbox.api_keys(), []);
    assert_eq!(read(env.home.path("f")), "first line\nsecond line\n");

    env.home.write_secret("f", "value-of-a-former-key\n");
    let result = plan(&env, &with("out-file = \"f\""), &["-o", "json"]);
    let document: Value = serde_json::from_str(result.success()).expect("JSON");
    let key = &document["apiKeys"][0]["meta"];
    assert_eq!(key["action"], "create");
    assert_eq!(key["secret"][0]["state"], "there");
    assert_eq!(key["notes"].as_array().map(Vec::len), Some(1));
    env.run(["apply", "-f", "keys.toml"]).success();
    let key = env.sandbox.api_keys().remove(0);
    assert_eq!(read(env.home.path("f")).trim_end(), key.secret);
}

#[test]
fn the_next_steps_for_missing_secrets_are_printed_once() {
    let env = with_keys(&["a", "b", "c"]);
    let text = fleet("a = {}\nb = {}\nc = { on-missing = \"rotate\" }");
    let result = plan(&env, &text, &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    let steps = [
        "copy its file",
        "`--no-look`",
        "`rekey` stops the old secret",
    ];
    let words: Vec<&str> = result.stdout.split_whitespace().collect();
    for step in steps {
        assert_eq!(words.join(" ").matches(step).count(), 1, "{result:?}");
    }
    let result = plan(
        &env,
        &fleet("c = { on-missing = \"rotate\" }"),
        &["--only", "c"],
    );
    assert!(!result.success().contains("--no-look"), "{result:?}");
}

/// `rotate-key --in-place` would print the secret, and the file would stay empty.
#[test]
fn during_an_overlap_on_missing_can_replace_a_missing_secret() {
    let env = with_keys(&["a"]);
    super::plan::add(&env, "a (retiring 2026-11-24T09:00Z)", |key| {
        key.expiry_date = Some(key.created + 86_400_000);
    });
    let result = plan(&env, &fleet("a = { on-missing = \"rotate\" }"), &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    let words: Vec<&str> = result.stdout.split_whitespace().collect();
    contains(
        &words.join(" "),
        &["the rotation waits", "`on-missing = \"rekey\"` replaces"],
    );
    assert!(!result.stdout.contains("--in-place"), "{result:?}");
}

/// The destination has the secret of another key. Without `--verify`, no secret is used, and nothing is changed because of the form of a secret.
#[test]
fn a_secret_that_names_another_key_is_reported() {
    let env = with_keys(&["a", "b"]);
    let [own, other] = ["a", "b"].map(|name| super::apply::key(&env, name));
    let named = |id: i64| env.home.write_secret("f", &format!("{id}:c2VjcmV0\n"));
    let places = [
        "out-file = \"f\"",
        "deliver-cmd = \"true\"\nread-cmd = \"cat f\"",
    ];
    for (place, on_missing) in [(0, "report"), (0, "rotate"), (0, "rekey"), (1, "rekey")] {
        let lines = format!("{}\non-missing = \"{on_missing}\"", places[place]);
        named(other.id);
        let text = format!(
            "{}[keys.b]\nrole-id = 2\nexpires = \"90d\"\nout-file = \"g\"\n",
            with(&lines)
        );
        env.home.write_secret("g", "x");
        let result = plan(&env, &text, &[]);
        assert_eq!(result.code(), 12, "{result:?}");
        let names = format!("names the key with ID {}", other.id);
        contains(&result.stdout, &["! a", &names, "`--verify`", "1 problem"]);
        let result = env.run(["apply", "-f", "keys.toml", "--yes"]);
        assert_eq!(result.code(), 12, "{result:?}");
        assert_eq!(super::apply::key(&env, "a").secret, own.secret);
        // The number of an unknown key is only a note, because it may not be the ID of a key.
        named(999);
        let result = plan(&env, &text, &[]);
        contains(result.success(), &["names the key with ID 999"]);
        named(own.id);
        let result = plan(&env, &text, &[]);
        contains(result.success(), &["2 keys are as declared"]);
    }
    assert_eq!(env.sandbox.api_keys().len(), 2);
    assert_eq!(env.count("POST /api/policies/search"), 0);
}

/// The program is looked for, but not run.
#[test]
fn a_missing_program_is_a_problem_of_each_key_that_gets_a_secret() {
    let env = with_keys(&["same", "aged"]);
    let command = "deliver-cmd = \"no-such-program {name}\"";
    let text = format!(
        "fleet = \"ops\"\n[defaults]\nrole-id = 2\nexpires = \"90d\"\n{command}\n[keys]\nnew = {{}}\nsame = {{}}\naged = {{ rotate = \"60d\" }}\n"
    );
    let aged = env.sandbox.api_keys().pop().expect("a key");
    env.sandbox.edit_key(aged.id, |key| {
        key.created -= 61 * 86_400_000;
        key.expiry_date = Some(key.created + 90 * 86_400_000);
    });
    let before = env.sandbox.api_keys();
    let result = plan(&env, &text, &[]);
    assert_eq!(result.code(), 12, "{result:?}");
    contains(
        &result.stdout,
        &[
            "! new",
            "! aged",
            "`no-such-program`",
            "1 key is as declared",
        ],
    );
    let result = env.run(["apply", "-f", "keys.toml", "--yes"]);
    assert_eq!(result.code(), 12, "{result:?}");
    assert_eq!(env.sandbox.api_keys(), before);
    // A host that does not deliver the secrets needs no such program.
    plan(&env, &text, &["--no-look"]).success();
}

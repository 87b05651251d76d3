//! With `-o json`, each line on stderr is a JSON object, so that `swp-keys ... -o json 2>err; jq . err` works.

use swp_keys::sandbox::{Action, Fault, Settings};

use crate::support::{RunResult, TestEnv, answering_unknowns};

/// Returns the level of each line on stderr.
#[track_caller]
fn levels(result: &RunResult) -> Vec<String> {
    let messages = result.json_messages().into_iter();
    let level = messages.map(|message| message["level"].as_str().map(str::to_owned));
    level.map(Option::unwrap_or_default).collect()
}

/// Returns the words of each command without subcommands, such as `trust list`.
fn all_commands() -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for command in swp_keys::command_line().get_subcommands() {
        let name = command.get_name().to_owned();
        let mut subcommands = command.get_subcommands().peekable();
        if subcommands.peek().is_none() {
            found.push(vec![name.clone()]);
        }
        for subcommand in subcommands {
            found.push(vec![name.clone(), subcommand.get_name().to_owned()]);
        }
        found.push(vec![name]);
    }
    found
}

#[test]
fn every_command_reports_a_usage_error_as_json() {
    let env = TestEnv::new();
    for command in all_commands() {
        for format in ["json", "jsonl"] {
            let wrong = ["--no-such-flag", "-vv", "-o", format].map(str::to_owned);
            let result = env.run(command.iter().chain(&wrong));
            assert_eq!(levels(&result), ["error"], "{command:?}");
            assert_eq!(result.json_error(2)["code"], "usage");
        }
    }
}

#[test]
fn every_command_writes_only_json_to_stderr() {
    let mut env = TestEnv::new();
    // Nothing listens on this port, so the commands that need the manager fail.
    env.home.set("SWP_URL", "https://127.0.0.1:1");
    env.home.set("SWP_RETRIES", "0");
    env.home.set("SWP_OUTPUT", "json");
    for mut command in all_commands() {
        match command[0].as_str() {
            // This command does not end.
            "sandbox" => continue,
            "create-key" | "exec" => command.extend(["--role", "Auditor"].map(str::to_owned)),
            "completions" => command.push("bash".to_owned()),
            "man" => command.extend(["--out-dir", "man"].map(str::to_owned)),
            "delete-key" | "show-key" | "lock-key" | "unlock-key" | "show-role" | "find-role" => {
                command.push("5".to_owned());
            }
            "rotate-key" => command.extend(["5", "--out-file", "key"].map(str::to_owned)),
            "update-key" => command.extend(["5", "--name", "ci"].map(str::to_owned)),
            _ => {}
        }
        command.push("-vv".to_owned());
        if command[0] == "exec" {
            command.extend(["--", "true"].map(str::to_owned));
        }
        let result = env.run(&command);
        let levels = levels(&result);
        assert_eq!(
            levels.last().is_some_and(|level| level == "error"),
            result.code() != 0,
            "{command:?}: {}",
            result.stderr
        );
    }
}

#[test]
fn notes_warnings_and_the_log_are_json_lines() {
    let env = TestEnv::with(answering_unknowns(&[("session-keys", "403")]));
    let created = env.run([
        "create", "--role", "Auditor", "--name", "ci", "-vv", "-o", "json",
    ]);
    created.json();
    let all = levels(&created);
    for level in ["note", "warning", "info", "debug"] {
        assert!(all.iter().any(|found| found == level), "{level} in {all:?}");
    }
    let quiet = env.run(["create", "--role", "Auditor", "-q", "-o", "jsonl"]);
    quiet.json();
    assert_eq!(quiet.stderr, "");
}

#[test]
fn a_profile_selects_json_messages_too() {
    let env = TestEnv::new();
    let folder = env.home.path(".config/swp-keys");
    std::fs::create_dir_all(&folder).expect("a folder");
    let profile = "default-profile = \"a\"\n[profiles.a]\noutput = \"json\"\n";
    std::fs::write(folder.join("config.toml"), profile).expect("a file");
    let result = env.run(["create", "--role", "Auditor", "-v"]);
    result.json();
    assert!(levels(&result).contains(&"note".to_owned()));
}

#[test]
fn a_name_from_the_manager_stays_one_line() {
    let env = TestEnv::with(Settings {
        roles: vec![serde_json::json!({"name": "a\n\u{1b}[31m::error::b"})],
        ..Settings::default()
    });
    let result = env.run([
        "create",
        "--role-id",
        "1",
        "--name",
        "x\u{2028}##[x]",
        "-o",
        "json",
    ]);
    result.json();
    assert!(!result.stderr.contains('\u{1b}'), "{}", result.stderr);
    assert!(!result.stderr.contains("##["), "{}", result.stderr);
}

#[test]
fn a_retry_is_reported_as_json() {
    let env = TestEnv::new();
    let lost = Fault::new("POST", "/api/roles/search", Action::Drop);
    env.sandbox.inject(lost);
    let result = env.run(["list-roles", "-v", "-o", "json"]);
    result.json();
    assert!(levels(&result).contains(&"info".to_owned()));
}

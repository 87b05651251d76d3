//! CI runners execute commands in the log. The program must not print commands that come from the manager or the user, and it must print the mask of
//! a secret before every other line.
#![cfg(unix)]

use serde_json::json;
use swp_keys::sandbox::{Action, Fault, Settings};

use crate::support::github::be_a_step;
use crate::support::{RunResult, TestEnv, contains};

/// Both forms of GitHub, and those of Azure and TeamCity. One begins with an invisible character.
const HOSTILE: [&str; 6] = [
    "Ops ##[stop-commands]x",
    "::stop-commands::x",
    " \u{2003}::add-path::/tmp",
    "x ##vso[task.setvariable variable=a]b",
    "##teamcity[blockOpened name='a']",
    "#\u{fe0f}#[stop-commands]x",
];

/// Asserts that no line of a stream is a command. The agents of GitHub and Azure ignore invisible characters, because they compare by culture, and
/// they trim spaces.
#[track_caller]
fn assert_no_commands(text: &str) {
    for line in text.lines() {
        let output: String = line.chars().filter(|one| *one != '\u{fe0f}').collect();
        let output = output.to_lowercase();
        for command in ["##[", "##vso[", "##teamcity["] {
            assert!(!output.contains(command), "{line}");
        }
        let is_mask = output.starts_with("::add-mask::");
        assert!(is_mask || !output.trim_start().starts_with("::"), "{line}");
    }
}

fn assert_no_commands_in_output(result: &RunResult) {
    assert_no_commands(&result.stdout);
    assert_no_commands(&result.stderr);
}

/// Returns an environment with such names of roles and keys, and a role that causes a warning.
fn env() -> TestEnv {
    let roles = HOSTILE.iter().map(|name| {
        json!({"name": name, "description": name, "allowWebService": true,
            "allComputers": true, "allPolicies": true})
    });
    let env = TestEnv::with(Settings {
        roles: roles.collect(),
        ..Settings::default()
    });
    for name in HOSTILE {
        let key = env.sandbox.add_key(name, 2);
        env.sandbox
            .edit_key(key.id, |key| key.description = Some(name.to_owned()));
    }
    env
}

#[test]
fn names_of_roles_and_keys_are_never_workflow_commands() {
    let env = env();
    for format in ["text", "json"] {
        for command in [&["list-roles"][..], &["list-keys"]] {
            let result = env.run(command.iter().chain(&["-o", format]));
            result.success();
            assert_no_commands_in_output(&result);
        }
        for (index, name) in HOSTILE.iter().enumerate() {
            let id = (index + 1).to_string();
            for command in [
                &["show-key", &id][..],
                &["show-role", name],
                &["show-role", "Auditor", "--diff", name],
                &["show-key", &format!("{name}x")],
                &["find-role", &format!("{name}x")],
                &["update-key", &id, "--description", name],
                &["update-key", &id, "--locale", "ja-JP", "--dry-run"],
                &[
                    "create",
                    "--role",
                    name,
                    "--name",
                    &format!("x{name}"),
                    "-vv",
                ],
                &["delete-key", &id, "--yes"],
                &[
                    "delete-key",
                    &format!("{name}x"),
                    "--if-missing",
                    "ok",
                    "--yes",
                ],
            ] {
                let result = env.run(command.iter().chain(&["-o", format]));
                assert_no_commands_in_output(&result);
            }
        }
    }
}

/// The values in JSON are unchanged.
#[test]
fn json_contains_unchanged_names() {
    let env = env();
    let keys = env.run(["list-keys", "-o", "json"]).json();
    let names: Vec<_> = (keys["apiKeys"].as_array().expect("a list").iter())
        .map(|key| key["keyName"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(names, HOSTILE);
}

#[test]
fn texts_of_the_manager_and_the_user_are_never_workflow_commands() {
    for text in HOSTILE {
        let env = TestEnv::new();
        let body = json!({"message": text}).to_string();
        for status in [400, 403, 500] {
            for format in ["text", "json"] {
                let fault = Fault::new("POST", "/api/apikeys", Action::status(status, &body));
                env.sandbox.inject(fault);
                let result = env.run(["create", "--role", "Auditor", "-o", format, "-v"]);
                assert_ne!(result.code(), 0);
                assert_no_commands_in_output(&result);
                env.sandbox.clear_faults();
            }
        }
        for arguments in [
            &["--ca-cert", text, "whoami"][..],
            &["--profile", text, "whoami"],
            &["--tenant", text, "whoami"],
            &["--username", text, "whoami"],
            &[
                "create",
                "--role",
                "Auditor",
                "--out-file",
                &format!("{text}/x"),
            ],
            &["create", "--role", "Auditor", "--expires", text],
            &["create", "--role", "Auditor", "--deliver-cmd", text],
            &["exec", "--role", "Auditor", "--", text],
            &["sandbox", "--", text],
            &["verify-key", "--key-file", text],
            &[text],
        ] {
            for format in ["text", "json"] {
                let result = env.run(["-o", format].iter().chain(arguments));
                assert_no_commands_in_output(&result);
            }
        }
    }
}

/// The warning about the role comes before the create. It must wait for the mask.
#[test]
fn the_mask_comes_before_every_other_line() {
    let mut env = env();
    be_a_step(&mut env.home);
    for (sink, more) in [
        ("--github-output", "-vv"),
        ("--github-env", "-v"),
        ("--github-output", "--verify"),
    ] {
        for role in ["Full Access", HOSTILE[0], HOSTILE[1]] {
            let result = env.run(["create", "--role", role, sink, "KEY", more]);
            result.success();
            assert_no_commands_in_output(&result);
            let secret = env.sandbox.api_keys().pop().expect("a key").secret;
            let mut lines = result.stderr.lines();
            let mask = format!("::add-mask::{secret}");
            assert_eq!(lines.next(), Some(mask.as_str()), "{}", result.stderr);
            assert!(lines.count() > 0, "the other lines follow");
        }
    }
}

/// If nothing is masked, the delayed lines must still be printed.
#[test]
fn without_a_mask_the_delayed_lines_are_printed() {
    let mut env = env();
    be_a_step(&mut env.home);
    let arguments = ["create", "--role", "Full Access", "--github-output", "KEY"];
    let dry = env.run(arguments.iter().chain(&["--dry-run"]));
    dry.success();
    contains(&dry.stderr, &["warning: "]);
    let fault = Fault::new("POST", "/api/apikeys", Action::status(403, "{}"));
    env.sandbox.inject(fault);
    let refused = env.run(arguments);
    let lines: Vec<&str> = refused.failure(5).lines().collect();
    contains(&lines.join("\n"), &["warning: "]);
    let error = lines.iter().position(|line| line.starts_with("error: "));
    assert!(error > Some(0), "{lines:?}");
}

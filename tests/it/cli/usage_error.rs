//! Usage errors: which command lines are rejected. A rejected command line sends nothing, and its error repeats no secret.

use serde_json::json;

use crate::support::secrets::MISPLACED;
use crate::support::snapshot::snapshot;
use crate::support::{Home, RunResult, TestEnv, contains};

const WRONG_PLACES: [&[&str]; 16] = [
    &["create", MISPLACED],
    &["create", "--role", "Auditor", MISPLACED],
    &["create", "--role", "Auditor", "-p", MISPLACED],
    &["create", "--role", "Auditor", "-phunter2"],
    &["create", "--role", "Auditor", "--pasword=hunter2"],
    &["create", "--role", "Auditor", "--password", MISPLACED],
    &["create", "--role", "Auditor", "--password=hunter2"],
    &["create", "--role", "Auditor", "--hunter2"],
    &["create", "--role", "Auditor", "--password-stdin=hunter2"],
    &["create", "--role", "Auditor", "--no-input=hunter2"],
    &["create", "--role-id", MISPLACED],
    &[
        "create",
        "--role",
        "Auditor",
        "--if-exists",
        MISPLACED,
        "--name",
        "x",
    ],
    &["create", "--role", "Auditor", "--locale", MISPLACED],
    &["login", MISPLACED],
    &[MISPLACED],
    &["--color", MISPLACED, "list-roles"],
];

#[test]
fn misplaced_values_are_never_repeated() {
    let env = TestEnv::new();
    for arguments in WRONG_PLACES {
        let text = env.run(arguments);
        assert!(
            !text.failure(2).contains(MISPLACED),
            "{arguments:?}: {}",
            text.stderr
        );
        assert!(
            text.stderr.lines().count() <= 3,
            "an error, a hint and a usage line: {}",
            text.stderr
        );
        contains(&text.stderr, &["error: ", "hint: "]);
        let with_format: Vec<&str> = ["-o", "json"].iter().chain(arguments).copied().collect();
        let result = env.run(with_format);
        let error = result.json_error(2);
        assert_eq!(
            (&error["code"], &error["exit"]),
            (&json!("usage"), &json!(2))
        );
        assert!(
            !result.stderr.contains(MISPLACED),
            "{arguments:?}: {}",
            result.stderr
        );
    }
    assert_eq!(env.sandbox.connections().tcp, 0, "nothing is sent");
}

#[test]
fn a_rejected_value_has_a_hint_that_lists_the_values() {
    let mut home = Home::new();
    contains(
        home.run(["list", "--output", "xml"]).failure(2),
        &["`--output`", "`swp-keys help options`"],
    );
    let negative = home.run(["list", "--retries", "-1"]);
    contains(negative.failure(2), &["`--retries`", "negative"]);
    let columns = home.run(["list", "--columns", "id,", "name"]);
    contains(columns.failure(2), &["`--columns id,name`"]);
    let two_keys = home.run(["update", "foo", "bar", "--expires", "1d"]);
    contains(two_keys.failure(2), &["KEY", "quote"]);
    for (variable, value) in [
        ("SWP_OUTPUT", "xml"),
        ("SWP_QUIET", "maybe"),
        ("SWP_RETRIES", "many"),
    ] {
        home.set(variable, value);
        let result = home.run(["list"]);
        let hint = format!("unset `{variable}`");
        contains(result.failure(2), &[&format!("`{variable}`: "), &hint]);
        snapshot(&result.stderr);
        home.unset(variable);
    }
}

#[test]
fn the_problem_is_named_before_the_usage_line() {
    let env = TestEnv::new();
    for (arguments, parts) in [
        (
            &["list-roles", "-u", "admin"][..],
            &["`-u`", "usage: swp-keys list-roles"][..],
        ),
        (
            &["show-key", "a", "b"],
            &["`show-key`", "KEY", "usage: swp-keys show-key"],
        ),
        (&["lock-key"], &["KEY", "usage: swp-keys lock-key"]),
        (
            &["exec", "--role", "Auditor", "env"],
            &["`--`", "usage: swp-keys exec"],
        ),
        (
            &["create", "ci"],
            &["`--role`", "`--name`", "usage: swp-keys create-key"],
        ),
        (&["trust", "shw"], &["`show`", "usage: swp-keys trust"]),
        (
            &["-o", "text", "list-keys", "--naem", "x"],
            &["`--naem`", "`--name`", "usage: swp-keys list-keys"],
        ),
    ] {
        let result = env.run(arguments);
        contains(result.failure(2), parts);
        snapshot(&result.stderr);
    }
}

#[test]
fn a_password_attached_to_its_flag_is_not_shown() {
    let result = Home::new().run(["list-roles", "--passwordhunterhunter"]);
    let error = result.failure(2);
    contains(error, &["`--pas...`", "`--password-file FILE`"]);
    assert!(!error.contains("hunter"), "{error}");
}

#[test]
fn a_password_on_the_command_line_is_explained_with_the_safe_ways() {
    let env = TestEnv::new();
    for arguments in [
        &["list-roles", "--password", MISPLACED][..],
        &["list-roles", "--password=hunter2"],
        &["list-roles", "--pasword", MISPLACED],
        &["create", "-p", MISPLACED],
    ] {
        let stderr = env.run(arguments).failure(2).to_owned();
        contains(
            &stderr,
            &[
                "`--password-file FILE`",
                "`--password-stdin`",
                "`--password-command COMMAND`",
            ],
        );
        assert!(!stderr.contains(MISPLACED), "{stderr}");
        snapshot(&stderr);
    }
    let stderr = env
        .run(["whoami", "--api-key", MISPLACED])
        .failure(2)
        .to_owned();
    contains(&stderr, &["`--api-key-file FILE`", "`SWP_API_KEY`"]);
}

const JSON_FORMATS: [&[&str]; 8] = [
    &["-o", "json"],
    &["-ojson"],
    &["-o=json"],
    &["--output", "json"],
    &["--output=json"],
    &["-o", "jsonl"],
    &["-qo", "json"],
    &["-vojson"],
];

#[test]
fn usage_errors_are_json_with_json_output() {
    let mut env = TestEnv::new();
    for format in JSON_FORMATS {
        for wrong in [
            &["list-roles", "--nonsense"][..],
            &["nonsense"],
            &["create"],
            &[],
        ] {
            let arguments: Vec<&str> = format.iter().chain(wrong).copied().collect();
            let result = env.run(&arguments);
            let error = result.json_error(2);
            assert_eq!(
                result.stderr.lines().count(),
                1,
                "{arguments:?}: {}",
                result.stderr
            );
            assert_eq!(error["code"], "usage", "{arguments:?}");
            assert_eq!(error["retryable"], false);
            assert!(
                error["message"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{error}"
            );
            assert!(
                error["hint"].as_str().is_some_and(|text| !text.is_empty()),
                "{error}"
            );
            assert!(
                error["http"].is_null() && error["keyID"].is_null(),
                "{error}"
            );
        }
    }
    env.home.set("SWP_OUTPUT", "json");
    env.run(["list-roles", "--nonsense"]).json_error(2);
    // The flag takes precedence over the variable.
    let result = env.run(["list-roles", "--nonsense", "-o", "text"]);
    contains(result.failure(2), &["--nonsense"]);
    // `json` is not an output format here, because it is the value of `--like`.
    env.home.unset("SWP_OUTPUT");
    let result = env.run(["find-role", "--nonsense", "--like", "json"]);
    contains(result.failure(2), &["error: "]);
}

#[test]
fn missing_arguments_are_named() {
    let env = TestEnv::new();
    for (arguments, parts) in [
        (&["create"][..], &["--role", "--role-id"][..]),
        (&["find-role"], &["NAME", "--like"]),
        (&["-q"], &["hint: "]),
        (&["create", "--role"], &["--role"]),
        (
            &["create", "--role", "a", "--role-id", "2"],
            &["--role", "--role-id"],
        ),
        (&["create", "--role", "a", "--role", "b"], &["--role"]),
        (
            &["create", "--role", "a", "--if-exists", "skip"],
            &["--name"],
        ),
        (&["create", "--role", "a", "--force"], &["--out-file"]),
    ] {
        let result = env.run(arguments);
        contains(result.failure(2), parts);
        snapshot(&result.stderr);
    }
    assert_eq!(env.sandbox.connections().tcp, 0, "nothing is sent");
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_not_utf_8_is_an_error() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let env = TestEnv::new();
    let odd = OsStr::from_bytes(b"hunter2\xff");
    for place in [
        &["find-role"][..],
        &["create", "--role"],
        &["list-roles", "--url"],
        &[],
    ] {
        let arguments = place.iter().map(OsStr::new).chain([odd]);
        let result: RunResult = env.run(arguments);
        assert!(!result.failure(2).contains(MISPLACED), "{}", result.stderr);
        assert!(!result.stderr.contains("panicked"), "{}", result.stderr);
    }
}

#[test]
fn a_flag_that_resembles_no_other_gets_no_empty_suggestion() {
    let env = TestEnv::new();
    let result = env.run(["list-keys", "--bogus"]);
    contains(result.failure(2), &["`--bogus`", "list-keys -h"]);
    assert!(!result.stderr.contains("did you mean"), "{}", result.stderr);
}

#[test]
fn missing_arguments_are_listed_with_the_groups_last() {
    let env = TestEnv::new();
    let result = env.run(["update-key"]);
    contains(
        result.failure(2),
        &["missing KEY and one of --role, --role-id, "],
    );
}

#[test]
fn a_key_for_verify_key_is_explained_as_a_secret() {
    let env = TestEnv::new();
    let result = env.run(["verify", "nightly"]);
    contains(result.failure(2), &["--key-file FILE"]);
}

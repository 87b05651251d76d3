//! The formats of stdout, errors as JSON, and everything else on stderr.

use std::net::TcpListener;

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, Fault, Settings};

use crate::support::running::Running;
use crate::support::secrets::environments_of_all_shapes;
use crate::support::{RunResult, TestEnv, answering_unknowns, contains};

#[test]
fn a_created_key_in_each_format() {
    let env = TestEnv::new();
    let create = |format: &str| env.run(["create", "--role", "Auditor", "-o", format]);
    let newest = || env.sandbox.api_keys().pop().expect("a key");

    let result = create("text");
    assert_eq!(result.stdout, format!("{}\n", newest().secret));
    let result = create("env");
    assert_eq!(result.stdout, format!("SWP_API_KEY={}\n", newest().secret));
    let result = create("jsonl");
    assert_eq!(result.stdout.lines().count(), 1);
    assert!(result.stdout.ends_with("}\n"), "{}", result.stdout);
    assert_eq!(result.json()["secretKey"], json!(newest().secret));

    let mut key = create("json").json();
    let created = newest();
    let meta = key["meta"].take();
    let expected = json!({
        "keyName": created.name, "description": created.description, "locale": "en-US", "roleID": 2, "timeZone": "America/New_York", "active": true,
        "created": created.created, "unsuccessfulSignInAttempts": 0, "secretKey": created.secret, "serviceAccount": false,
        "ID": created.id, "meta": null
    });
    assert_eq!(key, expected);
    let operation = &meta["operation"];
    let expected = json!({
        "manager": env.sandbox.url(), "created": true, "operation": operation, "sinks": ["stdout"], "role": "Auditor", "state": "active",
        "createdAt": meta["createdAt"], "lastSignInAt": null, "expiresAt": null, "unlocksAt": null, "retiring": false
    });
    assert_eq!(meta, expected);
    let name = created.name.expect("a name");
    assert!(name.ends_with(operation.as_str().expect("a string")));
}

#[test]
fn a_created_key_names_its_tenant() {
    let mut env = TestEnv::with(Settings {
        tenant: Some("Acme".to_owned()),
        ..Settings::default()
    });
    env.home.set("SWP_TENANT", "Acme");
    let key = env.run(["create", "--role-id", "2", "-o", "json"]).json();
    assert_eq!(key["meta"]["tenant"], json!("Acme"));
    assert_eq!(key["meta"]["role"], "Auditor");
}

#[test]
fn the_user_can_set_the_name_of_the_variable() {
    let env = TestEnv::new();
    let arguments = ["create", "--role-id", "2", "-o", "env", "--env-name", "_K1"];
    let result = env.run(arguments);
    let secret = &env.sandbox.api_keys()[0].secret;
    assert_eq!(result.success(), format!("_K1={secret}"));
}

/// A shell and programs that read the rest of the line unchanged (`docker --env-file`, make) must read the same value.
#[test]
#[cfg(unix)]
fn every_reader_of_the_env_format_reads_the_same_secret() {
    for env in environments_of_all_shapes() {
        let script = r#""$SWP_KEYS" create --role Auditor -o env >key.env || exit
            cut -d= -f2- key.env; set -a; . ./key.env; printenv SWP_API_KEY"#;
        let result = crate::support::shell::sh(&env.home, script);
        let secret = &env.sandbox.api_keys()[0].secret;
        assert_eq!(result.success(), format!("{secret}\n{secret}"));
    }
}

#[test]
fn a_found_role_in_each_format() {
    let env = TestEnv::new();
    let find = |format: &str| env.run(["find-role", "Auditor", "-o", format]);
    assert_eq!(find("text").stdout, "2\n");
    assert_eq!(find("env").stdout, "SWP_ROLE_ID=2\n");
    let one_line = find("jsonl");
    assert_eq!(one_line.stdout.lines().count(), 1);
    let role = find("json").json();
    assert_eq!(role, one_line.json());
    assert_eq!((&role["ID"], &role["name"]), (&json!(2), &json!("Auditor")));
    assert_eq!(role["meta"], json!({"manager": env.sandbox.url()}));
    assert_eq!(role["allowWebService"], json!(true), "nothing is omitted");
    let rights = &role["rights"]["platformRights"]["apikeyRights"];
    assert_eq!(rights["canViewApiKeys"], json!(false));
}

#[test]
fn the_roles_in_each_format() {
    let env = TestEnv::new();
    let list = |format: &str| env.run(["list-roles", "-o", format]);
    let all = list("json").json();
    assert_eq!(all["meta"], json!({"manager": env.sandbox.url()}));
    let lines = list("jsonl");
    let lines: Vec<Value> = lines
        .success()
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(all["roles"], json!(lines));
    assert_eq!(lines.len(), 2);
    assert_eq!(list("text").success().lines().count(), 2);
    assert_eq!(list("tsv").success().lines().count(), 3);
}

/// One failure of each kind, except those of sinks, which other tests cover.
#[test]
fn with_json_an_error_is_one_object_with_the_documented_fields() {
    let create = ["create", "--role", "Auditor"];
    let limited = Fault::new("POST", "/api/apikeys", Action::status(429, "Too many"));
    let broken = Fault::new("POST", "/api/apikeys", Action::status(500, "Oops"));
    let refused = Fault::new("POST", "/api/sessions", Action::status(401, "Wrong"));
    let forbidden = Fault::new("POST", "/api/apikeys", Action::status(403, "No"));
    for (arguments, fault, code, exit, http, retryable) in [
        (
            &["create", "--no-such-flag"][..],
            None,
            "usage",
            2,
            None,
            false,
        ),
        (&["find-role", "Nobody"], None, "not-found", 3, None, false),
        (
            &create,
            Some(refused),
            "sign-in-refused",
            4,
            Some(401),
            false,
        ),
        (&create, Some(forbidden), "forbidden", 5, Some(403), false),
        (&["find-role", "Twin"], None, "conflict", 6, None, false),
        (&create, Some(limited), "rate-limited", 9, Some(429), true),
        (&create, Some(broken), "unexpected", 1, Some(500), false),
    ] {
        let env = TestEnv::with(Settings {
            roles: vec![json!({"name": "Twin"}), json!({"name": "Twin"})],
            ..Settings::default()
        });
        if let Some(fault) = fault {
            env.sandbox.inject(fault);
        }
        for format in ["json", "jsonl"] {
            let more = ["--retries", "0", "--quiet", "-o", format];
            let result = env.run(arguments.iter().chain(&more));
            let error = only_error(&result, exit);
            assert_eq!(error["code"], json!(code), "{}", result.stderr);
            assert_eq!(error["http"], json!(http), "{}", result.stderr);
            assert_eq!(error["retryable"], json!(retryable), "{}", result.stderr);
            assert_eq!(error["keyID"], Value::Null, "{}", result.stderr);
            env.sandbox.clear_faults();
            if http.is_some() {
                break;
            }
        }
    }
}

#[test]
fn an_unreachable_manager_is_an_error_in_json() {
    let mut env = TestEnv::new();
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    env.home.set("SWP_URL", format!("https://{address}"));
    let arguments = ["list-roles", "--retries", "0", "-q", "-o", "json"];
    let error = only_error(&env.run(arguments), 8);
    assert_eq!(error["code"], json!("unreachable"));
    assert_eq!(error["retryable"], json!(true));
    let message = error["message"].as_str().unwrap_or_default();
    contains(message, &[&address.to_string()]);
}

/// Asserts that stderr contains this object and nothing else.
#[track_caller]
fn only_error(result: &RunResult, exit: i32) -> Value {
    let mut whole: Value = serde_json::from_str(result.failure(exit))
        .unwrap_or_else(|error| panic!("{error}: {}", result.stderr));
    assert_eq!(result.stderr.lines().count(), 1, "{}", result.stderr);
    assert_eq!(whole["level"], json!("error"));
    assert_eq!(whole.as_object().map(serde_json::Map::len), Some(2));
    let error = whole["error"].take();
    let fields = error.as_object().expect("an object");
    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
    let documented = [
        "code",
        "exit",
        "message",
        "hint",
        "http",
        "retryable",
        "keyID",
    ];
    assert_eq!(names, documented);
    assert_eq!(error["exit"], json!(exit));
    assert!(error["message"].is_string(), "{error}");
    assert!(error["hint"].is_string() || error["hint"].is_null());
    error
}

const HOSTILE: &str = "\u{1b}]0;title\u{7}\u{1b}[2J\u{202e}nimda\u{200b}\u{9b}31m\r\n2    Auditor";

#[test]
fn control_characters_are_escaped_in_text_and_unchanged_in_json() {
    let env = TestEnv::with(Settings {
        roles: vec![json!({"name": HOSTILE, "description": HOSTILE, "allowWebService": true})],
        ..Settings::default()
    });
    let json = env.run(["list-roles", "-o", "json"]);
    assert_eq!(json.json()["roles"][2]["name"], json!(HOSTILE));
    contains(&json.stdout, &[r"\u001b]0;title\u0007", r"\u202enimda"]);
    let jsonl = env.run(["find-role", HOSTILE, "-o", "jsonl"]);
    assert_eq!(jsonl.json()["name"], json!(HOSTILE));
    let table = env.run(["list-roles"]);
    contains(
        table.success(),
        &[r"\u{202e}nimda", r"\u{d}\u{a}2    Auditor"],
    );
    let lines: Vec<&str> = table.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{}", table.stdout);
    let has_four_cells = |line: &&str| line.matches('\t').count() == 3;
    assert!(lines.iter().all(has_four_cells), "{}", table.stdout);
    let created = env.run(["create", "--role", HOSTILE]);
    created.success();
    let not_found = env.run(["find-role", &HOSTILE[1..]]);
    contains(not_found.failure(3), &[r"\u{1b}[2J"]);
    // Only a table contains tabs, three for each role.
    let cells = table.stdout.replace('\t', " ");
    let texts = [json, jsonl, created, not_found].map(|result| [result.stdout, result.stderr]);
    for text in texts.as_flattened().iter().chain([&cells, &table.stderr]) {
        let harmful = |character: char| {
            (character.is_control() && character != '\n')
                || matches!(character, '\u{202e}' | '\u{200b}')
        };
        assert!(!text.contains(harmful), "{text:?}");
    }
}

#[test]
fn control_characters_in_the_managers_message_are_escaped() {
    let env = TestEnv::with(answering_unknowns(&[]));
    let message = "no \u{1b}[31mway\u{202e}\nhint: all is well";
    let fault = Fault::new("POST", "/api/apikeys", Action::status(403, message));
    env.sandbox.inject(fault);
    let result = env.run(["create", "--role", "Auditor", "-q"]);
    contains(result.failure(5), &[r"no \u{1b}[31mway\u{202e}\u{a}hint"]);
    assert_eq!(result.stderr.lines().count(), 2, "{}", result.stderr);
}

#[test]
fn quiet_omits_notes_and_warnings_but_not_errors() {
    let env = TestEnv::with(answering_unknowns(&[("session-keys", "403")]));
    let arguments = ["create", "--role", "Auditor", "--name"];
    let loud = env.run(arguments.iter().chain(&["one"]));
    loud.success();
    contains(&loud.stderr, &["note: ", "warning: "]);
    let quiet = env.run(arguments.iter().chain(&["two", "--quiet"]));
    quiet.success();
    assert_eq!(quiet.stderr, "");
    let failed = env.run(["find-role", "Nobody", "-q"]);
    contains(failed.failure(3), &["error: ", "hint: "]);
}

#[test]
fn verbose_logs_to_stderr() {
    let env = TestEnv::new();
    let levels = ["", "-v", "-vv"].map(|flag| {
        let mut arguments = vec!["find-role", "Auditor"];
        arguments.extend(Some(flag).filter(|flag| !flag.is_empty()));
        let result = env.run(arguments);
        assert_eq!(result.success(), "2");
        result.stderr
    });
    assert_eq!(levels[0], "");
    assert!(!levels[1].contains("debug: "), "{}", levels[1]);
    for line in [
        "debug: POST /api/sessions -> 200 in ",
        "debug: POST /api/roles/search -> 200 in ",
        "debug: DELETE /api/sessions/current -> 200 in ",
    ] {
        contains(&levels[2], &[line]);
    }
    let retried = Fault::new("POST", "/api/roles/search", Action::Drop);
    env.sandbox.inject(retried);
    let result = env.run(["find-role", "Auditor", "-v"]);
    assert_eq!(result.success(), "2");
    contains(&result.stderr, &["info: "]);
}

/// In `swp-keys list-roles | head -1`, the closed pipe is not an error.
#[test]
fn a_list_with_a_closed_pipe_ends_without_an_error() {
    let env = TestEnv::new();
    for arguments in [&["list-roles"][..], &["list-roles", "-o", "json"]] {
        let mut running = Running::start(&mut env.home.command(arguments));
        running.stop_reading_stdout();
        let result = running.finish();
        result.success();
        assert_eq!(result.stderr, "");
    }
    assert_eq!(env.sandbox.live_sessions(), 0);
}

#[cfg(unix)]
mod shell {
    use super::*;
    use crate::support::shell::sh;

    #[test]
    fn a_shell_variable_receives_the_secret() {
        let env = TestEnv::new();
        let script = r#"KEY=$("$SWP_KEYS" create --role Auditor) && printf '<%s>' "$KEY""#;
        let result = sh(&env.home, script);
        let secret = &env.sandbox.api_keys()[0].secret;
        assert_eq!(result.success(), format!("<{secret}>"));
    }

    #[test]
    fn after_a_failure_the_shell_variable_is_empty() {
        let env = TestEnv::new();
        let script = r#"KEY=$("$SWP_KEYS" create --role Nobody); printf '%s<%s>' "$?" "$KEY""#;
        assert_eq!(sh(&env.home, script).success(), "3<>");
    }

    #[test]
    fn a_shell_evaluates_the_env_format() {
        let env = TestEnv::new();
        let script =
            r#"eval "$("$SWP_KEYS" create --role Auditor -o env)" && printf '<%s>' "$SWP_API_KEY""#;
        let result = sh(&env.home, script);
        let secret = &env.sandbox.api_keys()[0].secret;
        assert_eq!(result.success(), format!("<{secret}>"));
    }

    #[test]
    fn head_ends_a_list_without_an_error() {
        let env = TestEnv::new();
        let script = r#"{ "$SWP_KEYS" list-roles; echo "exit $?" >&2; } | head -n 1"#;
        let result = sh(&env.home, script);
        contains(result.success(), &["1\tFull Access\t"]);
        assert_eq!(result.stderr, "exit 0\n");
    }
}

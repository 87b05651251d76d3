//! Every document that a command prints with `-o json` or `-o jsonl` has the form in `docs/json.schema.json`.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, Fault};

use crate::support::schema::Schema;
use crate::support::{RunResult, TestEnv, answering_unknowns};

const PAGE: &str = include_str!("../../../docs/json.md");

fn schema() -> Schema {
    Schema::parse(include_str!("../../../docs/json.schema.json"))
}

/// Asserts that the documents on stdout match a definition, and the lines on stderr too.
#[track_caller]
fn check(result: &RunResult, name: &str) {
    let schema = schema();
    let documents = serde_json::Deserializer::from_str(&result.stdout).into_iter::<Value>();
    let mut count = 0;
    for document in documents {
        let document = document.unwrap_or_else(|error| panic!("{error}: {}", result.stdout));
        if let Some(difference) = schema.difference(name, &document) {
            panic!("{difference}: {}", result.stdout);
        }
        count += 1;
    }
    assert!(count > 0, "no {name}: {}", result.stderr);
    check_stderr(result);
}

#[track_caller]
fn check_stderr(result: &RunResult) {
    let schema = schema();
    for message in result.json_messages() {
        let name = match message["level"] == "error" {
            true => "error",
            false => "message",
        };
        assert_eq!(schema.difference(name, &message), None, "{message}");
    }
}

/// Runs a command with `-o json` and `-vv`, and checks its output.
#[track_caller]
fn json_of(env: &TestEnv, words: &str, name: &str) {
    run(env, words, "json", name);
}

/// Runs a command with `-o jsonl` and `-vv`, and checks its output.
#[track_caller]
fn lines_of(env: &TestEnv, words: &str, name: &str) {
    run(env, words, "jsonl", name);
}

#[track_caller]
fn run(env: &TestEnv, words: &str, format: &str, name: &str) {
    let words = words.split(' ').chain(["-vv", "-o", format]);
    check(&env.run(words), name);
}

#[test]
fn the_documents_of_a_fleet_match_the_schema() {
    let env = TestEnv::new();
    let ensure = "create-key --role Auditor --name a --if-exists ensure --out-file a";
    json_of(&env, &format!("{ensure} --dry-run"), "dryRun");
    json_of(&env, ensure, "secretKeyDocument");
    json_of(&env, ensure, "secretKeyDocument");
    json_of(&env, &format!("{ensure} --dry-run"), "secretKeyDocument");
    let manifest = "fleet = \"ops\"\n[defaults]\nrole = \"Auditor\"\nexpires = \"90d\"\nout-file = \"{name}\"\n[keys]\na = { adopt = true, locale = \"ja-JP\" }\nb = { description = \"x\" }\n";
    env.home.write("keys.toml", manifest);
    json_of(&env, "plan -f keys.toml", "plan");
    lines_of(&env, "plan -f keys.toml", "plannedKey");
    json_of(&env, "plan -f keys.toml --offline", "planOffline");
    lines_of(&env, "plan -f keys.toml --offline", "planOffline");
    json_of(&env, "apply -f keys.toml", "plan");
    lines_of(&env, "apply -f keys.toml", "plannedKey");
}

#[test]
fn the_documents_of_keys_match_the_schema() {
    let env = TestEnv::new();
    let create = "create-key --role Auditor";
    json_of(
        &env,
        &format!("{create} --name a --expires 30d"),
        "secretKeyDocument",
    );
    json_of(
        &env,
        &format!("{create} --name b --out-file b"),
        "secretKeyDocument",
    );
    json_of(
        &env,
        &format!("{create} --name b --if-exists skip"),
        "secretKeyDocument",
    );
    json_of(
        &env,
        &format!("{create} --name b --if-exists rekey"),
        "secretKeyDocument",
    );
    json_of(
        &env,
        &format!("{create} --name c --expires 1y --dry-run"),
        "dryRun",
    );
    lines_of(
        &env,
        "create-key --role-id 2 --allow-full-access --name c",
        "secretKeyDocument",
    );
    json_of(&env, "list-keys", "listKeys");
    json_of(&env, "list-keys --name no-such-key%", "listKeys");
    lines_of(&env, "list-keys", "listedKey");
    json_of(&env, "show-key a", "showKey");
    json_of(
        &env,
        "update-key a --expires 60d --name d --dry-run",
        "updateKey",
    );
    json_of(&env, "update-key a --expires 60d --name d", "updateKey");
    json_of(&env, "update-key d --name d", "updateKey");
    json_of(&env, "rotate-key d --dry-run", "dryRun");
    json_of(&env, "rotate-key d", "secretKeyDocument");
    json_of(&env, "rotate-key b --out-file b2", "secretKeyDocument");
    json_of(&env, "rotate-key c --in-place --dry-run", "inPlaceDryRun");
    json_of(
        &env,
        "rotate-key c --in-place --out-file c",
        "secretKeyDocument",
    );
}

#[test]
fn the_documents_of_several_keys_match_the_schema() {
    let env = TestEnv::new();
    for name in ["a", "b", "c", "d"] {
        env.sandbox.add_key(name, 2);
    }
    json_of(&env, "lock-key a", "lockKey");
    lines_of(&env, "unlock-key a", "lockKeyLine");
    json_of(&env, "lock-key a b c", "keyResults");
    lines_of(&env, "unlock-key a b", "keyResult");
    json_of(&env, "delete-key a 77 --yes --if-missing ok", "keyResults");
    json_of(&env, "delete-key b --dry-run", "keyResults");
    lines_of(&env, "delete-key b --yes", "keyResult");
    let refused = Fault::new("DELETE", "/api/apikeys/3", Action::status(403, "no"));
    env.sandbox.inject(refused);
    json_of(&env, "delete-key c d --yes", "keyResults");
}

#[test]
fn the_documents_about_identities_match_the_schema() {
    let env = TestEnv::new();
    let secrets = ["Full Access", "Auditor"].map(|role| {
        let key = env
            .run(["create-key", "--role", role, "-o", "json", "-q"])
            .json();
        key["secretKey"].as_str().expect("a secret").to_owned()
    });
    json_of(&env, "whoami", "whoami");
    json_of(&env, "login", "login");
    json_of(&env, "logout", "logout");
    json_of(&env, "logout", "logout");
    for (index, secret) in secrets.iter().enumerate() {
        let file = format!("key{index}");
        env.home.write_secret(&file, secret);
        json_of(&env, &format!("verify-key --key-file {file}"), "verifyKey");
        json_of(&env, &format!("login --api-key-file {file}"), "login");
        json_of(&env, "logout", "logout");
        json_of(&env, &format!("whoami --api-key-file {file}"), "whoami");
    }
    env.home.write_secret("wrong", "7:d3Jvbmc=");
    json_of(&env, "verify-key --key-file wrong", "verifyKey");
}

#[test]
fn the_documents_of_roles_match_the_schema() {
    let env = TestEnv::new();
    json_of(&env, "list-roles", "listRoles");
    lines_of(&env, "list-roles", "role");
    json_of(&env, "find-role Auditor", "findRole");
    json_of(&env, "find-role --like A%", "listRoles");
    json_of(&env, "show-role Auditor", "showRole");
    json_of(&env, "show-role 1 --diff 2", "showRoleDiff");
}

#[test]
fn the_documents_of_trust_and_settings_match_the_schema() {
    let env = TestEnv::new();
    json_of(&env, "trust show", "trustShow");
    let pin = format!("sha256:{}", "ab".repeat(32));
    json_of(
        &env,
        &format!("trust add m:4119 --tls-pin {pin}"),
        "trustChange",
    );
    json_of(&env, "trust list", "trustList");
    lines_of(&env, "trust list", "pinnedManager");
    json_of(&env, "trust remove m:4119", "trustChange");
    json_of(&env, "config path", "configPath");
    json_of(&env, "config show", "configShow");
    json_of(&env, "config check", "configCheck");
    let folder = env.home.path(".config/swp-keys");
    std::fs::create_dir_all(&folder).expect("a folder");
    let profile = "default-profile = \"a\"\n[profiles.a]\ntimeout = \"20s\"\n";
    std::fs::write(folder.join("config.toml"), profile).expect("a file");
    json_of(&env, "config show", "configShow");
    json_of(&env, "config check", "configCheck");
    json_of(&env, "doctor", "doctor");
    json_of(&env, "doctor --sign-in", "doctor");
    json_of(&env, "doctor --url https://127.0.0.1:1", "doctor");
    json_of(&env, "man --out-dir man", "man");
}

/// Leaves the record of a run that was killed while the manager created a key.
fn interrupt(env: &TestEnv, words: &str) {
    use crate::support::running::Running;
    let hold = Action::Delay(Duration::from_secs(60));
    env.sandbox
        .inject(Fault::new("POST", "/api/apikeys", hold).after());
    let before = env.count("POST /api/apikeys");
    let running = Running::start(&mut env.home.command(words.split(' ')));
    crate::support::wait_until("the request", || env.count("POST /api/apikeys") > before);
    drop(running);
    env.sandbox.clear_faults();
}

#[test]
fn the_documents_of_recover_match_the_schema() {
    let env = TestEnv::new();
    let create = "create-key --role Auditor --name a";
    interrupt(&env, create);
    json_of(&env, "recover --list", "recoverList");
    lines_of(&env, "recover --list", "unfinishedRun");
    json_of(&env, "recover --yes", "recovered");
    interrupt(&env, "create-key --role Auditor --name b");
    json_of(&env, "recover --yes --out-file b", "recovered");
    interrupt(&env, "create-key --role Auditor --name c");
    json_of(&env, "recover --yes --delete", "recoverResult");
    interrupt(&env, "create-key --role Auditor --name d");
    lines_of(&env, "recover --yes --forget", "recoverResult");
    interrupt(&env, "rotate-key a --out-file a");
    json_of(&env, "recover --yes --delete", "recoverResult");
}

#[test]
fn errors_match_the_schema() {
    let env = TestEnv::with(answering_unknowns(&[]));
    for words in [
        "find-role Nobody",
        "show-key 99",
        "trust",
        "create-key --no-such-flag",
    ] {
        let result = env.run(words.split(' ').chain(["-vv", "-o", "json"]));
        assert_ne!(result.code(), 0);
        check_stderr(&result);
    }
    for _ in 0..3 {
        let wrong = [
            "list-roles",
            "--username",
            "admin",
            "--password-file",
            "wrong",
        ];
        env.home.write_secret("wrong", "wrong");
        check_stderr(&env.run(wrong.iter().chain(&["-o", "json"])));
    }
}

/// A schema that accepts everything would make the other tests useless.
#[test]
fn a_missing_an_unknown_and_a_wrong_field_are_differences() {
    let schema = schema();
    let good = json!({"level": "note", "message": "a"});
    assert_eq!(schema.difference("message", &good), None);
    for bad in [
        json!({"level": "note"}),
        json!({"level": "note", "message": "a", "more": 1}),
        json!({"level": "loud", "message": "a"}),
        json!({"level": "note", "message": 1}),
        json!([]),
    ] {
        assert!(schema.difference("message", &bad).is_some(), "{bad}");
    }
    let mut key = json!({"ID": 1, "meta": {
        "manager": "m", "state": "active", "role": null, "createdAt": "2026-11-29T11:29:44.402Z", "lastSignInAt": null, "expiresAt": null,
        "unlocksAt": null, "retiring": false
    }});
    assert_eq!(schema.difference("showKey", &key), None);
    key["more"] = json!(1);
    assert!(schema.difference("showKey", &key).is_some());
    key["more"].take();
    key["meta"]["createdAt"] = json!("29.11.2026");
    assert!(schema.difference("showKey", &key).is_some());
}

#[test]
fn the_page_names_every_command_and_every_definition_exists() {
    let schema = schema();
    let defined: BTreeSet<&str> = schema.names().collect();
    let (_, table) = PAGE.split_once("\n## Documents\n").expect("the table");
    let rows: Vec<&str> = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let commands: String = rows
        .iter()
        .filter_map(|row| row.split('|').nth(1))
        .collect();
    for command in swp_keys::command_line().get_subcommands() {
        let name = command.get_name();
        let mut subcommands = command.get_subcommands().peekable();
        if subcommands.peek().is_none() {
            assert!(commands.contains(&format!("`{name}`")), "{name}");
        }
        for subcommand in subcommands {
            let name = format!("`{name} {}`", subcommand.get_name());
            assert!(commands.contains(&name), "{name}");
        }
    }
    for row in rows.iter().filter(|row| !row.contains("no JSON document")) {
        let definitions = row.split('|').nth(2).unwrap_or_default().split('`');
        let names = definitions.skip(1).step_by(2);
        for name in names.filter(|name| !name.starts_with('-')) {
            assert!(defined.contains(name), "{name}");
        }
    }
}

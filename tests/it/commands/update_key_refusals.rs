//! Changes that `update-key` or the manager rejects.

use serde_json::json;
use swp_keys::sandbox::Settings;

use super::update_key::{MARK, key, plain, sent, with_key};
use crate::support::requests::nothing_was_sent;
use crate::support::wording::EVERY_RIGHT;
use crate::support::{TestEnv, answering_unknowns, contains};

/// After a rename, `recover` would not find the key and would delete its record.
#[test]
fn a_key_of_an_interrupted_run_must_be_recovered_first() {
    let mut env = with_key(Settings::default(), |key| {
        key.description = Some(format!("for CI {MARK}"));
    });
    let folder = env.home.path("state/unfinished");
    std::fs::create_dir_all(&folder).expect("a folder");
    let record = json!({
        "operation": "1a2b3c4d", "work": "create", "manager": env.sandbox.url(), "tenant": null, "keyName": "ci",
        "roleID": 2, "keyID": null, "existingIDs": [], "marked": true, "unique": true, "sinks": ["stdout"], "started": 0
    });
    std::fs::write(folder.join("1a2b3c4d.json"), record.to_string()).expect("a file");
    for arguments in [&["--name", "new"][..], &["--no-mark"]] {
        let result = env.run([&["update-key", "ci"], arguments].concat());
        contains(result.failure(6), &["swp-keys recover"]);
    }
    let result = env.run(["update-key", "ci", "--description", "new"]);
    result.success();
    assert_eq!(key(&env).description, Some(format!("new {MARK}")));
    env.home.set("SWP_STATE_DIR", env.home.path("other"));
    env.run(["update-key", "ci", "--name", "new"]).success();
}

#[test]
fn a_used_name_is_rejected_unless_allowed() {
    for choices in [
        &[][..],
        &[("ignore-search", "yes")],
        &[("ignore-case", "no")],
    ] {
        let accepted = [choices, &[("duplicate-name", "accepted")]].concat();
        let env = with_key(answering_unknowns(&accepted), |_| {});
        env.sandbox.add_key("nightly", 2);
        env.sandbox.add_key("Weekly", 2);
        let error = env.run(["update-key", "ci", "--name", "nightly", "-o", "json"]);
        let error = error.json_error(6);
        assert_eq!(error["keyID"], 2);
        assert_eq!(sent(&env), [0; 0]);
        let dry = ["update-key", "ci", "--name", "nightly", "--dry-run"];
        env.run(dry).failure(6);
        env.run(["update-key", "ci", "--name", "weekly"]).success();
        env.run(["update-key", "1", "--name", "nightly", "--force"])
            .success();
        assert_eq!(key(&env).name.as_deref(), Some("nightly"));
    }
    for choice in ["400", "409"] {
        let env = with_key(answering_unknowns(&[("duplicate-name", choice)]), |_| {});
        env.sandbox.add_key("nightly", 2);
        let result = env.run(["update-key", "ci", "--name", "nightly", "--force"]);
        result.failure(6);
        // The name of a user is taken too.
        let result = env.run(["update-key", "ci", "--name", "admin"]);
        result.failure(6);
    }
}

#[test]
fn a_rejected_change_quotes_the_manager() {
    for (choices, arguments, expected) in [
        (
            &[][..],
            ["--time-zone", "Mars/Base"],
            "no time zone Mars/Base",
        ),
        (
            &[("invalid", "422")],
            ["--time-zone", "Mars/Base"],
            "no time zone Mars/Base",
        ),
    ] {
        let env = with_key(answering_unknowns(choices), |_| {});
        let result = env.run([&["update-key", "ci"][..], &arguments].concat());
        contains(result.failure(1), &[expected]);
    }
    let rights = json!({"platformRights": {"apikeyRights": {"canViewApiKeys": true}}});
    let role = json!({"name": "Viewer", "ID": 9, "allowWebService": true, "rights": rights});
    let settings = Settings {
        roles: vec![role],
        administrator_role: 9,
        ..Settings::default()
    };
    let env = with_key(settings, |_| {});
    let result = env.run(["update-key", "ci", "--locale", "ja-JP"]);
    result.failure(5);
    env.run(["update-key", "ci", "--role", "Auditor"])
        .failure(5);
}

#[test]
fn a_missing_or_ambiguous_key_or_role_changes_nothing() {
    let env = plain();
    env.sandbox.add_key("twin", 2);
    env.sandbox.add_key("twin", 2);
    env.run(["update-key", "nobody", "--name", "new"])
        .failure(3);
    env.run(["update-key", "twin", "--name", "new"]).failure(6);
    env.run(["update-key", "ci", "--role", "Audtior"])
        .failure(3);
    let result = env.run(["update-key", "ci", "--role-id", "99"]);
    contains(result.failure(3), &["ID 99"]);
    assert_eq!(sent(&env), [0; 0]);
}

/// The role is checked as for a new key.
#[test]
fn the_new_role_is_checked_before_the_change() {
    for role in [["--role", "Full Access"], ["--role-id", "1"]] {
        let env = plain();
        let arguments = [&["update-key", "ci"][..], &role].concat();
        contains(
            &env.run(&arguments).stderr,
            &["warning:", "--allow-full-access"],
        );
        let result = env.run(&arguments);
        assert!(
            !result.stderr.contains(EVERY_RIGHT),
            "it has it: {}",
            result.stderr
        );
        let env = plain();
        let result = env.run([&arguments[..], &["--allow-full-access"]].concat());
        assert!(!result.stderr.contains(EVERY_RIGHT), "{}", result.stderr);
        assert_eq!(key(&env).role_id, 1);
    }
    let deaf = json!({"name": "Deaf", "ID": 9, "allowWebService": false});
    let settings = Settings {
        roles: vec![deaf],
        ..Settings::default()
    };
    let env = with_key(settings, |_| {});
    for role in [["--role", "Deaf"], ["--role-id", "9"]] {
        let result = env.run([&["update-key", "ci"][..], &role].concat());
        contains(result.failure(5), &["allowWebService"]);
    }
    assert_eq!(sent(&env), [0; 0]);
}

#[test]
fn invalid_arguments_are_rejected_before_anything_is_sent() {
    for arguments in [
        &["ci"][..],
        &["ci", "--dry-run"],
        &["ci", "--name", ""],
        &["ci", "--name", " new"],
        &["ci", "--expires", "2020-01-01"],
        &["ci", "--expires", "soon"],
        &["ci", "--locale", "de-DE"],
        &["ci", "--role", "Auditor", "--role-id", "2"],
        &["007", "--name", "new"],
        &["--name", "new"],
    ] {
        let env = TestEnv::new();
        env.run([&["update-key"], arguments].concat()).failure(2);
        nothing_was_sent(&env.sandbox);
    }
}

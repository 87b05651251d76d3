//! The check of a new key's role. A role with every permission causes a warning, and a role without API access is rejected. The name of the role does
//! not matter.

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, Fault, Settings};

use crate::support::requests::{CREATE, count};
use crate::support::wording::EVERY_RIGHT;
use crate::support::{TestEnv, answering_unknowns, contains};

const WARNING: &str = EVERY_RIGHT;

/// Returns an environment with an additional role that equals Full Access except for its name, its ID and these fields.
fn with_role(changes: &Value) -> TestEnv {
    let env = TestEnv::new();
    let result = env.run(["show-role", "1", "-o", "json"]);
    let mut role = result.json();
    let fields = role.as_object_mut().expect("an object");
    fields.remove("meta");
    fields.insert("name".to_owned(), json!("Auditor of everything"));
    fields.insert("ID".to_owned(), json!(9));
    for (name, value) in changes.as_object().into_iter().flatten() {
        fields.insert(name.clone(), value.clone());
    }
    env.sandbox.add_role(&role).expect("a role");
    env.sandbox.forget_requests();
    env
}

const BY_NAME: [&str; 3] = ["create", "--role", "Auditor of everything"];
const BY_ID: [&str; 3] = ["create", "--role-id", "9"];

#[test]
fn a_role_with_every_permission_is_recognized_by_its_permissions() {
    let hosted = |immutable: bool| {
        let result = TestEnv::new().run(["show-role", "1", "-o", "json"]);
        let mut rights = result.json()["rights"].take();
        rights["hostedServiceRights"]["heapRights"]["canViewHeap"] = json!(false);
        json!({"rights": rights, "immutable": immutable})
    };
    for (changes, warned) in [
        (json!({}), true),
        (json!({"immutable": false}), true),
        (json!({"allComputers": false}), false),
        (json!({"allPolicies": false}), false),
        (json!({"rights": {}}), false),
        (hosted(true), true),
        (hosted(false), false),
    ] {
        let env = with_role(&changes);
        for command in [BY_NAME, BY_ID] {
            let result = env.run(command);
            result.success();
            assert_eq!(
                result.stderr.contains(WARNING),
                warned,
                "{changes} {}",
                result.stderr
            );
            let result = env.run(command.iter().chain(&["--allow-full-access"]));
            result.success();
            assert!(!result.stderr.contains(WARNING), "{}", result.stderr);
        }
    }
    let result = TestEnv::new().run(["create", "--role", "Auditor"]);
    result.success();
    assert!(!result.stderr.contains(WARNING), "{}", result.stderr);
}

#[test]
fn a_role_that_only_has_the_name_full_access_causes_no_warning() {
    let env = TestEnv::with(Settings {
        roles: vec![json!({"ID": 9, "name": "Full Access to reports", "allowWebService": true})],
        ..Settings::default()
    });
    let result = env.run(["create", "--role", "Full Access to reports"]);
    result.success();
    assert!(!result.stderr.contains(WARNING), "{}", result.stderr);
}

#[test]
fn a_role_without_api_access_gets_no_key() {
    let env = with_role(&json!({"allowWebService": false}));
    for command in [BY_NAME, BY_ID] {
        for more in [&[][..], &["--dry-run"]] {
            let result = env.run(command.iter().chain(more));
            contains(
                result.failure(5),
                &[
                    "`Auditor of everything` (ID 9)",
                    "allowWebService",
                    "hint: ",
                ],
            );
        }
    }
    assert_eq!(count(&env.sandbox, CREATE), 0);
    assert_eq!(env.sandbox.live_sessions(), 0);
    let error = env.run(BY_NAME.iter().chain(&["-o", "json"])).json_error(5);
    assert_eq!(error["code"], "forbidden");
    // Whether the manager rejects such a key is unknown (docs/manager-api.md, "Unknowns", no. 14), so the check can be overridden.
    env.run(BY_ID.iter().chain(&["--allow-full-access"]))
        .success();
}

#[test]
fn omitted_fields_are_not_required() {
    let env = TestEnv::with(answering_unknowns(&[("answer-fields", "sparse")]));
    for command in [
        ["create", "--role", "Full Access"],
        ["create", "--role-id", "1"],
    ] {
        let result = env.run(command);
        result.success();
        assert!(!result.stderr.contains(WARNING), "{}", result.stderr);
    }
}

#[test]
fn the_check_takes_one_request_for_an_id_and_none_for_a_name() {
    let env = TestEnv::new();
    let calls = |arguments: &[&str]| {
        env.sandbox.forget_requests();
        env.run(arguments).success();
        env.calls()
    };
    let sign_in = "POST /api/sessions";
    assert_eq!(
        calls(&["create", "--role", "Auditor"]),
        [sign_in, "POST /api/roles/search", CREATE]
    );
    assert_eq!(
        calls(&["create", "--role-id", "2"]),
        [sign_in, "GET /api/roles/2", CREATE]
    );
    assert_eq!(
        calls(&["create", "--role-id", "2", "--allow-full-access"]),
        [sign_in, CREATE]
    );
}

/// The ID works on managers that do not permit viewing roles. The create must therefore not depend on reading the role.
#[test]
fn an_unreadable_role_is_accepted() {
    for choice in ["401", "403"] {
        let env = TestEnv::with(answering_unknowns(&[("session-roles", choice)]));
        env.run(["create", "--role-id", "1"]).success();
    }
    for action in [Action::status(500, "oh"), Action::Drop] {
        let env = TestEnv::new();
        env.sandbox
            .inject(Fault::new("GET", "/api/roles/*", action).times(9));
        env.run(["create", "--role-id", "1", "--retries", "0"])
            .success();
    }
    // A 404 response that is not from the manager does not prove that the role is absent.
    let env = TestEnv::with(answering_unknowns(&[("error-body", "html")]));
    env.run(["create", "--role-id", "99"]).failure(1);
    assert_eq!(count(&env.sandbox, CREATE), 1);
}

#[test]
fn a_missing_role_gets_no_key() {
    for choice in ["accepted", "400", "500"] {
        let env = TestEnv::with(answering_unknowns(&[("unknown-role", choice)]));
        contains(
            env.run(["create", "--role-id", "99"]).failure(3),
            &["ID 99"],
        );
        assert_eq!(count(&env.sandbox, CREATE), 0);
    }
}

#[test]
fn an_existing_key_keeps_its_role_and_an_unchanged_role_is_not_checked() {
    let env = with_role(&json!({"allowWebService": false}));
    env.sandbox.add_key("there", 2);
    for (what, code) in [("skip", 0), ("rekey", 0)] {
        let more = ["--name", "there", "--if-exists", what];
        let result = env.run(BY_NAME.iter().chain(&more));
        assert_eq!(result.code(), code, "{}", result.stderr);
    }
    env.sandbox.add_key("other", 9);
    let result = env.run(
        BY_NAME
            .iter()
            .chain(&["--name", "other", "--if-exists", "rekey"]),
    );
    result.failure(5);
}

#[test]
fn the_role_of_a_rotation_is_checked() {
    let env = with_role(&json!({"allowWebService": false}));
    for (name, role) in [("all", 1), ("none", 9)] {
        env.sandbox.add_key(name, role);
    }
    let result = env.run(["rotate-key", "all", "--dry-run"]);
    assert_eq!(result.code(), 0, "{}", result.stderr);
    contains(&result.stderr, &[WARNING]);
    let result = env.run(["rotate-key", "all", "--dry-run", "--allow-full-access"]);
    assert!(!result.stderr.contains(WARNING), "{}", result.stderr);
    contains(
        env.run(["rotate-key", "none"]).failure(5),
        &["allowWebService"],
    );
}

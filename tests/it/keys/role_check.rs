//! Care with the role of a new key: a role with every right is said, one that may not use the API is refused, and the name of a role
//! proves neither.

use serde_json::{Value, json};
use swp_keys::sandbox::{Action, Fault, Settings};

use crate::support::seen::{CREATE, count};
use crate::support::{World, contains, playing};

const WARNING: &str = "has every right";

/// A world with one more role: Full Access under another name and ID, but for these fields.
fn with_role(changes: &Value) -> World {
    let world = World::new();
    let ran = world.run(["show-role", "1", "-o", "json"]);
    let mut role = ran.json();
    let fields = role.as_object_mut().expect("an object");
    fields.remove("meta");
    fields.insert("name".to_owned(), json!("Auditor of everything"));
    fields.insert("ID".to_owned(), json!(9));
    for (name, value) in changes.as_object().into_iter().flatten() {
        fields.insert(name.clone(), value.clone());
    }
    world.sandbox.add_role(&role).expect("a role");
    world.sandbox.forget_requests();
    world
}

const BY_NAME: [&str; 3] = ["create", "--role", "Auditor of everything"];
const BY_ID: [&str; 3] = ["create", "--role-id", "9"];

#[test]
fn a_role_with_every_right_is_said_by_what_it_may_and_not_by_its_name() {
    let hosted = |immutable: bool| {
        let ran = World::new().run(["show-role", "1", "-o", "json"]);
        let mut rights = ran.json()["rights"].take();
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
        let world = with_role(&changes);
        for command in [BY_NAME, BY_ID] {
            let ran = world.run(command);
            ran.success();
            assert_eq!(
                ran.stderr.contains(WARNING),
                warned,
                "{changes} {}",
                ran.stderr
            );
            let ran = world.run(command.iter().chain(&["--allow-full-access"]));
            ran.success();
            assert!(!ran.stderr.contains(WARNING), "{}", ran.stderr);
        }
    }
    let ran = World::new().run(["create", "--role", "Auditor"]);
    ran.success();
    assert!(!ran.stderr.contains(WARNING), "{}", ran.stderr);
}

#[test]
fn a_role_that_is_called_full_access_and_is_not_is_not_warned_of() {
    let world = World::with(Settings {
        roles: vec![json!({"ID": 9, "name": "Full Access to reports", "allowWebService": true})],
        ..Settings::default()
    });
    let ran = world.run(["create", "--role", "Full Access to reports"]);
    ran.success();
    assert!(!ran.stderr.contains(WARNING), "{}", ran.stderr);
}

#[test]
fn a_role_that_may_not_use_the_api_gets_no_key() {
    let world = with_role(&json!({"allowWebService": false}));
    for command in [BY_NAME, BY_ID] {
        for more in [&[][..], &["--dry-run"]] {
            let ran = world.run(command.iter().chain(more));
            contains(
                ran.failure(5),
                &[
                    "`Auditor of everything` (ID 9)",
                    "allowWebService",
                    "hint: ",
                ],
            );
        }
    }
    assert_eq!(count(&world.sandbox, CREATE), 0);
    assert_eq!(world.sandbox.live_sessions(), 0);
    let error = world
        .run(BY_NAME.iter().chain(&["-o", "json"]))
        .json_error(5);
    assert_eq!(error["code"], "forbidden");
    // Whether such a key is refused is unknown (manager-api.md, section 11, no. 14): who insists finds out.
    world
        .run(BY_ID.iter().chain(&["--allow-full-access"]))
        .success();
}

#[test]
fn what_the_manager_leaves_out_is_no_reason_to_refuse() {
    let world = World::with(playing(&[("answer-fields", "sparse")]));
    for command in [
        ["create", "--role", "Full Access"],
        ["create", "--role-id", "1"],
    ] {
        let ran = world.run(command);
        ran.success();
        assert!(!ran.stderr.contains(WARNING), "{}", ran.stderr);
    }
}

#[test]
fn a_name_costs_no_request_more_and_an_id_one() {
    let world = World::new();
    let calls = |arguments: &[&str]| {
        world.sandbox.forget_requests();
        world.run(arguments).success();
        world.calls()
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

/// The ID is the way around a manager that lets nobody look at roles, so looking is no condition.
#[test]
fn a_role_that_cannot_be_read_is_taken_at_its_word() {
    for choice in ["401", "403"] {
        let world = World::with(playing(&[("session-roles", choice)]));
        world.run(["create", "--role-id", "1"]).success();
    }
    for action in [Action::status(500, "oh"), Action::Drop] {
        let world = World::new();
        world
            .sandbox
            .inject(Fault::new("GET", "/api/roles/*", action).times(9));
        world
            .run(["create", "--role-id", "1", "--retries", "0"])
            .success();
    }
    // A 404 that is not the manager's own says nothing of the role.
    let world = World::with(playing(&[("error-body", "html")]));
    world.run(["create", "--role-id", "99"]).failure(1);
    assert_eq!(count(&world.sandbox, CREATE), 1);
}

#[test]
fn a_role_that_is_not_there_gets_no_key_whatever_the_manager_would_have_done() {
    for choice in ["accepted", "400", "500"] {
        let world = World::with(playing(&[("unknown-role", choice)]));
        contains(
            world.run(["create", "--role-id", "99"]).failure(3),
            &["there is no role with the ID 99"],
        );
        assert_eq!(count(&world.sandbox, CREATE), 0);
    }
}

#[test]
fn an_existing_key_keeps_its_own_role_and_what_is_left_as_it_is_is_not_judged() {
    let world = with_role(&json!({"allowWebService": false}));
    world.sandbox.add_key("there", 2);
    for (what, code) in [("skip", 0), ("rekey", 0)] {
        let more = ["--name", "there", "--if-exists", what];
        let ran = world.run(BY_NAME.iter().chain(&more));
        assert_eq!(ran.code(), code, "{}", ran.stderr);
    }
    world.sandbox.add_key("other", 9);
    let ran = world.run(
        BY_NAME
            .iter()
            .chain(&["--name", "other", "--if-exists", "rekey"]),
    );
    ran.failure(5);
}

#[test]
fn the_successor_of_a_rotation_is_judged_too() {
    let world = with_role(&json!({"allowWebService": false}));
    for (name, role) in [("all", 1), ("none", 9)] {
        world.sandbox.add_key(name, role);
    }
    let ran = world.run(["rotate-key", "all", "--dry-run"]);
    assert_eq!(ran.code(), 0, "{}", ran.stderr);
    contains(&ran.stderr, &[WARNING]);
    let ran = world.run(["rotate-key", "all", "--dry-run", "--allow-full-access"]);
    assert!(!ran.stderr.contains(WARNING), "{}", ran.stderr);
    contains(
        world.run(["rotate-key", "none"]).failure(5),
        &["allowWebService"],
    );
}

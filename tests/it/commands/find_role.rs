//! `find-role`, and the way in which `create --role` finds the one role with a name.

use serde_json::{Value, json};
use swp_keys::sandbox::Settings;

use crate::support::requests::{CREATE, SEARCH_ROLES, bodies, count, nothing_was_sent};
use crate::support::{RunResult, TestEnv, answering_unknowns, contains};

fn with_roles(names: &[&str]) -> TestEnv {
    with_roles_and(names, Settings::default())
}

fn with_roles_and(names: &[&str], settings: Settings) -> TestEnv {
    TestEnv::with(Settings {
        roles: names
            .iter()
            .map(|name| json!({"name": name, "allowWebService": true}))
            .collect(),
        ..settings
    })
}

#[test]
fn the_name_becomes_the_id() {
    let env = TestEnv::new();
    for (name, id) in [("Full Access", "1"), ("Auditor", "2")] {
        assert_eq!(env.run(["find-role", name]).success(), id);
    }
    let criteria = &bodies(&env.sandbox, SEARCH_ROLES)[1]["searchCriteria"];
    let expected = json!([
        {"fieldName": "name", "stringTest": "equal", "stringValue": "Auditor", "stringWildcards": false}
    ]);
    assert_eq!(*criteria, expected);
    assert_eq!(env.sandbox.live_sessions(), 0);
    assert_eq!(env.sandbox.api_keys(), []);
}

#[test]
fn an_unknown_name_gets_a_suggestion() {
    for (name, hint) in [
        ("Audtior", "`Auditor`"),
        ("full-access", "`Full Access`"),
        ("xyzzy", "list-roles"),
    ] {
        let env = TestEnv::new();
        for result in [
            env.run(["find-role", name]),
            env.run(["create", "--role", name]),
        ] {
            let stderr = result.failure(3);
            let missing = format!("`{name}`");
            contains(stderr, &[&missing, "hint: ", hint]);
        }
        assert_eq!(count(&env.sandbox, CREATE), 0);
        assert_eq!(env.sandbox.live_sessions(), 0);
    }
}

/// Whether the manager compares names by case is unknown. The result must be the same in both cases.
#[test]
fn a_name_that_differs_in_case_or_spaces_does_not_match() {
    for ignore_case in ["yes", "no"] {
        for name in ["auditor", "AUDITOR", "Auditor ", " Auditor"] {
            let env = TestEnv::with(answering_unknowns(&[("ignore-case", ignore_case)]));
            let result = env.run(["create", "--role", name]);
            contains(result.failure(3), &["Auditor"]);
            assert_eq!(count(&env.sandbox, CREATE), 0);
        }
    }
}

#[test]
fn names_that_differ_only_in_case_are_distinguished() {
    for ignore_case in ["yes", "no"] {
        let env = with_roles_and(
            &["auditor"],
            answering_unknowns(&[("ignore-case", ignore_case)]),
        );
        assert_eq!(env.run(["find-role", "auditor"]).success(), "3");
        assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
    }
}

#[test]
fn wildcards_in_a_name_are_literal() {
    for choices in [&[][..], &[("ignore-search", "yes")]] {
        let names = ["DevXRead", "Dev_Read", "Dev%", "Develop"];
        let env = with_roles_and(&names, answering_unknowns(choices));
        assert_eq!(env.run(["find-role", "Dev_Read"]).success(), "4");
        assert_eq!(env.run(["find-role", "Dev%"]).success(), "5");
        let result = env.run(["create", "--role", "Dev_lop"]);
        contains(result.failure(3), &["Develop"]);
        env.run(["find-role", "%"]).failure(3);
    }
}

#[test]
fn several_roles_with_one_name_are_listed_and_none_is_chosen() {
    let env = with_roles(&["Deployers", "Others", "Deployers", "Deployers"]);
    for command in [
        &["find-role", "Deployers"][..],
        &["create", "--role", "Deployers"],
    ] {
        let stderr = env.run(command).failure(6).to_owned();
        contains(&stderr, &["`Deployers`", "3, 5, 6", "--role-id"]);
    }
    assert_eq!(count(&env.sandbox, CREATE), 0);
    env.run(["create", "--role-id", "5"]).success();
    assert_eq!(env.sandbox.api_keys()[0].role_id, 5);
}

#[test]
fn a_manager_that_ignores_the_criteria_changes_nothing() {
    let env = with_roles_and(
        &["Deployers"],
        answering_unknowns(&[("ignore-search", "yes")]),
    );
    assert_eq!(env.run(["find-role", "Auditor"]).success(), "2");
    assert_eq!(env.run(["find-role", "Deployers"]).success(), "3");
    let result = env.run(["find-role", "Auditors"]);
    contains(result.failure(3), &["Auditor"]);
}

/// Whether a session may search roles is unknown. If not, the error names the alternative.
#[test]
fn a_rejected_search_names_the_alternative() {
    for (choice, code) in [("401", 4), ("403", 5)] {
        let env = TestEnv::with(answering_unknowns(&[("session-roles", choice)]));
        for arguments in [
            &["find-role", "Auditor"][..],
            &["find-role", "--like", "A%"],
            &["list-roles"],
            &["create", "--role", "Auditor"],
        ] {
            let result: RunResult = env.run(arguments);
            contains(result.failure(code), &["--role-id"]);
        }
        assert_eq!(count(&env.sandbox, CREATE), 0);
        assert_eq!(env.sandbox.live_sessions(), 0);
        env.run(["create", "--role-id", "2"]).success();
    }
}

#[test]
fn a_missing_right_to_view_roles_is_reported() {
    let env = TestEnv::with(Settings {
        administrator_role: 2,
        ..Settings::default()
    });
    let result = env.run(["create", "--role", "Auditor"]);
    let stderr = result.failure(5);
    contains(
        stderr,
        &["Not authorized to view administrator roles", "--role-id"],
    );
}

#[test]
fn a_pattern_lists_all_matches() {
    let env = with_roles(&["Deployers", "Developers", "Others"]);
    let roles = |pattern: &str| -> Vec<Value> {
        let arguments = ["find-role", "--like", pattern, "-o", "json"];
        let answer = env.run(arguments).json();
        let roles = answer["roles"].as_array().expect("a list");
        roles.iter().map(|role| role["ID"].clone()).collect()
    };
    assert_eq!(roles("De%"), [3, 4]);
    assert_eq!(roles("_thers"), [5]);
    assert_eq!(roles("nothing%"), [0; 0]);
    let criteria = &bodies(&env.sandbox, SEARCH_ROLES)[0]["searchCriteria"];
    assert_eq!(criteria[0]["stringWildcards"], json!(true));
    let table = env.run(["find-role", "--like", "De%"]);
    contains(table.success(), &["Deployers", "Developers"]);
}

#[test]
fn invalid_arguments_are_rejected_before_anything_is_sent() {
    for arguments in [
        &["find-role"][..],
        &["find-role", "Auditor", "--like", "A%"],
        &["find-role", "Auditor", "Full Access"],
        &["find-role", "--like", "A%", "-o", "env"],
    ] {
        let env = TestEnv::new();
        env.run(arguments).failure(2);
        nothing_was_sent(&env.sandbox);
    }
}

//! `find-role`, and how `create --role` gets from a name to the one role that bears it.

use serde_json::{Value, json};
use swp_keys::sandbox::Settings;

use crate::support::seen::{CREATE, SEARCH_ROLES, bodies, count, nothing_was_sent};
use crate::support::{Ran, World, contains, playing};

fn with_roles(names: &[&str]) -> World {
    with_roles_and(names, Settings::default())
}

fn with_roles_and(names: &[&str], settings: Settings) -> World {
    World::with(Settings {
        roles: names
            .iter()
            .map(|name| json!({"name": name, "allowWebService": true}))
            .collect(),
        ..settings
    })
}

#[test]
fn the_name_becomes_the_id() {
    let world = World::new();
    for (name, id) in [("Full Access", "1"), ("Auditor", "2")] {
        assert_eq!(world.run(["find-role", name]).success(), id);
    }
    let criteria = &bodies(&world.sandbox, SEARCH_ROLES)[1]["searchCriteria"];
    let expected = json!([
        {"fieldName": "name", "stringTest": "equal", "stringValue": "Auditor", "stringWildcards": false}
    ]);
    assert_eq!(*criteria, expected);
    assert_eq!(world.sandbox.live_sessions(), 0);
    assert_eq!(world.sandbox.api_keys(), []);
}

#[test]
fn a_name_that_is_not_there_gets_the_closest_one() {
    for (name, hint) in [
        ("Audtior", "did you mean `Auditor`?"),
        ("full-access", "did you mean `Full Access`?"),
        ("xyzzy", "list-roles"),
    ] {
        let world = World::new();
        for ran in [
            world.run(["find-role", name]),
            world.run(["create", "--role", name]),
        ] {
            let said = ran.failure(3);
            let missing = format!("error: there is no role named `{name}`");
            contains(said, &[&missing, "hint: ", hint]);
        }
        assert_eq!(count(&world.sandbox, CREATE), 0);
        assert_eq!(world.sandbox.live_sessions(), 0);
    }
}

/// Whether the manager's equality knows upper and lower case is unknown: the answer is the same either way.
#[test]
fn a_name_of_which_the_case_or_a_blank_differs_is_another_one() {
    for ignore_case in ["yes", "no"] {
        for name in ["auditor", "AUDITOR", "Auditor ", " Auditor"] {
            let world = World::with(playing(&[("ignore-case", ignore_case)]));
            let ran = world.run(["create", "--role", name]);
            contains(ran.failure(3), &["did you mean `Auditor`? Upper and lower"]);
            assert_eq!(count(&world.sandbox, CREATE), 0);
        }
    }
}

#[test]
fn of_two_names_that_differ_in_case_each_is_found() {
    for ignore_case in ["yes", "no"] {
        let world = with_roles_and(&["auditor"], playing(&[("ignore-case", ignore_case)]));
        assert_eq!(world.run(["find-role", "auditor"]).success(), "3");
        assert_eq!(world.run(["find-role", "Auditor"]).success(), "2");
    }
}

#[test]
fn wildcards_in_a_name_are_letters() {
    for choices in [&[][..], &[("ignore-search", "yes")]] {
        let names = ["DevXRead", "Dev_Read", "Dev%", "Develop"];
        let world = with_roles_and(&names, playing(choices));
        assert_eq!(world.run(["find-role", "Dev_Read"]).success(), "4");
        assert_eq!(world.run(["find-role", "Dev%"]).success(), "5");
        let ran = world.run(["create", "--role", "Dev_lop"]);
        contains(ran.failure(3), &["did you mean `Develop`?"]);
        world.run(["find-role", "%"]).failure(3);
    }
}

#[test]
fn several_of_one_name_are_listed_and_none_is_chosen() {
    let world = with_roles(&["Deployers", "Others", "Deployers", "Deployers"]);
    for command in [
        &["find-role", "Deployers"][..],
        &["create", "--role", "Deployers"],
    ] {
        let said = world.run(command).failure(6).to_owned();
        let all = "3 roles are named `Deployers`, with the IDs 3, 5, 6";
        contains(&said, &[all, "--role-id"]);
    }
    assert_eq!(count(&world.sandbox, CREATE), 0);
    world.run(["create", "--role-id", "5"]).success();
    assert_eq!(world.sandbox.api_keys()[0].role_id, 5);
}

#[test]
fn a_manager_that_ignores_what_is_searched_for_makes_no_difference() {
    let world = with_roles_and(&["Deployers"], playing(&[("ignore-search", "yes")]));
    assert_eq!(world.run(["find-role", "Auditor"]).success(), "2");
    assert_eq!(world.run(["find-role", "Deployers"]).success(), "3");
    let ran = world.run(["find-role", "Auditors"]);
    contains(ran.failure(3), &["did you mean `Auditor`?"]);
}

/// Whether a session may search roles is unknown; where it may not, the way around is named.
#[test]
fn a_refused_search_names_the_way_around_it() {
    for (choice, code) in [("401", 4), ("403", 5)] {
        let world = World::with(playing(&[("session-roles", choice)]));
        for arguments in [
            &["find-role", "Auditor"][..],
            &["find-role", "--like", "A%"],
            &["list-roles"],
            &["create", "--role", "Auditor"],
        ] {
            let ran: Ran = world.run(arguments);
            contains(ran.failure(code), &["searching roles", "--role-id"]);
        }
        assert_eq!(count(&world.sandbox, CREATE), 0);
        assert_eq!(world.sandbox.live_sessions(), 0);
        world.run(["create", "--role-id", "2"]).success();
    }
}

#[test]
fn an_administrator_who_may_not_see_roles_is_told_so() {
    let world = World::with(Settings {
        administrator_role: 2,
        ..Settings::default()
    });
    let ran = world.run(["create", "--role", "Auditor"]);
    let said = ran.failure(5);
    contains(
        said,
        &["Not authorized to view administrator roles", "--role-id"],
    );
}

#[test]
fn a_pattern_lists_what_matches() {
    let world = with_roles(&["Deployers", "Developers", "Others"]);
    let roles = |pattern: &str| -> Vec<Value> {
        let arguments = ["find-role", "--like", pattern, "-o", "json"];
        let answer = world.run(arguments).json();
        let roles = answer["roles"].as_array().expect("a list");
        roles.iter().map(|role| role["ID"].clone()).collect()
    };
    assert_eq!(roles("De%"), [3, 4]);
    assert_eq!(roles("_thers"), [5]);
    assert_eq!(roles("nothing%"), [0; 0]);
    let criteria = &bodies(&world.sandbox, SEARCH_ROLES)[0]["searchCriteria"];
    assert_eq!(criteria[0]["stringWildcards"], json!(true));
    let table = world.run(["find-role", "--like", "De%"]);
    contains(table.success(), &["Deployers", "Developers"]);
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_sent() {
    for arguments in [
        &["find-role"][..],
        &["find-role", "Auditor", "--like", "A%"],
        &["find-role", "Auditor", "Full Access"],
        &["find-role", "--like", "A%", "-o", "env"],
    ] {
        let world = World::new();
        world.run(arguments).failure(2);
        nothing_was_sent(&world.sandbox);
    }
}

//! `show-role`: the permissions of a role, and the differences between two roles.

use serde_json::{Value, json};
use swp_keys::sandbox::Settings;

use crate::support::{TestEnv, answering_unknowns, contains};

const VIEW: &str = "rights.platformRights.apikeyRights.canViewApiKeys";

fn with_roles(roles: &[Value]) -> TestEnv {
    TestEnv::with(Settings {
        roles: roles.to_vec(),
        ..Settings::default()
    })
}

/// Returns a role that may view keys and two computers.
fn viewer(name: &str) -> Value {
    json!({"name": name, "allowWebService": true, "computerIDs": [7, 12],
           "rights": {"platformRights": {"apikeyRights": {"canViewApiKeys": true}}}})
}

#[test]
fn each_permission_is_a_line_with_its_path() {
    let env = with_roles(&[viewer("Viewer")]);
    let expected = ["allowWebService", VIEW, "computerIDs=[7,12]"];
    for role in ["Viewer", "3"] {
        let result = env.run(["show-role", role]);
        let mut lines: Vec<&str> = result.success().lines().collect();
        lines.sort_unstable();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(lines, expected);
    }
    let answer = env.run(["show-role", "Viewer", "-o", "json"]).json();
    assert_eq!(answer["ID"], 3);
    assert_eq!(
        answer["rights"]["platformRights"]["apikeyRights"]["canViewApiKeys"],
        true
    );
    assert_eq!(answer["meta"]["on"].as_array().map(Vec::len), Some(3));
    assert_eq!(answer["meta"]["manager"], env.sandbox.url());
    let auditor = env.run(["show-role", "Auditor"]);
    contains(
        auditor.success(),
        &[
            "allComputers\n",
            "rights.platformRights.policyRights.canViewOtherPolicies",
        ],
    );
    assert!(!auditor.stdout.contains("apikeyRights"));
    assert_eq!(env.sandbox.live_sessions(), 0);
}

#[test]
fn a_difference_is_shown_as_before_and_after() {
    let env = with_roles(&[
        viewer("Viewer"),
        json!({"name": "Page", "allowWebService": true, "allowUserInterface": true}),
        viewer("Twin"),
    ]);
    let result = env.run(["show-role", "Viewer", "--diff", "4"]);
    let mut lines: Vec<&str> = result.success().lines().collect();
    assert_eq!(lines[..2], ["--- Viewer (ID 3)", "+++ Page (ID 4)"]);
    lines[2..].sort_unstable();
    assert_eq!(
        lines[2..],
        [
            "+allowUserInterface",
            "-computerIDs=[7,12]",
            &format!("-{VIEW}")
        ]
    );
    let answer = env
        .run(["show-role", "Viewer", "--diff", "Page", "-o", "jsonl"])
        .json();
    assert_eq!(answer["from"], json!({"ID": 3, "name": "Viewer"}));
    assert_eq!(answer["to"], json!({"ID": 4, "name": "Page"}));
    assert_eq!(answer["onlyTo"], json!(["allowUserInterface"]));
    assert_eq!(answer["onlyFrom"].as_array().map(Vec::len), Some(2));
    let result = env.run(["show-role", "Viewer", "--diff", "Twin"]);
    assert_eq!(result.success(), "");
    contains(&result.stderr, &["note:", "Viewer", "Twin"]);
}

#[test]
fn a_missing_or_ambiguous_role_is_reported() {
    let env = with_roles(&[viewer("Twin"), viewer("Twin")]);
    contains(env.run(["show-role", "Audtior"]).failure(3), &["Auditor"]);
    contains(env.run(["show-role", "99"]).failure(3), &["list-roles"]);
    contains(
        env.run(["show-role", "1", "--diff", "99"]).failure(3),
        &["99"],
    );
    contains(env.run(["show-role", "Twin"]).failure(6), &["3, 4"]);
    env.sandbox.forget_requests();
    for arguments in [
        &["show-role"][..],
        &["show-role", ""],
        &["show-role", "007"],
        &["show-role", "99999999999999999999"],
        &["show-role", "Auditor", "-o", "env"],
        &["show-role", "Auditor", "--diff", ""],
    ] {
        env.run(arguments).failure(2);
    }
    assert_eq!(env.sandbox.requests(), []);
}

#[test]
fn a_missing_permission_is_not_shown() {
    let env = TestEnv::with(answering_unknowns(&[("answer-fields", "sparse")]));
    assert_eq!(env.run(["show-role", "Full Access"]).success(), "");
}

#[test]
fn texts_of_the_manager_cannot_imitate_a_line() {
    let env = with_roles(&[json!({"name": "R\n+++ Full Access", "x\ny": true})]);
    let result = env.run(["show-role", "3", "--diff", "2"]);
    assert!(
        !result
            .success()
            .lines()
            .any(|line| line == "+++ Full Access (ID 3)")
    );
    let result = env.run(["show-role", "3"]);
    assert_eq!(result.success(), r"x\u{a}y");
}

//! `list-roles`, page by page.

use serde_json::{Value, json};
use swp_keys::sandbox::{AnswerFields, Settings};

use crate::support::requests::{SEARCH_ROLES, bodies, nothing_was_sent};
use crate::support::snapshot::snapshot;
use crate::support::{TestEnv, answering_unknowns, contains};

/// Returns an environment with `count` roles, including the two default ones. Each role has only an ID and a name, because a list of a thousand
/// complete roles would take 7 MB.
fn with_roles(count: usize, mut settings: Settings) -> TestEnv {
    settings.unknowns.answer_fields = AnswerFields::Sparse;
    let roles = (3..=count).map(|number| json!({"name": format!("Role {number}")}));
    TestEnv::with(Settings {
        roles: roles.collect(),
        ..settings
    })
}

fn ids(answer: &Value) -> Vec<i64> {
    let roles = answer["roles"].as_array().expect("a list");
    roles
        .iter()
        .map(|role| role["ID"].as_i64().expect("a number"))
        .collect()
}

#[test]
fn the_table_has_a_line_for_each_role() {
    let env = TestEnv::with(Settings {
        roles: vec![json!({"name": "Deployers", "description": "Who deploys", "ID": 1000})],
        ..Settings::default()
    });
    let result = env.run(["list-roles"]);
    let lines: Vec<&str> = result.success().lines().collect();
    let [full, auditor, deployers] = lines[..] else {
        panic!("{}", result.stdout)
    };
    contains(full, &["1\tFull Access\tFull access to every part"]);
    contains(auditor, &["2\tAuditor\t", "view only, 17 of 181 rights"]);
    assert_eq!(deployers, "1000\tDeployers\tWho deploys\tno API access");
    let tsv = env.run(["list-roles", "-o", "tsv"]);
    let with_header = format!("id\tname\tdescription\trights\n{}", result.success());
    assert_eq!(tsv.success().trim_end(), with_header.trim_end());
    assert_eq!(result.stderr, "");
}

#[test]
fn the_search_asks_for_everything_sorted_by_id() {
    let env = TestEnv::new();
    env.run(["list-roles"]).success();
    let expected = json!({"maxItems": 500, "sortByObjectID": true});
    assert_eq!(bodies(&env.sandbox, SEARCH_ROLES), [expected]);
    assert_eq!(env.sandbox.live_sessions(), 0);
}

#[test]
fn more_than_a_page_is_fetched_page_by_page() {
    for (count, last_ids) in [(1001, &[500, 1000][..]), (500, &[500])] {
        let env = with_roles(count, Settings::default());
        let answer = env.run(["list-roles", "-o", "json"]).json();
        let all: Vec<i64> = (1..=1001).take(count).collect();
        assert_eq!(ids(&answer), all);
        let bodies = bodies(&env.sandbox, SEARCH_ROLES);
        let after = |id: &i64| {
            json!({
                "maxItems": 500,
                "searchCriteria": [{"idTest": "greater-than", "idValue": id}],
                "sortByObjectID": true
            })
        };
        let first = json!({"maxItems": 500, "sortByObjectID": true});
        let expected: Vec<Value> = [first]
            .into_iter()
            .chain(last_ids.iter().map(after))
            .collect();
        assert_eq!(bodies, expected, "{count} roles");
    }
}

#[test]
fn an_incomplete_page_is_the_last() {
    let env = with_roles(499, Settings::default());
    let answer = env.run(["list-roles", "-o", "json"]).json();
    assert_eq!(ids(&answer).len(), 499);
    assert_eq!(bodies(&env.sandbox, SEARCH_ROLES).len(), 1);
}

#[test]
fn a_name_beyond_the_first_page_is_found_in_one_search() {
    let env = with_roles(600, Settings::default());
    assert_eq!(env.run(["find-role", "Role 600"]).success(), "600");
    assert_eq!(bodies(&env.sandbox, SEARCH_ROLES).len(), 1);
}

/// A manager that ignores the criteria sends the first page again and again.
#[test]
fn endless_pages_are_an_error() {
    let env = with_roles(600, answering_unknowns(&[("ignore-search", "yes")]));
    for arguments in [
        &["list-roles"][..],
        &["find-role", "Role 600"],
        &["create", "--role", "Role 600"],
    ] {
        env.sandbox.forget_requests();
        let stderr = env.run(arguments).failure(1).to_owned();
        snapshot(&stderr);
        assert_eq!(bodies(&env.sandbox, SEARCH_ROLES).len(), 2);
        assert_eq!(env.sandbox.live_sessions(), 0);
    }
    assert_eq!(env.sandbox.api_keys(), []);
}

#[test]
fn the_env_format_is_rejected() {
    let env = TestEnv::new();
    let result = env.run(["list-roles", "-o", "env"]);
    contains(result.failure(2), &["`-o env`", "json"]);
    nothing_was_sent(&env.sandbox);
}

//! Responses to a create that describe a different key.

use serde_json::json;

use super::case::{CREATE, CREATE_NAMED, CREATE_UNNAMED, Case, DELETE, Stdout, run_all};
use super::manager::json_answer;
use crate::support::secrets::FRESH;

const RESET: &str = "POST /api/apikeys/5/secretkey";

/// A response to a create.
fn response(name: &str, key: &serde_json::Value, exit: i32) -> Case {
    Case::bytes(name, CREATE_NAMED, CREATE, json_answer(key), exit)
}

fn deleted(case: Case, times: usize) -> Case {
    case.checking(move |manager, _, _| assert_eq!(manager.count(DELETE), times, "deletions"))
}

fn different_names_and_roles() -> Vec<Case> {
    let role = &["ID 1"][..];
    vec![
        deleted(
            response(
                "a different name",
                &json!({"ID": 8, "keyName": "CI", "roleID": 2, "secretKey": FRESH}),
                0,
            )
            .printing(Stdout::Secret),
            0,
        ),
        deleted(
            response(
                "no role",
                &json!({"ID": 8, "keyName": "ci", "secretKey": FRESH}),
                0,
            )
            .printing(Stdout::Secret),
            0,
        ),
        deleted(
            response(
                "a stronger role",
                &json!({"ID": 8, "keyName": "ci", "roleID": 1, "secretKey": FRESH}),
                1,
            )
            .reporting(role),
            1,
        ),
        deleted(
            response(
                "a stronger role, and no name",
                &json!({"ID": 8, "roleID": 1, "secretKey": FRESH}),
                1,
            ),
            1,
        ),
        deleted(
            response(
                "a stronger role, and no secret",
                &json!({"ID": 8, "keyName": "ci", "roleID": 1}),
                1,
            )
            .reporting(role),
            1,
        ),
    ]
}

fn existing_keys() -> Vec<Case> {
    vec![
        deleted(
            response(
                "an existing key",
                &json!({"ID": 8, "keyName": "production", "roleID": 1, "secretKey": FRESH}),
                11,
            ),
            0,
        ),
        deleted(
            response(
                "an existing key, and no secret",
                &json!({"ID": 8, "keyName": "production", "roleID": 2}),
                11,
            ),
            0,
        ),
    ]
}

fn no_secret() -> Vec<Case> {
    vec![
        deleted(
            response(
                "no secret",
                &json!({"ID": 8, "keyName": "ci", "roleID": 2}),
                10,
            ),
            1,
        ),
        deleted(
            response(
                "an empty secret",
                &json!({"ID": 8, "keyName": "ci", "secretKey": ""}),
                10,
            ),
            1,
        ),
        deleted(
            response(
                "null for a secret",
                &json!({"ID": 8, "keyName": "ci", "secretKey": null}),
                10,
            ),
            1,
        ),
    ]
}

fn malformed_secrets() -> Vec<Case> {
    vec![
        deleted(
            response(
                "a secret of two lines",
                &json!({"ID": 8, "keyName": "ci", "secretKey": format!("{FRESH}\nexport PATH=/evil")}),
                10,
            ),
            1,
        ),
        deleted(
            response(
                "a secret with an escape sequence",
                &json!({"ID": 8, "keyName": "ci", "secretKey": format!("{FRESH}\x1b]52;c;aGk=\x07")}),
                10,
            ),
            1,
        ),
    ]
}

fn not_a_key() -> Vec<Case> {
    vec![
        response(
            "a number for a secret",
            &json!({"ID": 8, "keyName": "ci", "secretKey": 5}),
            8,
        ),
        response(
            "a list of keys",
            &json!([{"ID": 8, "keyName": "ci", "secretKey": FRESH}]),
            8,
        ),
        response("an empty object", &json!({}), 8),
    ]
}

#[test]
fn a_key_that_differs_from_the_request() {
    run_all(
        [
            different_names_and_roles(),
            existing_keys(),
            no_secret(),
            malformed_secrets(),
            not_a_key(),
        ]
        .into_iter()
        .flatten(),
    );
}

/// The record of an unnamed key is written before the role search ends.
#[test]
fn an_unnamed_key_with_a_stronger_role_is_deleted() {
    let stronger = json_answer(&json!({"ID": 8, "roleID": 1, "secretKey": FRESH}));
    let run = |name: &str, arguments: &[&'static str]| {
        let role = &["ID 1"][..];
        deleted(
            Case::bytes(name, arguments, CREATE, stronger.clone(), 1).reporting(role),
            1,
        )
    };
    run_all(vec![
        run("with a role ID", CREATE_UNNAMED),
        run("with a role name", &["create", "--role", "Auditor"]),
    ]);
}

#[test]
fn the_secret_of_a_different_key() {
    let other = json_answer(&json!({"ID": 9, "keyName": "other", "secretKey": FRESH}));
    run_all(vec![
        Case::bytes(
            "a different key at the verification",
            CREATE_UNNAMED,
            "GET /api/apikeys/current",
            other.clone(),
            10,
        )
        .reporting(&["ID 9"])
        .with(&["--verify"]),
        Case::bytes(
            "a reset that returns a different key",
            &[
                "create",
                "--role-id",
                "2",
                "--name",
                "there",
                "--if-exists",
                "rekey",
            ],
            RESET,
            other,
            11,
        )
        .reporting(&["ID 9"]),
    ]);
}

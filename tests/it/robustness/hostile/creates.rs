//! Answers to a create that are not about what was asked for.

use serde_json::json;

use super::case::{CREATE, Case, DELETE, MAKE, MAKE_ONE, Stdout, judge};
use super::manager::json_answer;
use crate::support::secrets::FRESH;

const RESET: &str = "POST /api/apikeys/5/secretkey";

/// The answer to a create.
fn told(name: &str, key: &serde_json::Value, exit: i32, stderr: &[&str]) -> Case {
    Case::bytes(name, MAKE, CREATE, json_answer(key), exit, stderr)
}

fn deleted(case: Case, times: usize) -> Case {
    case.and(move |manager, _, _| assert_eq!(manager.count(DELETE), times, "deletions"))
}

#[test]
fn another_key_than_was_asked_for() {
    let again = &[][..];
    let role = &["ID 1"][..];
    judge(vec![
        deleted(
            told(
                "another name",
                &json!({"ID": 8, "keyName": "CI", "roleID": 2, "secretKey": FRESH}),
                0,
                &[],
            )
            .printing(Stdout::Fresh),
            0,
        ),
        deleted(
            told(
                "no role",
                &json!({"ID": 8, "keyName": "ci", "secretKey": FRESH}),
                0,
                &[],
            )
            .printing(Stdout::Fresh),
            0,
        ),
        deleted(
            told(
                "a stronger role",
                &json!({"ID": 8, "keyName": "ci", "roleID": 1, "secretKey": FRESH}),
                1,
                role,
            ),
            1,
        ),
        deleted(
            told(
                "a stronger role, and no name",
                &json!({"ID": 8, "roleID": 1, "secretKey": FRESH}),
                1,
                again,
            ),
            1,
        ),
        deleted(
            told(
                "a stronger role, and no secret",
                &json!({"ID": 8, "keyName": "ci", "roleID": 1}),
                1,
                role,
            ),
            1,
        ),
        deleted(
            told(
                "somebody's key",
                &json!({"ID": 8, "keyName": "production", "roleID": 1, "secretKey": FRESH}),
                11,
                &[],
            ),
            0,
        ),
        deleted(
            told(
                "somebody's key, and no secret",
                &json!({"ID": 8, "keyName": "production", "roleID": 2}),
                11,
                &[],
            ),
            0,
        ),
        deleted(
            told(
                "no secret",
                &json!({"ID": 8, "keyName": "ci", "roleID": 2}),
                10,
                again,
            ),
            1,
        ),
        deleted(
            told(
                "an empty secret",
                &json!({"ID": 8, "keyName": "ci", "secretKey": ""}),
                10,
                again,
            ),
            1,
        ),
        deleted(
            told(
                "null for a secret",
                &json!({"ID": 8, "keyName": "ci", "secretKey": null}),
                10,
                again,
            ),
            1,
        ),
        deleted(
            told(
                "a secret of two lines",
                &json!({"ID": 8, "keyName": "ci", "secretKey": format!("{FRESH}\nexport PATH=/evil")}),
                10,
                again,
            ),
            1,
        ),
        deleted(
            told(
                "a secret with an escape sequence",
                &json!({"ID": 8, "keyName": "ci", "secretKey": format!("{FRESH}\x1b]52;c;aGk=\x07")}),
                10,
                again,
            ),
            1,
        ),
        told(
            "a number for a secret",
            &json!({"ID": 8, "keyName": "ci", "secretKey": 5}),
            8,
            &[],
        ),
        told(
            "a list of keys",
            &json!([{"ID": 8, "keyName": "ci", "secretKey": FRESH}]),
            8,
            &[],
        ),
        told("an empty object", &json!({}), 8, &[]),
    ]);
}

/// The record of a key without a name of its own is on disk before it is known which role that is.
#[test]
fn an_unnamed_key_with_a_stronger_role_is_deleted() {
    let stronger = json_answer(&json!({"ID": 8, "roleID": 1, "secretKey": FRESH}));
    let run = |name: &str, arguments: &[&'static str]| {
        let said = &["ID 1"][..];
        deleted(
            Case::bytes(name, arguments, CREATE, stronger.clone(), 1, said),
            1,
        )
    };
    judge(vec![
        run("of a role by its ID", MAKE_ONE),
        run("of a role by its name", &["create", "--role", "Auditor"]),
    ]);
}

#[test]
fn a_secret_of_another_key() {
    let other = json_answer(&json!({"ID": 9, "keyName": "other", "secretKey": FRESH}));
    judge(vec![
        Case::bytes(
            "a key that is another one when it is tried",
            MAKE_ONE,
            "GET /api/apikeys/current",
            other.clone(),
            10,
            &["ID 9"],
        )
        .with(&["--verify"]),
        Case::bytes(
            "a new secret of another key",
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
            &["ID 9"],
        ),
    ]);
}

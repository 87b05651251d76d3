//! Rotations whose old key does not show whether the secret of the new key was delivered.

use serde_json::Value;

use super::case::{Case, DAY, MINUTE, NOW, marked, ours, with};
use crate::fleet::plan::model::PlannedAction;

fn successor(age: i64, words: &str) -> Value {
    let marker = format!("[swp-keys 00000005 ops after 3{words}]");
    marked(ours(5, "ci", age), &marker)
}

fn old() -> Value {
    ours(3, "ci", 62 * DAY)
}

#[test]
fn an_old_key_whose_expiry_a_user_has_set_is_a_problem() {
    let retiring = with(old(), "keyName", "ci (retiring 2026-11-19T11:06Z)");
    for (old, expiry) in [
        (retiring.clone(), Value::from(NOW + 7 * DAY)),
        (retiring.clone(), Value::Null),
        (old(), Value::from(NOW + 7 * DAY)),
    ] {
        let old = with(old, "expiryDate", expiry);
        let case = Case::new("", &[old, successor(2 * DAY, "")]);
        case.is(
            PlannedAction::Problem,
            &["ID 3", "ID 5", "update-key 3", "--name"],
        );
    }
    // The step that the problem names.
    let named = with(
        retiring.clone(),
        "keyName",
        "ci (retiring 2030-11-19T11:06Z)",
    );
    let named = with(named, "expiryDate", NOW + 7 * DAY);
    Case::new("", &[named, successor(2 * DAY, "")]).is(PlannedAction::None, &[]);
    // The extended key has expired since then.
    let over = with(retiring, "expiryDate", NOW - DAY / 2);
    Case::new("", &[over, successor(9 * DAY, "")]).is(PlannedAction::None, &[]);
}

#[test]
fn an_old_key_that_expired_on_its_own_does_not_show_a_delivery() {
    let old = ours(3, "ci", 91 * DAY);
    let only = Case::new("", &[old, successor(5 * DAY, "")]).is(PlannedAction::Finish, &[]);
    assert_eq!(only.id, Some(5));
}

#[test]
fn an_unconfirmed_successor_is_finished_after_fifteen_minutes() {
    let expired = || with(old(), "expiryDate", NOW - DAY);
    let case = |age| Case::new("", &[expired(), successor(age, " pending")]);
    case(MINUTE).is(PlannedAction::Problem, &["another run"]);
    assert_eq!(case(16 * MINUTE).is(PlannedAction::Finish, &[]).id, Some(5));
}

#[test]
fn the_old_key_of_a_rotation_is_found_by_its_id() {
    let former = || with(old(), "keyName", "former");
    let case = |lines, last_use| {
        let successor = with(successor(DAY, ""), "lastSignIn", last_use);
        Case::new(lines, &[former(), successor]).planned().remove(0)
    };
    let renamed = case("was = \"former\"", Value::Null);
    assert_eq!(
        (renamed.action, renamed.id),
        (PlannedAction::Finish, Some(5))
    );
    // A user has renamed the old key, and may use it.
    let unknown = case("", Value::Null);
    assert_eq!(
        (unknown.action, unknown.id),
        (PlannedAction::Problem, Some(5))
    );
    let used = case("", Value::from(NOW - DAY / 2));
    assert_eq!((used.action, used.id), (PlannedAction::None, Some(5)));
    let retired = with(former(), "expiryDate", NOW + DAY / 2);
    Case::new("", &[retired, successor(DAY / 2, "")]).is(PlannedAction::None, &[]);
}

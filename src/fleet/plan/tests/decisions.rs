//! The decision about each declared key.

use serde_json::{Value, json};

use super::case::{Case, DAY, MINUTE, NOW, marked, ours, with};
use crate::fleet::plan::model::PlannedAction;
use crate::fleet::plan::situation::{Prune, RoleKey, RunState};
use crate::fleet::presence::{Presence, SecretState};

#[test]
fn a_key_that_does_not_exist_is_created() {
    let only =
        Case::new("locked = true", &[]).is(PlannedAction::Create, &["Auditor", "90d", "locked"]);
    assert_eq!(only.id, None);
    let past = "expires = \"2020-01-01\"";
    Case::new(past, &[]).is(PlannedAction::Problem, &["in the past"]);
    let other = with(ours(3, "ci", DAY), "keyName", "CI");
    let planned = Case::new("", &[other]).planned();
    assert_eq!(planned[0].action, PlannedAction::Create);
    assert_eq!(planned[1].action, PlannedAction::LeftOver);
}

#[test]
fn a_key_as_declared_needs_nothing() {
    Case::new("", &[ours(3, "ci", DAY)]).is(PlannedAction::None, &[]);
    let rounded = with(ours(3, "ci", DAY), "expiryDate", NOW + 89 * DAY + 59_000);
    Case::new("", &[rounded]).is(PlannedAction::None, &[]);
    let never = with(ours(3, "ci", DAY), "expiryDate", Value::Null);
    Case::new("expires = \"never\"", std::slice::from_ref(&never)).is(PlannedAction::None, &[]);
    let zero = with(never, "expiryDate", 0);
    Case::new("expires = \"never\"", &[zero]).is(PlannedAction::None, &[]);
    let text = marked(ours(3, "ci", DAY), " a\r\nb [swp-keys 00000003 ops]");
    Case::new("description = \"a\\nb\"", &[text]).is(PlannedAction::None, &[]);
    // Without a description in the manifest, the description is not managed.
    let text = marked(ours(3, "ci", DAY), "by hand [swp-keys 00000003 ops]");
    Case::new("", &[text]).is(PlannedAction::None, &[]);
}

#[test]
fn each_declared_field_is_compared() {
    for (lines, field, value, action) in [
        (
            "role = \"Reader\"",
            "roleID",
            json!(2),
            PlannedAction::Change,
        ),
        (
            "",
            "expiryDate",
            json!(NOW + 80 * DAY),
            PlannedAction::Change,
        ),
        ("", "expiryDate", Value::Null, PlannedAction::Change),
        (
            "expires = \"never\"",
            "expiryDate",
            json!(NOW + DAY),
            PlannedAction::Change,
        ),
        (
            "description = \"a\"",
            "description",
            json!("[swp-keys 00000003 ops]"),
            PlannedAction::Change,
        ),
        (
            "locale = \"ja-JP\"",
            "locale",
            json!("en-US"),
            PlannedAction::Change,
        ),
        (
            "time-zone = \"Asia/Tokyo\"",
            "timeZone",
            json!("UTC"),
            PlannedAction::Change,
        ),
        ("locked = true", "active", json!(true), PlannedAction::Lock),
        (
            "locked = false",
            "active",
            json!(false),
            PlannedAction::Unlock,
        ),
    ] {
        let key = with(ours(3, "ci", DAY), field, value);
        let only = Case::new(lines, &[key]).is(action, &[]);
        assert_eq!(only.fields, [field], "{lines}");
    }
    let key = with(ours(3, "ci", DAY), "roleID", 7);
    let key = with(key, "active", false);
    let only = Case::new("locked = false", &[key]).is(PlannedAction::Change, &[]);
    assert_eq!(only.fields, ["roleID", "active"]);
}

#[test]
fn a_field_that_the_manager_does_not_report_is_not_compared() {
    let key = json!({"ID": 3, "keyName": "ci", "description": "[swp-keys 00000003 ops]"});
    let case = Case::new("locked = true\nlocale = \"ja-JP\"", &[key]);
    case.is(PlannedAction::None, &[]);
    let notes = case.run(|_, _, notes| notes.join("\n"));
    for field in ["roleID", "locale", "expiryDate", "active"] {
        assert!(notes.contains(field), "{notes}");
    }
}

#[test]
fn a_stranger_with_the_name_is_a_conflict_unless_it_is_adopted() {
    let stranger = || marked(ours(3, "ci", DAY), "by hand");
    let other_fleet = || marked(ours(3, "ci", DAY), "[swp-keys 00000003 old]");
    Case::new("", &[stranger()]).is(PlannedAction::Problem, &["ID 3", "adopt = true"]);
    Case::new("", &[other_fleet()]).is(PlannedAction::Problem, &["`old`", "adopt = \"old\""]);
    let adopted = Case::new("adopt = true", &[stranger()]).is(PlannedAction::Adopt, &["ID 3"]);
    assert_eq!(adopted.id, Some(3));
    Case::new("adopt = true", &[other_fleet()]).is(PlannedAction::Problem, &[]);
    Case::new("adopt = \"old\"", &[stranger()]).is(PlannedAction::Problem, &[]);
    Case::new("adopt = \"old\"", &[other_fleet()]).is(PlannedAction::Adopt, &[]);
    // A key is adopted in one run and rotated in the next.
    let old = marked(ours(3, "ci", 80 * DAY), "by hand");
    Case::new("adopt = true\nrotate = \"60d\"", &[old]).is(PlannedAction::Adopt, &[]);
    let two = [stranger(), with(stranger(), "ID", 4)];
    Case::new("adopt = true", &two).is(PlannedAction::Problem, &["3, 4"]);
    // An incomplete marker belongs to no fleet.
    let cut = marked(ours(3, "ci", DAY), "for CI [swp-keys 00000003 o");
    Case::new("", &[cut]).is(PlannedAction::Problem, &["does not belong"]);
    // A key of the fleet is used, whatever else has the name.
    let both = [stranger(), ours(4, "ci", DAY)];
    assert_eq!(
        Case::new("", &both).is(PlannedAction::None, &[]).id,
        Some(4)
    );
}

#[test]
fn a_former_name_is_changed() {
    let only = Case::new("was = \"old\"", &[ours(3, "old", DAY)]).is(PlannedAction::Rename, &[]);
    assert_eq!((only.id, only.fields), (Some(3), vec!["keyName"]));
    let both = [ours(3, "old", DAY), ours(4, "ci", DAY)];
    let planned = Case::new("was = \"old\"", &both).planned();
    assert_eq!(planned[0].action, PlannedAction::None);
    assert_eq!(planned[1].action, PlannedAction::LeftOver);
    let planned = Case::new("", &[ours(3, "old", DAY)]).planned();
    assert_eq!(planned[0].action, PlannedAction::Create);
    assert_eq!(planned[1].action, PlannedAction::LeftOver);
}

#[test]
fn a_copied_marker_leaves_both_keys_alone() {
    let copy = |id, name| marked(ours(id, name, DAY), "[swp-keys 00000003 ops]");
    let case = Case::new("role = \"Reader\"", &[ours(3, "ci", DAY), copy(4, "other")]);
    let planned = case.planned();
    assert_eq!(planned.len(), 2);
    assert!(
        planned
            .iter()
            .all(|key| key.action == PlannedAction::Problem),
        "{planned:?}"
    );
    let mut case = Case::of("fleet = \"ops\"", &[ours(3, "a", DAY), copy(4, "b")]);
    case.prune = Prune {
        wanted: true,
        at_most: Some(9),
        used: true,
    };
    assert!(
        case.planned()
            .iter()
            .all(|key| key.action == PlannedAction::Problem)
    );
}

#[test]
fn an_old_or_expired_key_is_rotated() {
    let rotate = "rotate = \"60d\"";
    Case::new(rotate, &[ours(3, "ci", 60 * DAY - 1)]).is(PlannedAction::None, &[]);
    let old = || ours(3, "ci", 62 * DAY);
    Case::new(rotate, &[old()]).is(PlannedAction::Rotate, &["62 d old", "60d"]);
    Case::new("", &[old()]).is(PlannedAction::None, &[]);
    // The successor is as the file says, so the old key is not changed first.
    let different = with(old(), "roleID", 7);
    let only = Case::new(rotate, &[different]).is(PlannedAction::Rotate, &[]);
    assert_eq!(only.fields, [""; 0]);
    let expired = with(ours(3, "ci", 100 * DAY), "expiryDate", NOW - DAY);
    Case::new("", &[expired]).is(PlannedAction::Rotate, &["expired"]);
    // A shorter life that is over already.
    let long = with(ours(3, "ci", 20 * DAY), "expiryDate", NOW + 300 * DAY);
    Case::new("expires = \"10d\"", &[long]).is(PlannedAction::Rotate, &["20 d old", "10d"]);
    let unknown = with(old(), "created", Value::Null);
    Case::new(rotate, &[unknown]).is(PlannedAction::None, &[]);
}

#[test]
fn a_rotation_waits_for_an_earlier_old_key() {
    let retiring = ours(2, "ci (retiring 2026-11-19T11:06Z)", 100 * DAY);
    let retiring = with(retiring, "expiryDate", NOW + DAY);
    let keys = [retiring, ours(3, "ci", 62 * DAY)];
    let planned = Case::new("rotate = \"60d\"", &keys).planned();
    assert_eq!(planned.len(), 1, "{planned:?}");
    assert_eq!(planned[0].action, PlannedAction::Problem);
    assert!(planned[0].text.contains("waits"), "{planned:?}");
}

#[test]
fn an_interrupted_rotation_is_finished() {
    let successor = || marked(ours(5, "ci", MINUTE), "[swp-keys 00000005 ops after 3]");
    let old = || ours(3, "ci", 62 * DAY);
    // The run that created the successor may be on another machine, and may still deliver the secret.
    Case::new("", &[old(), successor()]).is(PlannedAction::Problem, &["another run"]);
    let left = || {
        marked(
            ours(5, "ci", 15 * MINUTE),
            "[swp-keys 00000005 ops after 3]",
        )
    };
    let only = Case::new("", &[old(), left()]).is(PlannedAction::Finish, &["rotation"]);
    assert_eq!(only.id, Some(5));
    // Its name was changed, because names are unique on the manager, but its expiry is not set.
    let renamed = with(old(), "keyName", "ci (retiring 2026-11-19T11:06Z)");
    let only = Case::new("", &[renamed.clone(), left()]).is(PlannedAction::Finish, &[]);
    assert_eq!(only.id, Some(5));
    // The expiry shows that the secret of the successor was delivered.
    let retired = with(renamed, "expiryDate", NOW + DAY);
    Case::new("", &[retired, successor()]).is(PlannedAction::None, &[]);
    let retired = with(old(), "expiryDate", NOW + DAY - MINUTE);
    Case::new("", &[retired, successor()]).is(PlannedAction::None, &[]);
    let expired = with(old(), "expiryDate", NOW - DAY);
    Case::new("", &[expired, successor()]).is(PlannedAction::None, &[]);
    let expired = with(old(), "expiryDate", NOW - 7 * DAY);
    let planned = Case::new("", &[expired, successor()]).planned();
    assert_eq!(
        (planned[1].action, planned[1].id),
        (PlannedAction::Delete, Some(3))
    );
    // Two keys of which none replaces the other.
    let other = ours(5, "ci", MINUTE);
    Case::new("", &[old(), other]).is(PlannedAction::Problem, &["3, 5"]);
}

/// The manager refuses the new names of old keys, so all keys of the chain have the same name.
#[test]
fn two_rotations_within_the_overlap_leave_one_live_key() {
    let of = |id: i64, age, old: i64| {
        let key = marked(
            ours(id, "ci", age),
            &format!("[swp-keys {id:08x} ops after {old}]"),
        );
        with(key, "expiryDate", NOW - age + 90 * DAY)
    };
    let first = with(ours(3, "ci", 100 * DAY), "expiryDate", NOW + 3 * DAY);
    let second = with(of(4, 4 * DAY, 3), "expiryDate", NOW + 6 * DAY);
    let keys = [first.clone(), second, of(5, DAY, 4)];
    let lines = "rotate = \"60d\"\noverlap = \"7d\"";
    assert_eq!(
        Case::new(lines, &keys).is(PlannedAction::None, &[]).id,
        Some(5)
    );
    // The expiry of the first key was not set.
    let kept = with(first, "expiryDate", NOW + 60 * DAY);
    let keys = [kept, keys[1].clone(), keys[2].clone()];
    Case::new(lines, &keys).is(PlannedAction::Problem, &["several keys"]);
}

#[test]
fn an_undelivered_key_is_finished_after_fifteen_minutes() {
    let pending = |age| marked(ours(3, "ci", age), "[swp-keys 00000003 ops pending]");
    Case::new("", &[pending(15 * MINUTE)]).is(PlannedAction::Finish, &["00000003"]);
    Case::new("", &[pending(15 * MINUTE - 1)]).is(PlannedAction::Problem, &["another run"]);
    let unknown = with(pending(DAY), "created", Value::Null);
    Case::new("", &[unknown]).is(PlannedAction::Problem, &["another run"]);
}

#[test]
fn an_unfinished_run_on_this_machine_is_left() {
    let mut case = Case::new("", &[]);
    case.runs.insert("ci".to_owned(), RunState::InProgress);
    case.is(PlannedAction::Problem, &["another run"]);
    case.runs.insert(
        "ci".to_owned(),
        RunState::Interrupted("1a2b3c4d".to_owned()),
    );
    case.is(PlannedAction::Problem, &["swp-keys recover 1a2b3c4d"]);
}

#[test]
fn a_missing_secret_is_reported_unless_the_manifest_says_more() {
    let case =
        |lines: &str, presence| Case::new(lines, &[ours(3, "ci", DAY)]).with_secret(presence);
    case("", Presence::There).is(PlannedAction::None, &[]);
    case("", Presence::Missing).is(PlannedAction::None, &["missing: x"]);
    let rotate = "on-missing = \"rotate\"";
    case(rotate, Presence::Missing).is(PlannedAction::Rotate, &["missing: x"]);
    case(rotate, Presence::There).is(PlannedAction::None, &[]);
    let rekey = "on-missing = \"rekey\"";
    case(rekey, Presence::Missing).is(PlannedAction::Rekey, &["missing: x"]);
    let mut own = case(rekey, Presence::Missing);
    own.signer = Some(3);
    own.is(PlannedAction::Problem, &["signs in"]);
    // What is not known never leads to a change.
    for lines in ["", rotate, rekey] {
        let unknown = Presence::NotKnown("it failed".to_owned());
        case(lines, unknown).is(PlannedAction::None, &["it failed"]);
    }
    let both =
        case("role = \"Reader\"", Presence::Missing).is(PlannedAction::Change, &["missing: x"]);
    assert_eq!(both.fields, ["roleID"]);
}

#[test]
fn a_locked_key_is_left_unless_the_lock_is_declared() {
    let locked = || with(ours(3, "ci", 80 * DAY), "active", false);
    Case::new("rotate = \"60d\"", &[locked()]).is(PlannedAction::Problem, &["locked"]);
    Case::new("locked = true", &[locked()]).is(PlannedAction::None, &[]);
    let mut own = Case::new("locked = true", &[ours(3, "ci", DAY)]);
    own.signer = Some(3);
    own.is(PlannedAction::Problem, &["signs in"]);
}

#[test]
fn a_role_that_cannot_be_used_is_a_problem_of_the_key() {
    let mut case = Case::new("", &[]);
    case.roles.insert(
        (RoleKey::Name("Auditor".to_owned()), false),
        Err("there is no such role".to_owned()),
    );
    case.is(PlannedAction::Problem, &["no such role"]);
}

#[test]
fn an_adopted_key_gets_no_expiry_in_the_past() {
    let stranger = |age| {
        let key = marked(ours(3, "ci", age), "by hand");
        with(key, "expiryDate", Value::Null)
    };
    let adopt = "adopt = true\nexpires = \"90d\"";
    let only = Case::new(adopt, &[stranger(200 * DAY)])
        .is(PlannedAction::Adopt, &["the next plan rotates it"]);
    assert_eq!(only.fields, [""; 0]);
    let only = Case::new(adopt, &[stranger(80 * DAY)]).is(PlannedAction::Adopt, &[]);
    assert_eq!(only.fields, ["expiryDate"]);
    let adopted = with(
        stranger(200 * DAY),
        "description",
        "[swp-keys 00000003 ops]",
    );
    Case::new(adopt, &[adopted]).is(PlannedAction::Rotate, &["200 d old"]);
    let past = "adopt = true\nexpires = \"2020-01-01\"";
    Case::new(past, &[stranger(DAY)]).is(PlannedAction::Problem, &["in the past"]);
}

/// A file may have something other than a secret, such as a certificate. A new secret would replace it.
#[test]
fn a_file_with_other_content_gets_no_secret() {
    let other = || Presence::NotKnown("the content has several lines".to_owned());
    let old = || ours(3, "ci", 62 * DAY);
    let parts = &["x cannot get the secret: the content has several lines"];
    let rotate = Case::new("rotate = \"60d\"", &[old()]);
    let mut rotate = rotate.with_secret(other());
    rotate.is(PlannedAction::Problem, parts);
    let pending = marked(ours(3, "ci", DAY), "[swp-keys 00000003 ops pending]");
    let pending = Case::new("", &[pending]).with_secret(other());
    pending.is(PlannedAction::Problem, parts);
    let rekey = Case::new("on-missing = \"rekey\"", &[ours(3, "ci", DAY)]);
    let mut rekey = rekey.with_secret(other());
    let missing = SecretState::new("y".to_owned(), Presence::Missing, false);
    rekey
        .secrets
        .entry("ci".to_owned())
        .or_default()
        .push(missing);
    rekey.is(PlannedAction::Problem, parts);
    // A secret that was not used is not other content.
    rotate = rotate.with_secret(Presence::There);
    for state in rotate.secrets.values_mut().flatten() {
        state.presence = other();
    }
    rotate.is(PlannedAction::Rotate, &["62 d old"]);
}

#[test]
fn a_key_without_a_creation_time_has_a_next_step() {
    let without = |id, mark: &str| {
        let key = marked(ours(id, "ci", DAY), mark);
        with(key, "created", Value::Null)
    };
    let pending = without(3, "[swp-keys 00000003 ops pending]");
    let parts = &["does not report when", "swp-keys delete-key 3"];
    Case::new("", &[pending]).is(PlannedAction::Problem, parts);
    let keys = [
        without(3, "[swp-keys 00000003 ops]"),
        without(5, "[swp-keys 00000005 ops after 3]"),
    ];
    let parts = &[
        "does not report when",
        "swp-keys delete-key 3",
        "swp-keys delete-key 5",
    ];
    Case::new("", &keys).is(PlannedAction::Problem, parts);
}

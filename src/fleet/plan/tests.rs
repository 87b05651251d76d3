//! The decisions about each kind of key.

use std::collections::HashMap;

use chrono::DateTime;
use serde_json::{Value, json};

use super::making::make;
use super::model::{PlannedAction, PlannedKey, PlannedRole};
use super::number::{ManagerPlan, number};
use super::situation::{Prune, RoleKey, RoleUse, RunState, Situation};
use crate::fleet::manifest;
use crate::fleet::manifest::{DeclaredKey, Manifest};
use crate::fleet::presence::{Presence, SecretState};
use crate::manager::ApiKey;

const NOW: i64 = 1_795_000_000_000;
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// A manifest, the keys on the manager, and what else is known.
struct Case {
    manifest: Manifest,
    keys: Vec<ApiKey>,
    runs: HashMap<String, RunState>,
    secrets: HashMap<String, Vec<SecretState>>,
    roles: HashMap<RoleUse, Result<PlannedRole, String>>,
    prune: Prune,
    signer: Option<i64>,
}

/// The result for one key.
#[derive(Debug, PartialEq, Eq)]
struct Planned {
    name: String,
    id: Option<i64>,
    action: PlannedAction,
    text: String,
    fields: Vec<&'static str>,
}

impl Case {
    /// A fleet with the key `ci`, and these lines in its table.
    fn new(lines: &str, keys: &[Value]) -> Self {
        let has = |field: &str| lines.lines().any(|line| line.starts_with(field));
        let mut text = format!("fleet = \"ops\"\n[keys.ci]\nout-file = \"x\"\n{lines}\n");
        if !has("role") {
            text.push_str("role = \"Auditor\"\n");
        }
        if !has("expires") {
            text.push_str("expires = \"90d\"\n");
        }
        Self::of(&text, keys)
    }

    fn of(text: &str, keys: &[Value]) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let path = folder.path().join("keys.toml");
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{error}"));
        let read = manifest::read(&path, None, true).unwrap_or_else(|error| panic!("{error}"));
        let manifest = read.content.unwrap_or_else(|problems| {
            let problems = problems.iter().map(|problem| problem.what.clone());
            panic!("{:?}", problems.collect::<Vec<_>>())
        });
        let keys = keys.iter().map(|key| {
            serde_json::from_str(&key.to_string()).unwrap_or_else(|error| panic!("{error}"))
        });
        let roles = [("Auditor", 2), ("Reader", 7)]
            .into_iter()
            .map(|(name, id)| {
                let label = name.to_owned();
                (
                    (RoleKey::Name(name.to_owned()), false),
                    Ok(PlannedRole { id, label }),
                )
            });
        Self {
            manifest,
            keys: keys.collect(),
            runs: HashMap::new(),
            secrets: HashMap::new(),
            roles: roles.collect(),
            prune: Prune::default(),
            signer: None,
        }
    }

    fn with_secret(mut self, presence: Presence) -> Self {
        let state = SecretState::new("x".to_owned(), presence, false);
        self.secrets.insert("ci".to_owned(), vec![state]);
        self
    }

    fn run<T>(&self, of: impl Fn(&[PlannedKey<'_>], &str, &[String]) -> T) -> T {
        let declared: Vec<&DeclaredKey> = self.manifest.keys.iter().collect();
        let plan = make(&Situation {
            fleet: "ops",
            declared: &declared,
            listed: &self.keys,
            roles: &self.roles,
            runs: &self.runs,
            secrets: &self.secrets,
            signer: self.signer,
            now: DateTime::from_timestamp_millis(NOW).unwrap_or_default(),
            prune: self.prune,
        });
        let manager = ManagerPlan {
            manager: "https://m",
            tenant: None,
            plan: &plan,
        };
        let number = number("ops", &[manager]);
        of(&plan.keys, &number, &plan.notes)
    }

    fn planned(&self) -> Vec<Planned> {
        self.run(|keys, _, _| keys.iter().map(planned).collect())
    }

    fn only(&self) -> Planned {
        let mut planned = self.planned();
        assert_eq!(planned.len(), 1, "{planned:?}");
        planned.remove(0)
    }

    #[track_caller]
    fn is(&self, action: PlannedAction, parts: &[&str]) -> Planned {
        let only = self.only();
        assert_eq!(only.action, action, "{only:?}");
        for part in parts {
            assert!(only.text.contains(part), "{part}: {only:?}");
        }
        only
    }

    fn number(&self) -> String {
        self.run(|_, number, _| number.to_owned())
    }
}

fn planned(key: &PlannedKey<'_>) -> Planned {
    let texts = std::iter::once(&key.reason)
        .chain(&key.problems)
        .chain(&key.notes);
    Planned {
        name: key.name().to_owned(),
        id: key.key.map(|key| key.id),
        action: key.action,
        text: texts.map(String::as_str).collect::<Vec<_>>().join("\n"),
        fields: key.changes.iter().map(|change| change.field).collect(),
    }
}

/// A key of the fleet that was created this long ago and is as declared.
fn ours(id: i64, name: &str, age: i64) -> Value {
    let created = NOW - age;
    json!({
        "ID": id, "keyName": name, "roleID": 2, "active": true, "created": created, "expiryDate": created + 90 * DAY,
        "description": format!("[swp-keys {id:08x} ops]"),
    })
}

fn with(mut key: Value, field: &str, value: impl Into<Value>) -> Value {
    key[field] = value.into();
    key
}

fn marked(key: Value, marker: &str) -> Value {
    with(key, "description", marker)
}

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
fn an_old_key_of_a_rotation_is_deleted_a_week_after_its_expiry() {
    let name = "ci (retiring 2026-11-01T00:00Z)";
    let retired = |age: i64| with(ours(2, name, 100 * DAY), "expiryDate", NOW - age);
    let planned = |age| Case::new("", &[retired(age), ours(3, "ci", DAY)]).planned();
    assert_eq!(planned(7 * DAY - 1).len(), 1);
    let found = planned(7 * DAY);
    assert_eq!(
        (found[1].action, found[1].id),
        (PlannedAction::Delete, Some(2))
    );
}

fn pruned(used: bool, at_most: Option<usize>, keys: &[Value]) -> Vec<Planned> {
    let mut case = Case::of("fleet = \"ops\"", keys);
    case.prune = Prune {
        wanted: true,
        at_most,
        used,
    };
    case.planned()
}

#[test]
fn a_key_that_is_not_declared_is_deleted_only_with_prune() {
    let keys = [ours(3, "a", 30 * DAY), ours(4, "b", 30 * DAY)];
    let planned = Case::of("fleet = \"ops\"", &keys).planned();
    assert!(
        planned
            .iter()
            .all(|key| key.action == PlannedAction::LeftOver)
    );
    let planned = pruned(false, Some(2), &keys);
    assert!(
        planned
            .iter()
            .all(|key| key.action == PlannedAction::Delete)
    );
    for recent in [
        with(ours(3, "a", 30 * DAY), "lastSignIn", NOW - DAY),
        ours(3, "a", DAY),
        with(ours(3, "a", 30 * DAY), "created", Value::Null),
    ] {
        let planned = pruned(false, Some(1), std::slice::from_ref(&recent));
        assert_eq!(planned[0].action, PlannedAction::LeftOver, "{planned:?}");
        assert!(planned[0].text.contains("--prune-used"));
        let planned = pruned(true, Some(1), &[recent]);
        assert_eq!(planned[0].action, PlannedAction::Delete);
    }
    let mut own = Case::of("fleet = \"ops\"", &keys[..1]);
    own.prune = Prune {
        wanted: true,
        at_most: Some(1),
        used: true,
    };
    own.signer = Some(3);
    assert_eq!(own.planned()[0].action, PlannedAction::LeftOver);
    // A key of nobody or of another fleet is never listed.
    let strangers = [
        marked(ours(3, "a", 30 * DAY), "by hand"),
        marked(ours(4, "b", 30 * DAY), "[swp-keys 00000004 old]"),
    ];
    assert_eq!(pruned(true, Some(9), &strangers), []);
}

#[test]
fn many_keys_are_not_deleted_at_once() {
    let keys: Vec<Value> = (1..=60)
        .map(|id| ours(id, &format!("k{id}"), 30 * DAY))
        .collect();
    for (count, at_most, action) in [
        (60, None, PlannedAction::Problem),
        (60, Some(59), PlannedAction::Problem),
        (60, Some(60), PlannedAction::Delete),
        (2, None, PlannedAction::Problem),
        (2, Some(2), PlannedAction::Delete),
    ] {
        let planned = pruned(false, at_most, &keys[..count]);
        assert!(
            planned.iter().all(|key| key.action == action),
            "{count} {at_most:?}"
        );
    }
    let mut declared = "fleet = \"ops\"\n[defaults]\nrole = \"Auditor\"\nexpires = \"90d\"\nout-file = \"{name}\"\n[keys]\n".to_owned();
    for id in 1..=30 {
        declared.push_str(&format!("k{id} = {{}}\n"));
    }
    for (left, action) in [(25, PlannedAction::Delete), (26, PlannedAction::Problem)] {
        let mut case = Case::of(&declared, &keys[..30 + left]);
        case.prune.wanted = true;
        let planned = case.planned();
        assert_eq!(planned.len(), 30 + left);
        assert!(
            planned[30..].iter().all(|key| key.action == action),
            "{left}"
        );
        let notes = case.run(|_, _, notes| notes.concat());
        assert_eq!(notes.contains("--prune-at-most 26"), left == 26);
    }
}

#[test]
fn the_number_depends_only_on_what_would_be_done() {
    let rotate = "rotate = \"60d\"";
    let number = |lines: &str, keys: &[Value]| Case::new(lines, keys).number();
    let base = number(rotate, &[ours(3, "ci", 62 * DAY)]);
    assert_eq!(base.len(), 16);
    assert_eq!(number(rotate, &[ours(3, "ci", 63 * DAY)]), base);
    for (lines, keys) in [
        (rotate, vec![ours(4, "ci", 62 * DAY)]),
        (rotate, vec![ours(3, "ci", DAY)]),
        (rotate, vec![]),
        (
            "rotate = \"60d\"\noverlap = \"2h\"",
            vec![ours(3, "ci", 62 * DAY)],
        ),
        (
            "rotate = \"60d\"\ndotenv = \"y\"",
            vec![ours(3, "ci", 62 * DAY)],
        ),
        (
            "rotate = \"60d\"\nrole = \"Reader\"",
            vec![ours(3, "ci", 62 * DAY)],
        ),
        (
            "rotate = \"60d\"\nexpires = \"70d\"",
            vec![ours(3, "ci", 62 * DAY)],
        ),
    ] {
        assert_ne!(number(lines, &keys), base, "{lines}");
    }
    let change = |role: i64| number("", &[with(ours(3, "ci", DAY), "roleID", role)]);
    assert_ne!(change(7), change(8));
    assert_eq!(number("", &[]), number("", &[]));
    // Problems and left-overs change nothing.
    let left_over = [ours(3, "ci", DAY), ours(4, "b", DAY)];
    assert_eq!(number("", &left_over), number("", &left_over[..1]));
}

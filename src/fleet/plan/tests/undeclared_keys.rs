//! The decision about retired and undeclared keys, and the number of a plan.

use serde_json::{Value, json};

use super::case::{Case, DAY, NOW, Planned, marked, ours, with};
use crate::fleet::plan::model::PlannedAction;
use crate::fleet::plan::situation::Prune;

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

/// The old key of a rotation still works if its expiry was never set, or if a user has set a later expiry.
#[test]
fn a_renamed_key_that_is_not_retired_is_reported_and_pruned() {
    let name = "gone (retiring 2026-11-20T00:00Z)";
    for expiry in [Value::Null, json!(NOW + 60 * DAY)] {
        let live = with(ours(2, name, 100 * DAY), "expiryDate", expiry);
        let keys = std::slice::from_ref(&live);
        let only = Case::of("fleet = \"ops\"", keys).is(PlannedAction::LeftOver, &["not in the"]);
        assert_eq!(only.id, Some(2));
        assert_eq!(
            pruned(false, Some(1), keys)[0].action,
            PlannedAction::Delete
        );
    }
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
    // A key without a marker and a key of another fleet are never listed.
    let strangers = [
        marked(ours(3, "a", 30 * DAY), "by hand"),
        marked(ours(4, "b", 30 * DAY), "[swp-keys 00000004 old]"),
    ];
    assert_eq!(pruned(true, Some(9), &strangers), []);
}

/// A manager may omit the last use of every key.
#[test]
fn a_key_whose_last_use_is_unknown_is_deleted_only_if_used_keys_may_be_deleted() {
    let unknown = ours(3, "a", 30 * DAY);
    let never = with(ours(3, "a", 30 * DAY), "lastSignIn", Value::Null);
    let zero = with(ours(3, "a", 30 * DAY), "lastSignIn", 0);
    let text = with(ours(3, "a", 30 * DAY), "lastSignIn", "yesterday");
    for (key, used, action) in [
        (&unknown, false, PlannedAction::LeftOver),
        (&text, false, PlannedAction::LeftOver),
        (&unknown, true, PlannedAction::Delete),
        (&never, false, PlannedAction::Delete),
        (&zero, false, PlannedAction::Delete),
    ] {
        let mut case = Case::of("fleet = \"ops\"", std::slice::from_ref(key));
        case.reports_last_use = false;
        case.prune = Prune {
            wanted: true,
            at_most: Some(1),
            used,
        };
        let planned = case.planned();
        assert_eq!(planned[0].action, action, "{key}");
        let is_hidden = planned[0].text.contains("last use not reported");
        assert_eq!(is_hidden, key == &unknown || key == &text, "{planned:?}");
    }
    // In an incomplete response, a missing field shows nothing.
    let brief = json!({"ID": 3, "keyName": "a", "description": "[swp-keys 00000003 ops]"});
    let planned = pruned(false, Some(1), &[brief]);
    let text = &planned[0].text;
    assert!(text.contains("last use not reported"), "{text}");
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

//! The decision about a declared key with the record of an interrupted run.

use serde_json::Value;

use super::case::{Case, DAY, MINUTE, NOW, marked, ours, with};
use crate::fleet::plan::model::PlannedAction;
use crate::fleet::plan::situation::{InterruptedRun, RunState};
use crate::fleet::presence::Presence;
use crate::journal::{Operation, Record, Stage};
use crate::mint::retiring_name;

const OPERATION: &str = "1a2b3c4d";

fn operation() -> Operation {
    Operation {
        id: OPERATION.to_owned(),
        manager: "https://m".to_owned(),
        tenant: None,
        signer: None,
        sinks: Vec::new(),
    }
}

/// The record of a run that was to create the key, perhaps with this ID.
fn created(id: Option<i64>) -> Record {
    Record {
        key_id: id,
        ..Record::create(operation(), "ci", Some(2))
    }
}

/// The record of a run that was to replace the key 3, perhaps by the key with this ID.
fn rotated(id: Option<i64>) -> Record {
    Record {
        key_id: id,
        ..Record::rotate(operation(), "ci", 2, 3, DAY)
    }
}

fn rekeyed(id: i64) -> Record {
    Record::rekey(operation(), "ci", id)
}

/// A key that the interrupted run created an hour ago.
fn own(id: i64, words: &str) -> Value {
    let marker = format!("[swp-keys {OPERATION} ops{words}]");
    marked(ours(id, "ci", 60 * MINUTE), &marker)
}

fn named(key: Value, name: &str) -> Value {
    with(key, "keyName", name)
}

fn run(record: Record) -> InterruptedRun {
    InterruptedRun {
        record,
        last_request: NOW - 60 * MINUTE,
        may_be_in_flight: false,
        has_same_signer: true,
    }
}

fn case_of(run: InterruptedRun, keys: &[Value]) -> Case {
    let mut case = Case::new("", keys);
    case.runs
        .insert("ci".to_owned(), RunState::OfFleet(Box::new(run)));
    case
}

fn case(record: Record, keys: &[Value]) -> Case {
    case_of(run(record), keys)
}

/// Checks that the run is finished.
#[track_caller]
fn is_finished(record: &Record, keys: &[Value], id: Option<i64>) {
    let only = case(record.clone(), keys).is(PlannedAction::Finish, &[OPERATION]);
    assert_eq!(only.id, id, "{record:?}");
}

/// Checks that the record is removed, and that the key with this ID is planned as without a record.
#[track_caller]
fn is_superseded(record: &Record, keys: &[Value], action: PlannedAction, id: Option<i64>) {
    let case = case(record.clone(), keys);
    let superseded = case.run(|keys, _, _| keys[0].superseded.clone());
    assert_eq!(superseded.as_deref(), Some(OPERATION), "{record:?}");
    let planned = case.planned();
    assert_eq!(
        (planned[0].action, planned[0].id),
        (action, id),
        "{planned:?}"
    );
    assert!(planned[0].text.contains("no more work"), "{planned:?}");
    // Without the record, the plan is the same.
    let without = Case::new("", keys).planned();
    assert_eq!((without[0].action, without[0].id), (action, id));
}

#[test]
fn a_run_is_finished_if_no_other_run_has_worked_on_its_key() {
    for stage in [Stage::Begun, Stage::Delivering, Stage::Delivered] {
        let at = |mut record: Record| {
            record.progress.stage = stage;
            record
        };
        is_finished(&at(created(None)), &[own(5, "")], Some(5));
        is_finished(&at(created(Some(5))), &[own(5, "")], Some(5));
        is_finished(&at(rekeyed(4)), &[ours(4, "ci", DAY)], Some(4));
        let old = || ours(3, "ci", 61 * DAY);
        let both = [old(), own(5, " after 3")];
        is_finished(&at(rotated(Some(5))), &both, Some(5));
        is_finished(&at(rotated(None)), &both, Some(5));
    }
    // The key was not created, or it was deleted.
    is_finished(&created(None), &[], None);
    is_finished(&created(Some(5)), &[], None);
    is_finished(&rotated(None), &[ours(3, "ci", 61 * DAY)], Some(3));
    // The successor of an expired key.
    let expired = with(ours(3, "ci", 61 * DAY), "expiryDate", NOW - DAY);
    is_finished(&rotated(Some(5)), &[expired, own(5, " after 3")], Some(5));
    let pending = Record {
        pending: true,
        ..created(Some(5))
    };
    is_finished(&pending, &[own(5, " pending")], Some(5));
}

#[test]
fn a_run_whose_key_was_rotated_is_superseded() {
    let retiring = |key| {
        let key = with(key, "expiryDate", NOW + DAY);
        named(key, &retiring_name("ci", NOW + DAY))
    };
    let successor = || {
        marked(
            ours(9, "ci", 30 * MINUTE),
            "[swp-keys 00000009 ops after 5]",
        )
    };
    let none = PlannedAction::None;
    for record in [created(None), created(Some(5)), rekeyed(5)] {
        is_superseded(&record, &[retiring(own(5, "")), successor()], none, Some(9));
        // The rotation is not finished.
        let both = [own(5, ""), successor()];
        is_superseded(&record, &both, PlannedAction::Finish, Some(9));
        let new = with(successor(), "created", NOW - MINUTE);
        let both = [own(5, ""), new];
        is_superseded(&record, &both, PlannedAction::Problem, Some(9));
        // The successor was deleted.
        let alone = [retiring(own(5, ""))];
        is_superseded(&record, &alone, PlannedAction::Create, None);
    }
    let after = [retiring(own(5, " after 3")), successor()];
    is_superseded(&rotated(Some(5)), &after, none, Some(9));
}

#[test]
fn a_rotation_that_another_run_has_finished_is_superseded() {
    let old = named(ours(3, "ci", 61 * DAY), &retiring_name("ci", NOW + DAY));
    let old = with(old, "expiryDate", NOW + DAY);
    let keys = [old.clone(), own(5, " after 3")];
    for id in [None, Some(5)] {
        is_superseded(&rotated(id), &keys, PlannedAction::None, Some(5));
    }
    // The interrupted run has renamed the old key itself, and not set its expiry.
    let mut record = rotated(Some(5));
    let name = retiring_name("ci", NOW + DAY);
    record.predecessor.as_mut().expect("the old key").given_name = Some(name);
    let renamed = with(old, "expiryDate", NOW + 29 * DAY);
    is_finished(&record, &[renamed, own(5, " after 3")], Some(5));
    // The manager refuses new names.
    let soon = with(
        ours(3, "ci", 61 * DAY),
        "expiryDate",
        NOW + 22 * 60 * MINUTE,
    );
    let keys = [soon, own(5, " after 3")];
    is_superseded(&rotated(Some(5)), &keys, PlannedAction::None, Some(5));
    // Another run has created the successor.
    let other = marked(
        ours(9, "ci", 30 * MINUTE),
        "[swp-keys 00000009 ops after 3]",
    );
    let keys = [ours(3, "ci", 61 * DAY), other];
    is_superseded(&rotated(None), &keys, PlannedAction::Finish, Some(9));
}

#[test]
fn a_run_whose_secret_was_delivered_by_another_run_is_superseded() {
    let none = PlannedAction::None;
    let pending = Record {
        pending: true,
        ..created(Some(5))
    };
    is_superseded(&pending, &[own(5, "")], none, Some(5));
    // The key was used long after the last request of the run.
    let used = |minutes| with(own(5, ""), "lastSignIn", NOW - minutes * MINUTE);
    for record in [created(None), created(Some(5)), rekeyed(5)] {
        is_superseded(&record, &[used(50)], none, Some(5));
        is_finished(&record, &[used(58)], Some(5));
        is_finished(&record, &[used(70)], Some(5));
    }
    // The run itself may have delivered the secret.
    let mut delivering = created(Some(5));
    delivering.progress.stage = Stage::Delivering;
    is_finished(&delivering, &[used(50)], Some(5));
}

#[test]
fn a_run_whose_key_is_gone_or_no_longer_of_the_fleet_is_superseded() {
    let other = ours(9, "ci", DAY);
    let none = PlannedAction::None;
    for record in [
        created(Some(5)),
        created(None),
        rotated(Some(5)),
        rekeyed(5),
    ] {
        is_superseded(&record, std::slice::from_ref(&other), none, Some(9));
    }
    is_superseded(&rekeyed(5), &[], PlannedAction::Create, None);
    let released = marked(ours(5, "ci", DAY), "mine");
    let adopted = marked(ours(5, "ci", DAY), "[swp-keys 00000005 ops]");
    let renamed = named(own(5, ""), "by hand");
    for record in [created(Some(5)), rotated(Some(5))] {
        let keys = std::slice::from_ref(&released);
        is_superseded(&record, keys, PlannedAction::Problem, Some(5));
        let keys = std::slice::from_ref(&adopted);
        is_superseded(&record, keys, none, Some(5));
        let keys = std::slice::from_ref(&renamed);
        is_superseded(&record, keys, PlannedAction::Create, None);
    }
}

/// The manager stores descriptions in upper case, so no marker shows that the key belongs to the fleet.
#[test]
fn a_run_whose_key_has_an_altered_marker_is_finished() {
    let altered = || marked(own(5, ""), "[SWP-KEYS 1A2B3C4D OPS]");
    for id in [Some(5), None] {
        is_finished(&created(id), &[altered()], None);
        is_finished(&created(id), &[altered(), ours(9, "ci", DAY)], Some(9));
        let old = ours(3, "ci", 61 * DAY);
        is_finished(&rotated(id), &[old, altered()], Some(3));
    }
    let elsewhere = marked(own(5, ""), "[swp-keys 1a2b3c4d else]");
    is_superseded(
        &created(Some(5)),
        &[elsewhere],
        PlannedAction::Problem,
        Some(5),
    );
}

/// A run with `--verify` uses the new secret before it delivers the secret.
#[test]
fn the_use_by_the_run_itself_does_not_show_that_a_rotation_is_complete() {
    let used = |minutes| with(own(5, " after 3"), "lastSignIn", NOW - minutes * MINUTE);
    is_finished(&rotated(Some(5)), &[used(58)], Some(5));
    is_superseded(&rotated(Some(5)), &[used(50)], PlannedAction::None, Some(5));
}

#[test]
fn a_new_overlap_in_the_file_does_not_show_that_a_rotation_is_complete() {
    let old = with(ours(3, "ci", 61 * DAY), "expiryDate", NOW + 20 * DAY);
    let run = RunState::OfFleet(Box::new(run(rotated(Some(5)))));
    let mut case = Case::new("overlap = \"30d\"", &[old, own(5, " after 3")]);
    case.runs.insert("ci".to_owned(), run);
    case.is(PlannedAction::Finish, &[OPERATION]);
}

#[test]
fn a_run_that_may_still_be_at_work_or_on_a_different_tenant_is_not_superseded() {
    let other = || [ours(9, "ci", DAY)];
    let in_flight = InterruptedRun {
        may_be_in_flight: true,
        ..run(created(None))
    };
    case_of(in_flight, &other()).is(PlannedAction::Finish, &[]);
    let other_signer = InterruptedRun {
        has_same_signer: false,
        ..run(created(Some(5)))
    };
    case_of(other_signer, &other()).is(PlannedAction::Finish, &[]);
}

#[test]
fn a_superseded_run_does_not_hide_a_missing_secret() {
    let keys = [
        named(
            with(own(5, ""), "expiryDate", NOW + DAY),
            &retiring_name("ci", NOW + DAY),
        ),
        marked(ours(9, "ci", DAY), "[swp-keys 00000009 ops after 5]"),
    ];
    let missing = case(created(Some(5)), &keys).with_secret(Presence::Missing);
    let only = missing.is(PlannedAction::None, &["missing: x", "no more work"]);
    assert_eq!(only.id, Some(9));
}

#[test]
fn an_undeclared_key_whose_run_was_interrupted_is_not_pruned() {
    let key = marked(ours(3, "gone", 30 * DAY), "[swp-keys 1a2b3c4d ops]");
    let mut case = Case::of("fleet = \"ops\"", &[key]);
    case.prune.wanted = true;
    case.prune.at_most = Some(9);
    case.is(PlannedAction::Delete, &[]);
    let run = RunState::OfFleet(Box::new(run(created(Some(3)))));
    case.runs.insert("gone".to_owned(), run);
    case.is(PlannedAction::Problem, &["swp-keys recover 1a2b3c4d"]);
}

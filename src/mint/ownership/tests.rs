//! What marks prove.

use serde_json::json;

use super::*;
use crate::journal::Operation;

const SINCE: i64 = 1000;

fn record(name: &str, marked: bool) -> Record {
    let operation = Operation {
        id: "1a2b3c4d".to_owned(),
        manager: "https://m".to_owned(),
        tenant: None,
        signer: None,
        sinks: Vec::new(),
    };
    Record {
        existing_ids: vec![3],
        marked,
        unique: true,
        started: 0,
        ..Record::create(operation, name, Some(2))
    }
}

fn key(id: i64, name: &str, description: Option<&str>) -> ApiKey {
    made_at(id, name, description, SINCE + 1)
}

fn made_at(id: i64, name: &str, description: Option<&str>, created: i64) -> ApiKey {
    let mut object = json!({"ID": id, "keyName": name, "created": created});
    if let Some(description) = description {
        object["description"] = description.into();
    }
    serde_json::from_str(&object.to_string()).unwrap_or_else(|error| panic!("{error}"))
}

fn ours(id: i64) -> Verdict {
    Verdict::Ours { id, twins: vec![] }
}

const OURS: Option<&str> = Some("for CI [swp-keys 1a2b3c4d]");
const THEIRS: Option<&str> = Some("[swp-keys 99999999]");

#[test]
fn only_a_mark_proves_whose_a_key_is() {
    let verdict = |keys: &[ApiKey]| judge(&record("ci", true), SINCE, keys);
    let mine = || key(5, "ci", OURS);
    let theirs = || key(4, "ci", THEIRS);
    let nobodys = || key(6, "ci", Some("by hand"));
    let before = || key(3, "ci", None);
    assert_eq!(verdict(&[mine(), theirs(), before()]), ours(5));
    assert_eq!(verdict(&[mine(), nobodys()]), ours(5));
    assert_eq!(verdict(&[theirs(), before()]), Verdict::None);
    assert_eq!(verdict(&[nobodys()]), Verdict::Unproven(vec![6]));
    assert_eq!(verdict(&[]), Verdict::None);
}

#[test]
fn a_mark_counts_under_any_name_and_in_any_form() {
    for (name, description) in [
        ("renamed", "[swp-keys 1a2b3c4d]"),
        ("CI", "FOR CI [SWP-KEYS 1A2B3C4D]"),
        ("ci", "swp-keys 1a2b3c4d"),
        ("ci", "[swp-keys1a2b3c4d]"),
        ("AUDITOR-20261123T101112Z-1A2B3C4D", ""),
        ("Auditor20261123T101112Z1a2b3c4d", ""),
    ] {
        let found = [key(5, name, Some(description))];
        assert_eq!(judge(&record("ci", true), SINCE, &found), ours(5), "{name}");
    }
    for (name, description) in [
        ("ci", "[SWP-KEYS 99999999]"),
        ("ci", "swp-keys 99999999"),
        ("Auditor-20261123T101112Z-99999999", ""),
        ("AUDITOR-20261123T101112Z-99999999", ""),
    ] {
        let found = key(5, name, Some(description));
        assert_eq!(
            marker_owner(&record("ci", true), &found),
            MarkOwner::Another
        );
        assert_eq!(
            marker_owner(&record("ci", false), &found),
            MarkOwner::Another
        );
    }
}

#[test]
fn a_request_that_came_twice_made_twins_and_a_copy_of_a_description_is_none() {
    let verdict = |keys: &[ApiKey]| judge(&record("ci", true), SINCE, keys);
    let twins = [key(9, "ci", OURS), key(5, "ci", OURS)];
    let both = Verdict::Ours {
        id: 5,
        twins: vec![9],
    };
    assert_eq!(verdict(&twins), both);
    let copied = [key(5, "ci", OURS), key(9, "copy", OURS)];
    assert_eq!(verdict(&copied), Verdict::Unproven(vec![5, 9]));
    let later = 3_600_000 + SINCE;
    let copied = [key(5, "ci", OURS), made_at(9, "ci", OURS, later)];
    assert_eq!(verdict(&copied), Verdict::Unproven(vec![5, 9]));
}

#[test]
fn a_name_that_is_like_ours_may_be_ours_if_it_is_new() {
    let verdict = |key: ApiKey| judge(&record("ci", true), SINCE, &[key]);
    assert_eq!(verdict(key(5, "CI", None)), Verdict::Unproven(vec![5]));
    assert_eq!(verdict(made_at(5, "CI", None, SINCE - 1)), Verdict::None);
    assert_eq!(verdict(key(5, "ci-2", None)), Verdict::None);
}

#[test]
fn without_a_mark_nothing_is_proven() {
    let unmarked = record("ci", false);
    let verdict = |key: ApiKey| judge(&unmarked, SINCE, &[key]);
    assert_eq!(verdict(key(5, "ci", None)), Verdict::Unproven(vec![5]));
    assert_eq!(verdict(key(5, "ci", THEIRS)), Verdict::None);
}

#[test]
fn the_key_of_an_id_is_not_taken_for_ours_if_it_is_older() {
    let is_it = |key: ApiKey| is_the_one(&record("ci", true), SINCE, &key);
    assert!(is_it(made_at(5, "renamed", OURS, 0)));
    assert!(is_it(made_at(5, "CI", None, 0)));
    assert!(is_it(key(5, "renamed", None)));
    assert!(!is_it(made_at(5, "renamed", None, 0)));
    assert!(!is_it(key(5, "ci", THEIRS)));
}

#[test]
fn marks_are_taken_out_of_a_text() {
    for (text, without) in [
        ("for CI [swp-keys 1a2b3c4d]", "for CI"),
        ("[swp-keys 1a2b3c4d]", ""),
        ("a [swp-keys 1a2b3c4d] b [swp-keys 99999999]", "a b"),
        ("a [swp-keys 1a2b", "a [swp-keys 1a2b"),
        ("a [swp-keys xxxxxxxx] ", "a [swp-keys xxxxxxxx] "),
        ("FÜR CI [SWP-KEYS 1A2B3C4D]", "FÜR CI"),
        ("for CI swp-keys 1a2b3c4d", "for CI"),
    ] {
        assert_eq!(without_marks(text), without);
    }
}

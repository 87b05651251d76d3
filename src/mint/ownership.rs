//! Determines which run created a key.
//!
//! A run writes its operation ID into its key: in the description as the marker `[swp-keys OPERATION]`, or in a default name. Only the operation ID
//! proves that the key belongs to the run. Another run may create a key with the same name, so a matching name is not enough to reset or delete a
//! key. A manager may alter names and descriptions. So the operation ID is searched for in the name and in the description, regardless of case,
//! brackets and spaces.

use crate::journal::Record;
use crate::manager::ApiKey;

use super::likeness::{folded, is_like};
use super::marker::{default_name_of, found_marks};

/// The result of a search for an operation's key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The key with the ID `id` has the operation's marker. If the manager processed the create request several times, `duplicates` contains
    /// the IDs of the other keys with this marker.
    Ours { id: i64, duplicates: Vec<i64> },
    /// No key belongs to the operation. The key was not created, or it was deleted.
    None,
    /// The keys with these IDs may belong to the operation, but no marker proves that.
    Unproven(Vec<i64>),
}

/// Determines which keys the record's operation created:
/// - A key with the operation's marker belongs to the operation.
/// - A key without any marker, but with the recorded name, may belong to the operation.
/// - A key without any marker, but with a similar name, may belong to the operation if it was not created before `since` (the manager's time).
pub(super) fn judge(record: &Record, since: i64, found: &[ApiKey]) -> Verdict {
    let (mut ours, mut unproven) = (Vec::new(), Vec::new());
    for key in found {
        if record.existing_ids.contains(&key.id) {
            continue;
        }
        match marker_owner(record, key) {
            MarkOwner::Us => ours.push(key),
            MarkOwner::None if is_named_like(record, since, key) => unproven.push(key.id),
            MarkOwner::None | MarkOwner::Another => {}
        }
    }
    ours.sort_by_cached_key(|key| key.id);
    match ours.split_first() {
        // If a key has this operation's marker, keys without the marker are ignored, even if they have the recorded name.
        Some((first, rest)) if rest.iter().all(|other| are_duplicates(first, other)) => {
            Verdict::Ours {
                id: first.id,
                duplicates: rest.iter().map(|duplicate| duplicate.id).collect(),
            }
        }
        None if unproven.is_empty() => Verdict::None,
        _ => Verdict::Unproven(ours.iter().map(|key| key.id).chain(unproven).collect()),
    }
}

/// The maximum difference between the creation times of duplicates, in milliseconds. The copies of a repeated request are expected to reach the
/// manager within this time.
pub(super) const CLOSE: u64 = 5 * 60 * 1000;

/// Returns true if the two keys are duplicates: the manager created both keys from one create request. The caller has checked that the keys have the
/// same marker. The marker alone is not sufficient, because a user may have copied the marker to a different key.
fn are_duplicates(one: &ApiKey, other: &ApiKey) -> bool {
    are_close(one, other) && one.name() == other.name() && one.description() == other.description()
}

/// Like [`are_duplicates`], but the key `answered` comes from a response that may omit fields. Omitted fields are not compared.
pub(super) fn is_duplicate_of_answer(answered: &ApiKey, other: &ApiKey) -> bool {
    let same = |one: Option<&str>, other: Option<&str>| one.is_none() || one == other;
    are_close(answered, other)
        && same(answered.name(), other.name())
        && same(answered.description(), other.description())
}

fn are_close(one: &ApiKey, other: &ApiKey) -> bool {
    match (one.created(), other.created()) {
        (Some(one), Some(other)) => one.abs_diff(other) <= CLOSE,
        _ => true,
    }
}

fn is_named_like(record: &Record, since: i64, key: &ApiKey) -> bool {
    let name = key.name().unwrap_or_default();
    name == record.key_name
        || is_like(&record.key_name, name) && key.created().is_none_or(|created| created >= since)
}

/// Whether a key has this operation's marker, the marker of a different operation, or no marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MarkOwner {
    Us,
    Another,
    None,
}

pub(super) fn marker_owner(record: &Record, key: &ApiKey) -> MarkOwner {
    let description = key.description().unwrap_or_default().to_ascii_lowercase();
    let name = key.name().unwrap_or_default().to_ascii_lowercase();
    // The operation ID is random, so it does not occur in other text by chance.
    let holds = |text: &str| text.contains(&record.operation);
    if record.marked && (holds(&description) || holds(&name)) {
        return MarkOwner::Us;
    }
    // The key does not have this operation's marker. A different marker shows that the key belongs to a different run.
    let mut others = found_marks(&description)
        .map(|found| found.operation)
        .chain(default_name_of(&name).filter(|_| folded(&name) != folded(&record.key_name)));
    match others.any(|operation| operation != record.operation) {
        true => MarkOwner::Another,
        false => MarkOwner::None,
    }
}

/// Returns true if the key has the marker of the operation.
pub(crate) fn is_ours(record: &Record, key: &ApiKey) -> bool {
    marker_owner(record, key) == MarkOwner::Us
}

/// An hour in milliseconds.
const HOUR: i64 = 60 * 60 * 1000;

/// Returns true if the key with the recorded ID is the operation's key. A different manager at the same address may use the ID for a different key.
/// One of three facts is sufficient: the key has the operation's marker, the key's name is equal or similar to the recorded name, or the key was
/// created during the operation.
pub(super) fn is_the_one(record: &Record, since: i64, key: &ApiKey) -> bool {
    let name = key.name().unwrap_or(&record.key_name);
    match marker_owner(record, key) {
        MarkOwner::Us => true,
        MarkOwner::Another => false,
        MarkOwner::None => {
            name == record.key_name
                || is_like(&record.key_name, name)
                || key.created().is_some() && is_of_its_time(since, key)
        }
    }
}

/// Returns true if the key was created within one hour after `since`, or has no creation time.
pub(super) fn is_of_its_time(since: i64, key: &ApiKey) -> bool {
    let span = since..since.saturating_add(HOUR);
    key.created().is_none_or(|created| span.contains(&created))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::journal::Operation;
    use crate::mint::marker::without_marks;

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
        Verdict::Ours {
            id,
            duplicates: vec![],
        }
    }

    const OURS: Option<&str> = Some("for CI [swp-keys 1a2b3c4d]");
    const THEIRS: Option<&str> = Some("[swp-keys 99999999]");

    #[test]
    fn only_a_marker_proves_ownership() {
        let verdict = |keys: &[ApiKey]| judge(&record("ci", true), SINCE, keys);
        let mine = || key(5, "ci", OURS);
        let theirs = || key(4, "ci", THEIRS);
        let unmarked = || key(6, "ci", Some("by hand"));
        let before = || key(3, "ci", None);
        assert_eq!(verdict(&[mine(), theirs(), before()]), ours(5));
        assert_eq!(verdict(&[mine(), unmarked()]), ours(5));
        assert_eq!(verdict(&[theirs(), before()]), Verdict::None);
        assert_eq!(verdict(&[unmarked()]), Verdict::Unproven(vec![6]));
        assert_eq!(verdict(&[]), Verdict::None);
    }

    #[test]
    fn a_marker_counts_under_any_name_and_in_any_altered_form() {
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
    fn a_request_processed_twice_creates_duplicates_but_a_copied_description_does_not() {
        let verdict = |keys: &[ApiKey]| judge(&record("ci", true), SINCE, keys);
        let duplicates = [key(9, "ci", OURS), key(5, "ci", OURS)];
        let both = Verdict::Ours {
            id: 5,
            duplicates: vec![9],
        };
        assert_eq!(verdict(&duplicates), both);
        let copied = [key(5, "ci", OURS), key(9, "copy", OURS)];
        assert_eq!(verdict(&copied), Verdict::Unproven(vec![5, 9]));
        let later = 3_600_000 + SINCE;
        let copied = [key(5, "ci", OURS), made_at(9, "ci", OURS, later)];
        assert_eq!(verdict(&copied), Verdict::Unproven(vec![5, 9]));
    }

    #[test]
    fn a_new_key_with_a_similar_name_may_be_ours() {
        let verdict = |key: ApiKey| judge(&record("ci", true), SINCE, &[key]);
        assert_eq!(verdict(key(5, "CI", None)), Verdict::Unproven(vec![5]));
        assert_eq!(verdict(made_at(5, "CI", None, SINCE - 1)), Verdict::None);
        assert_eq!(verdict(key(5, "ci-2", None)), Verdict::None);
    }

    #[test]
    fn without_a_marker_ownership_is_unproven() {
        let unmarked = record("ci", false);
        let verdict = |key: ApiKey| judge(&unmarked, SINCE, &[key]);
        assert_eq!(verdict(key(5, "ci", None)), Verdict::Unproven(vec![5]));
        assert_eq!(verdict(key(5, "ci", THEIRS)), Verdict::None);
    }

    #[test]
    fn an_older_key_with_the_recorded_id_is_not_ours() {
        let is_it = |key: ApiKey| is_the_one(&record("ci", true), SINCE, &key);
        assert!(is_it(made_at(5, "renamed", OURS, 0)));
        assert!(is_it(made_at(5, "CI", None, 0)));
        assert!(is_it(key(5, "renamed", None)));
        assert!(!is_it(made_at(5, "renamed", None, 0)));
        assert!(!is_it(key(5, "ci", THEIRS)));
    }

    #[test]
    fn markers_are_removed_from_text() {
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
}

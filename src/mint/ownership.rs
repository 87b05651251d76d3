//! Whose key is it: the mark that an operation leaves in a key's name or description, and what can be concluded from it.
//!
//! Another run may just have received the secret of a key that bears the same name, so nothing is re-keyed or deleted on the name
//! alone.

use crate::journal::Record;
use crate::manager::ApiKey;

/// The mark for the description of a key that the user named.
pub(crate) fn mark(operation: &str) -> String {
    format!("{MARK}{operation}]")
}

const MARK: &str = "[swp-keys ";

/// What the keys of one name say about an operation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// This one is the operation's own, by its mark.
    Ours(i64),
    /// None is; it was not created, or is gone.
    None,
    /// These may be, and nothing proves it.
    Unproven(Vec<i64>),
}

/// Looks for the operation's own key among those that a search for its name gave.
pub(super) fn judge(record: &Record, found: &[ApiKey]) -> Verdict {
    let candidates = (found.iter())
        .filter(|key| key.name() == Some(&record.key_name))
        .filter(|key| !record.existing_ids.contains(&key.id));
    let (mut ours, mut unproven) = (Vec::new(), Vec::new());
    for key in candidates {
        match bearer(record, key) {
            Bearer::Us => ours.push(key.id),
            Bearer::Nobody => unproven.push(key.id),
            Bearer::Another => {}
        }
    }
    match (&ours[..], unproven.is_empty()) {
        ([one], true) => Verdict::Ours(*one),
        ([], true) => Verdict::None,
        // With proof for one, a stranger of the same name without a mark takes nothing away from it.
        ([one], false) => Verdict::Ours(*one),
        _ => Verdict::Unproven(ours.into_iter().chain(unproven).collect()),
    }
}

/// Whose mark a key bears.
enum Bearer {
    Us,
    Another,
    Nobody,
}

fn bearer(record: &Record, key: &ApiKey) -> Bearer {
    let description = key.description().unwrap_or_default();
    let another = if marks(description).any(|operation| operation != record.operation) {
        Bearer::Another
    } else {
        Bearer::Nobody
    };
    if !record.marked {
        // The key that was asked for bears no mark, so one with a mark is another run's.
        return another;
    }
    // A name made by us ends in the operation; a name given by the user leaves it to the description.
    let named = key
        .name()
        .is_some_and(|name| name.ends_with(&format!("-{}", record.operation)));
    if named || description.contains(&mark(&record.operation)) {
        Bearer::Us
    } else {
        another
    }
}

/// Whether the key bears the operation's mark.
pub(super) fn is_ours(record: &Record, key: &ApiKey) -> bool {
    record.marked && matches!(bearer(record, key), Bearer::Us)
}

/// The operations whose whole marks stand in a text; a mark that was cut short is nobody's.
pub(crate) fn marks(text: &str) -> impl Iterator<Item = &str> {
    text.split(MARK)
        .skip(1)
        .filter_map(|rest| rest.split_once(']'))
        .map(|(operation, _)| operation)
        .filter(|operation| {
            operation.len() == 8 && operation.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

/// A text without the marks of operations, and without the blanks before them.
pub(crate) fn without_marks(text: &str) -> String {
    let mut rest = text.to_owned();
    loop {
        let Some(mark) = marks(&rest).next().map(mark) else {
            return rest;
        };
        let (before, after) = rest.split_once(&mark).unwrap_or((&rest, ""));
        rest = format!("{}{after}", before.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::journal::Work;

    fn record(name: &str, marked: bool) -> Record {
        Record {
            operation: "1a2b3c4d".to_owned(),
            work: Work::Create,
            manager: "https://m".to_owned(),
            tenant: None,
            key_name: name.to_owned(),
            role_id: Some(2),
            key_id: None,
            existing_ids: vec![3],
            marked,
            unique: true,
            signer: None,
            predecessor: None,
            temporary: false,
            current: false,
            sinks: Vec::new(),
            started: 0,
        }
    }

    fn key(id: i64, name: &str, description: Option<&str>) -> ApiKey {
        let mut object = json!({"ID": id, "keyName": name});
        if let Some(description) = description {
            object["description"] = description.into();
        }
        serde_json::from_str(&object.to_string()).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn only_a_mark_proves_whose_a_key_is() {
        let ours = key(5, "ci", Some("for CI [swp-keys 1a2b3c4d]"));
        let theirs = key(4, "ci", Some("[swp-keys 99999999]"));
        let nobodys = key(6, "ci", Some("by hand"));
        let before = key(3, "ci", None);
        let elsewhere = key(7, "other", Some("[swp-keys 1a2b3c4d]"));
        let marked = record("ci", true);
        let verdict = |keys: &[&ApiKey]| {
            let keys: Vec<ApiKey> = keys.iter().map(|key| copy(key)).collect();
            judge(&marked, &keys)
        };
        assert_eq!(
            verdict(&[&ours, &theirs, &before, &elsewhere]),
            Verdict::Ours(5)
        );
        assert_eq!(verdict(&[&ours, &nobodys]), Verdict::Ours(5));
        assert_eq!(verdict(&[&theirs, &before, &elsewhere]), Verdict::None);
        assert_eq!(verdict(&[&nobodys]), Verdict::Unproven(vec![6]));
        assert_eq!(verdict(&[]), Verdict::None);
        let twin = key(9, "ci", Some("[swp-keys 1a2b3c4d]"));
        assert_eq!(verdict(&[&ours, &twin]), Verdict::Unproven(vec![5, 9]));
    }

    #[test]
    fn a_name_of_our_own_is_a_mark() {
        let found = [key(5, "Auditor-20261123T101112Z-1a2b3c4d", None)];
        assert_eq!(
            judge(&record("Auditor-20261123T101112Z-1a2b3c4d", true), &found),
            Verdict::Ours(5)
        );
    }

    #[test]
    fn without_a_mark_nothing_is_proven() {
        let unmarked = record("ci", false);
        assert_eq!(
            judge(&unmarked, &[key(5, "ci", None)]),
            Verdict::Unproven(vec![5])
        );
        assert_eq!(
            judge(&unmarked, &[key(5, "ci", Some("[swp-keys 99999999]"))]),
            Verdict::None
        );
    }

    #[test]
    fn marks_are_taken_out_of_a_text() {
        for (text, without) in [
            ("for CI [swp-keys 1a2b3c4d]", "for CI"),
            ("[swp-keys 1a2b3c4d]", ""),
            ("a [swp-keys 1a2b3c4d] b [swp-keys 99999999]", "a b"),
            ("a [swp-keys 1a2b", "a [swp-keys 1a2b"),
            ("a [swp-keys xxxxxxxx] ", "a [swp-keys xxxxxxxx] "),
        ] {
            assert_eq!(without_marks(text), without);
        }
    }

    fn copy(original: &ApiKey) -> ApiKey {
        key(
            original.id,
            original.name().unwrap_or_default(),
            original.description(),
        )
    }
}

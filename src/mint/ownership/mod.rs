//! Whose key is it: the mark that an operation leaves in a key's description, and what can be concluded from it.
//!
//! Another run may just have received the secret of a key that bears the same name, so nothing is re-keyed or deleted on the name
//! alone. A manager may keep names and descriptions in a form of its own, and somebody may rename a key, so the mark is looked for in both,
//! in either case of letters, with or without its brackets and blanks.

use crate::journal::Record;
use crate::manager::ApiKey;

use super::likeness::{folded, is_like};

/// The mark for the description of a key.
pub(crate) fn mark(operation: &str) -> String {
    format!("{MARK}{operation}]")
}

const MARK: &str = "[swp-keys ";

/// What keys say about an operation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// This one is the operation's own, by its mark, and so are its twins: a request that was sent twice made them.
    Ours { id: i64, twins: Vec<i64> },
    /// None is; it was not created, or is gone.
    None,
    /// These may be, and nothing proves it.
    Unproven(Vec<i64>),
}

/// Looks for the operation's own key among others. A key that was created before `since` (by the manager's clock) bears a name that is like
/// the operation's by chance. One that does not show when it was created may be the operation's.
pub(super) fn judge(record: &Record, since: i64, found: &[ApiKey]) -> Verdict {
    let (mut ours, mut unproven) = (Vec::new(), Vec::new());
    for key in found {
        if record.existing_ids.contains(&key.id) {
            continue;
        }
        match marker_owner(record, key) {
            Bearer::Us => ours.push(key),
            Bearer::Nobody if is_named_like(record, since, key) => unproven.push(key.id),
            Bearer::Nobody | Bearer::Another => {}
        }
    }
    ours.sort_by_key(|key| key.id);
    match ours.split_first() {
        // With proof for one, a stranger of the same name without a mark takes nothing away from it.
        Some((first, rest)) if rest.iter().all(|other| are_twins(first, other)) => Verdict::Ours {
            id: first.id,
            twins: rest.iter().map(|twin| twin.id).collect(),
        },
        None if unproven.is_empty() => Verdict::None,
        _ => Verdict::Unproven(ours.iter().map(|key| key.id).chain(unproven).collect()),
    }
}

/// Two requests that come close together, in milliseconds.
pub(super) const CLOSE: u64 = 5 * 60 * 1000;

/// Whether two keys with one mark were made by one request that came twice. Else somebody has copied a description.
fn are_twins(one: &ApiKey, other: &ApiKey) -> bool {
    are_close(one, other) && one.name() == other.name() && one.description() == other.description()
}

/// The same for a key as an answer shows it, which may leave fields out.
pub(super) fn is_twin_of_answer(answered: &ApiKey, other: &ApiKey) -> bool {
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

/// Whose mark a key bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bearer {
    Us,
    Another,
    Nobody,
}

pub(super) fn marker_owner(record: &Record, key: &ApiKey) -> Bearer {
    let description = key.description().unwrap_or_default().to_ascii_lowercase();
    let name = key.name().unwrap_or_default().to_ascii_lowercase();
    // Its digits are random: no text holds them by chance.
    let holds = |text: &str| text.contains(&record.operation);
    if record.marked && (holds(&description) || holds(&name)) {
        return Bearer::Us;
    }
    // If the key that was asked for bears no mark, one with a mark is another run's.
    let mut others = found_marks(&description)
        .map(|found| found.operation)
        .chain(default_name_of(&name).filter(|_| folded(&name) != folded(&record.key_name)));
    match others.any(|operation| operation != record.operation) {
        true => Bearer::Another,
        false => Bearer::Nobody,
    }
}

/// Whether the key bears the operation's mark.
pub(crate) fn is_ours(record: &Record, key: &ApiKey) -> bool {
    marker_owner(record, key) == Bearer::Us
}

/// An hour in milliseconds.
const HOUR: i64 = 60 * 60 * 1000;

/// Whether the key with the ID that an answer told is the one that the operation made. IDs are another manager's at another manager, so it
/// bears our mark or a name like ours, or was created when the operation was under way.
pub(super) fn is_the_one(record: &Record, since: i64, key: &ApiKey) -> bool {
    let name = key.name().unwrap_or(&record.key_name);
    match marker_owner(record, key) {
        Bearer::Us => true,
        Bearer::Another => false,
        Bearer::Nobody => {
            name == record.key_name
                || is_like(&record.key_name, name)
                || key.created().is_some() && is_of_its_time(since, key)
        }
    }
}

/// Whether a key was created within the hour after `since`, as far as the manager shows that.
pub(super) fn is_of_its_time(since: i64, key: &ApiKey) -> bool {
    let span = since..since.saturating_add(HOUR);
    key.created().is_none_or(|created| span.contains(&created))
}

/// The operation in the name that a run gave its key: role, time and operation.
fn default_name_of(name: &str) -> Option<&str> {
    let (rest, operation) = name.rsplit_once('-')?;
    let (_, time) = rest.rsplit_once('-')?;
    let is_time = time.len() == 16
        && time.bytes().enumerate().all(|(place, byte)| match place {
            8 => byte == b't',
            15 => byte == b'z',
            _ => byte.is_ascii_digit(),
        });
    (is_time && is_operation(operation)).then_some(operation)
}

fn is_operation(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The operations whose whole marks stand in a text; a mark that was cut short is nobody's.
pub(crate) fn markers(text: &str) -> impl Iterator<Item = &str> {
    text.split(MARK)
        .skip(1)
        .filter_map(|rest| rest.split_once(']'))
        .map(|(operation, _)| operation)
        .filter(|operation| is_operation(operation))
}

/// A mark in a text, in whatever form a manager keeps it.
struct FoundMark<'a> {
    operation: &'a str,
    start: usize,
    end: usize,
}

/// The marks in a text of lower-case letters.
fn found_marks(text: &str) -> impl Iterator<Item = FoundMark<'_>> {
    const NAME: &str = "swp-keys";
    text.match_indices(NAME).filter_map(|(place, _)| {
        let rest = &text[place + NAME.len()..];
        let digits = rest.trim_start_matches([' ', '[', '(', '{']);
        let operation = digits.get(..8).filter(|digits| is_operation(digits))?;
        let behind = &digits[8..];
        if behind.starts_with(|next: char| next.is_ascii_alphanumeric()) {
            return None;
        }
        let bracketed = text[..place].ends_with('[');
        let start = place - usize::from(bracketed);
        let end = text.len() - behind.len() + usize::from(bracketed && behind.starts_with(']'));
        Some(FoundMark {
            operation,
            start,
            end,
        })
    })
}

/// The operation of the last mark of a key, in whatever form the manager keeps it; else that in the name that a run made.
pub(super) fn last_mark(key: &ApiKey) -> Option<String> {
    let description = key.description().unwrap_or_default().to_ascii_lowercase();
    let name = key.name().unwrap_or_default().to_ascii_lowercase();
    let last = found_marks(&description).map(|mark| mark.operation).last();
    last.or_else(|| default_name_of(&name)).map(str::to_owned)
}

/// A text without the marks of operations, and without the blanks before them.
pub(crate) fn without_marks(text: &str) -> String {
    // As long as the text itself, byte by byte.
    let lower = text.to_ascii_lowercase();
    let (mut rest, mut last) = (String::new(), 0);
    for mark in found_marks(&lower) {
        rest.push_str(text[last..mark.start].trim_end());
        last = mark.end;
    }
    rest.push_str(&text[last..]);
    rest
}

#[cfg(test)]
mod tests;

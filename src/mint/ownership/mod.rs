//! Whose key it is: the mark that an operation leaves in a key's description, and what it proves.
//!
//! Another run may have just received the secret of a key with the same name, so nothing is reset or deleted on account of the
//! name alone. A manager may alter names and descriptions, and people rename keys, so the mark is searched for in both, in upper
//! or lower case, with or without its brackets and blanks.

use crate::journal::Record;
use crate::manager::ApiKey;

use super::likeness::{folded, is_like};

/// Returns the mark for the description of a key.
pub(crate) fn mark(operation: &str) -> String {
    format!("{MARK}{operation}]")
}

const MARK: &str = "[swp-keys ";

/// What the keys prove about an operation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// This key is the operation's own by its mark, and so are its twins, which a repeated request made.
    Ours { id: i64, twins: Vec<i64> },
    /// None is. It was not created, or is gone.
    None,
    /// These may be, but nothing proves it.
    Unproven(Vec<i64>),
}

/// Searches for the operation's own key among others. A key that was created before `since`, by the manager's clock, has a
/// similar name by chance. A key that does not show when it was created may be the operation's.
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
    ours.sort_by_key(|key| key.id);
    match ours.split_first() {
        // If one key is proven, another key of the same name without a mark does not matter.
        Some((first, rest)) if rest.iter().all(|other| are_twins(first, other)) => Verdict::Ours {
            id: first.id,
            twins: rest.iter().map(|twin| twin.id).collect(),
        },
        None if unproven.is_empty() => Verdict::None,
        _ => Verdict::Unproven(ours.iter().map(|key| key.id).chain(unproven).collect()),
    }
}

/// How far apart two copies of a request arrive at most, in milliseconds.
pub(super) const CLOSE: u64 = 5 * 60 * 1000;

/// Returns whether one repeated request made two keys that have one mark. Otherwise one is a copy of the other.
fn are_twins(one: &ApiKey, other: &ApiKey) -> bool {
    are_close(one, other) && one.name() == other.name() && one.description() == other.description()
}

/// Returns the same for a key as a response shows it, which may leave fields out.
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

/// Whose mark a key has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MarkOwner {
    Us,
    Another,
    None,
}

pub(super) fn marker_owner(record: &Record, key: &ApiKey) -> MarkOwner {
    let description = key.description().unwrap_or_default().to_ascii_lowercase();
    let name = key.name().unwrap_or_default().to_ascii_lowercase();
    // The digits are random, so no text has them by chance.
    let holds = |text: &str| text.contains(&record.operation);
    if record.marked && (holds(&description) || holds(&name)) {
        return MarkOwner::Us;
    }
    // If our key has no mark, a key with a mark is another run's.
    let mut others = found_marks(&description)
        .map(|found| found.operation)
        .chain(default_name_of(&name).filter(|_| folded(&name) != folded(&record.key_name)));
    match others.any(|operation| operation != record.operation) {
        true => MarkOwner::Another,
        false => MarkOwner::None,
    }
}

/// Returns whether the key has the operation's mark.
pub(crate) fn is_ours(record: &Record, key: &ApiKey) -> bool {
    marker_owner(record, key) == MarkOwner::Us
}

/// An hour in milliseconds.
const HOUR: i64 = 60 * 60 * 1000;

/// Returns whether the key with the recorded ID is the one that the operation made. Another manager has other IDs, so the key
/// must have our mark or a similar name, or have been created during the operation.
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

/// Returns whether a key was created within the hour after `since`, as far as the manager shows that.
pub(super) fn is_of_its_time(since: i64, key: &ApiKey) -> bool {
    let span = since..since.saturating_add(HOUR);
    key.created().is_none_or(|created| span.contains(&created))
}

/// Returns the operation in a default name, which consists of role, time and operation.
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

/// Returns the operations of the complete marks in a text.
pub(crate) fn markers(text: &str) -> impl Iterator<Item = &str> {
    text.split(MARK)
        .skip(1)
        .filter_map(|rest| rest.split_once(']'))
        .map(|(operation, _)| operation)
        .filter(|operation| is_operation(operation))
}

/// A mark in a text, in any form that a manager keeps.
struct FoundMark<'a> {
    operation: &'a str,
    start: usize,
    end: usize,
}

/// Returns the marks in a lower-case text.
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

/// Returns the operation of the last mark of a key, in any form that a manager keeps, or else that in a default name.
pub(super) fn last_mark(key: &ApiKey) -> Option<String> {
    let description = key.description().unwrap_or_default().to_ascii_lowercase();
    let name = key.name().unwrap_or_default().to_ascii_lowercase();
    let last = found_marks(&description).map(|mark| mark.operation).last();
    last.or_else(|| default_name_of(&name)).map(str::to_owned)
}

/// Returns a text without marks, and without the blanks before them.
pub(crate) fn without_marks(text: &str) -> String {
    // The two have the same length in bytes.
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

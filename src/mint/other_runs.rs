//! Other runs at work on the key that will get a new secret. The records of interrupted runs are taken over, and a living
//! run is not disturbed.
//!
//! A run looks after its own record is on disk. So of two runs with one state folder, the one that looks later sees the other.

use super::ownership;
use super::record::next_step;
use super::resume::{busy, same_signer};
use crate::error::{Error, ErrorKind};
use crate::journal::{self, Entry, JournalEntry, Record, Work};
use crate::manager::{ApiKey, SignedIn};
use crate::target::Target;

/// Takes over the records of runs that were interrupted while they made this key or its secret: the secret that is made now replaces
/// theirs. `own` is the record of this run. `key` is the key with this ID as the manager shows it, if it was read.
///
/// # Errors
/// Returns a conflict if a living run works on the key, or if a rotation of it was interrupted.
pub(super) fn take_over(
    id: i64,
    key: Option<&ApiKey>,
    own: &Record,
    signed_in: &SignedIn,
) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for found in journal::unfinished().unwrap_or_default() {
        let (other, lives) = match found {
            JournalEntry::Record(other) => (other, false),
            JournalEntry::InProgress(other) => (other, true),
            JournalEntry::Unreadable(..) => continue,
        };
        let same_place = other.manager == own.manager && other.tenant == own.tenant;
        if !same_place || other.operation == own.operation || other.is_over() {
            continue;
        }
        if own.predecessor.is_none() && rotates(&other, id, key) {
            return Err(in_rotation(&other));
        }
        if !is_about(&other, id, key, own) {
            continue;
        }
        // This run does not wait for a living run, whose secret would replace the one that is made here.
        let entry = if lives {
            None
        } else {
            same_signer(&other, signed_in)?;
            Entry::take_over(&other.operation)?
        };
        entries.push(entry.ok_or_else(|| busy(&own.key_name))?);
    }
    Ok(entries)
}

/// Returns whether the run worked on this key. A run that did not know the ID of its key yet had a key of this name. If the key
/// has the marker of another run, it was another key.
fn is_about(other: &Record, id: i64, key: Option<&ApiKey>, own: &Record) -> bool {
    if let Some(its) = other.key_id {
        return its == id;
    }
    let anothers = key.is_some_and(|key| is_anothers(other, key));
    own.work == Work::Rekey && other.key_name == own.key_name && !anothers
}

/// Refuses to leave a key as it is if a run that was delivering its secret was interrupted: the secret may be lost.
///
/// # Errors
/// Returns an error with the next step of the record.
pub(crate) fn refuse_unfinished(key: &ApiKey, target: &Target) -> Result<(), Error> {
    let manager = target.address.to_string();
    for found in journal::unfinished().unwrap_or_default() {
        let JournalEntry::Record(record) = found else {
            continue;
        };
        let here = record.manager == manager && record.tenant.as_deref() == target.tenant_name();
        let delivered = record.is_over() || record.predecessor.is_some() && record.is_delivered();
        if !here || delivered || !made(&record, key) {
            continue;
        }
        let message = format!(
            "a run was interrupted before it delivered the secret of the key `{}` (ID {}), so the secret may be lost",
            record.key_name, key.id
        );
        let error = Error::new(ErrorKind::Attention, message).hint(next_step(Some(&record)));
        return Err(error.key(key.id));
    }
    Ok(())
}

/// Returns whether the run made this key, or a secret of it, as far as that shows.
fn made(record: &Record, key: &ApiKey) -> bool {
    match record.key_id {
        Some(id) => id == key.id,
        None => {
            key.name() == Some(&record.key_name)
                && !record.existing_ids.contains(&key.id)
                && !is_anothers(record, key)
        }
    }
}

/// Returns whether the key lacks the marker that the run would have given it.
fn is_anothers(record: &Record, key: &ApiKey) -> bool {
    record.marked && key.description().is_some() && !ownership::is_ours(record, key)
}

/// Returns whether the run was replacing this key, or the key is the successor.
fn rotates(record: &Record, id: i64, key: Option<&ApiKey>) -> bool {
    let name = key.and_then(ApiKey::name);
    record.predecessor.as_ref().is_some_and(|predecessor| {
        predecessor.id == id || record.key_id == Some(id) || name == Some(&record.key_name)
    })
}

/// The error if a rotation may still make a secret, or has made one, that a new secret would replace.
fn in_rotation(record: &Record) -> Error {
    let name = &record.key_name;
    Error::new(
        ErrorKind::Conflict,
        format!("a rotation of the key `{name}` is not finished"),
    )
    .hint("finish it with `swp-keys recover` or with the same `swp-keys rotate-key`, or undo it with `swp-keys recover --delete`")
}

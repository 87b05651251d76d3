//! Handles other runs that work on the same key. This run takes over the records of interrupted runs, and fails if another process is
//! working on the key.
//!
//! A run searches for other records after its own record is on disk. So if two runs use the same state folder, the later run sees the
//! record of the earlier run.

use super::ownership;
use super::record::next_step;
use super::resume::{busy, same_signer};
use crate::auth::session::Access;
use crate::error::{Error, ErrorKind};
use crate::journal::{self, Entry, JournalEntry, Record, Work};
use crate::manager::ApiKey;

/// Locks and returns the records of interrupted runs that may have created a secret for this key. The new secret of this run makes those secrets
/// invalid. `own` is the record of this run. `key` is the key with the ID `id`, or `None` if the key was not read.
///
/// # Errors
/// Returns a conflict if another process is working on the key, or if a rotation of the key was interrupted.
pub(super) fn take_over(
    id: i64,
    key: Option<&ApiKey>,
    own: &Record,
    access: Access<'_>,
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
        // If another run is working on the key, this run fails instead of waiting. If each of the two runs created a secret for the key, only the
        // later secret would work.
        let entry = if lives {
            None
        } else {
            same_signer(&other, access)?;
            Entry::take_over(&other.operation)?
        };
        entries.push(entry.ok_or_else(|| busy(&own.key_name))?);
    }
    Ok(entries)
}

/// Returns true if the record `other` is about this key. If `other` contains no key ID, the names are compared, and a key of a different run does not
/// match (see `is_anothers`).
fn is_about(other: &Record, id: i64, key: Option<&ApiKey>, own: &Record) -> bool {
    if let Some(its) = other.key_id {
        return its == id;
    }
    let anothers = key.is_some_and(|key| is_anothers(other, key));
    own.work == Work::Rekey && other.key_name == own.key_name && !anothers
}

/// Checks that no run was interrupted before it delivered the secret of this key.
///
/// # Errors
/// Returns an error if a run was interrupted. The hint is the next step for the user.
pub(crate) fn refuse_unfinished(key: &ApiKey, access: Access<'_>) -> Result<(), Error> {
    let (target, context) = (access.target, access.context);
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
        let error =
            Error::new(ErrorKind::Attention, message).hint(next_step(Some(&record), context));
        return Err(error.key(key.id));
    }
    Ok(())
}

/// Returns true if the run that wrote `record` may have created `key`, or a new secret for `key`.
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

/// Returns true if the record's marker `[swp-keys OPERATION]` is missing from the description of `key`. In this case, `key` belongs to a different
/// run. Returns false if the record's run adds no marker, or if the description of `key` is unknown.
fn is_anothers(record: &Record, key: &ApiKey) -> bool {
    record.marked && key.description().is_some() && !ownership::is_ours(record, key)
}

/// Returns true if the run that wrote the record was rotating this key, or was creating this key as the successor in a rotation.
fn rotates(record: &Record, id: i64, key: Option<&ApiKey>) -> bool {
    let name = key.and_then(ApiKey::name);
    record.predecessor.as_ref().is_some_and(|predecessor| {
        predecessor.id == id || record.key_id == Some(id) || name == Some(&record.key_name)
    })
}

/// Returns the error for a key with an unfinished rotation. A new secret would replace the secret that the rotation created.
fn in_rotation(record: &Record) -> Error {
    let name = &record.key_name;
    Error::new(
        ErrorKind::Conflict,
        format!("the key `{name}` has an unfinished rotation"),
    )
    .hint("run `swp-keys recover` to finish the rotation, or `swp-keys recover --delete` to roll it back")
}

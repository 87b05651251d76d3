//! Detects responses about a key that this run did not create, and responses with a different role than requested. A key of another run is never
//! changed or deleted.

use super::likeness::{folded, is_like};
use super::ownership::{self, MarkOwner, marker_owner};
use super::state::{Failure, Minted, Transaction, UndeliveredSecret};
use crate::error::{Error, ErrorKind};
use crate::journal::{Record, Work};
use crate::manager::{ApiKey, NewApiKey};

/// Returns a failure if the manager responded to the create request with an older key, such as the predecessor in a rotation.
pub(super) fn known_before(record: &Record, key: &ApiKey) -> Option<Failure> {
    let known = record.work == Work::Create && record.existing_ids.contains(&key.id);
    known.then(|| {
        let failure = format!(
            "the manager responded to the create request with a key that existed before the request (ID {})",
            key.id
        );
        Failure::Unresolved(Error::new(ErrorKind::Attention, failure).key(key.id))
    })
}

/// Tells which run created the key that a response contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attribution {
    /// This run.
    Ours,
    /// Another run created the key. A proxy may have swapped two responses.
    AnotherRun,
    /// It is unknown which run created the key. The response contains neither the name nor the marker of this run's key, but a manager may alter
    /// names and omit descriptions.
    Unknown,
}

pub(super) fn attribute(record: &Record, asked: &NewApiKey, key: &ApiKey) -> Attribution {
    let name = key.name().unwrap_or(&record.key_name);
    let like_ours = (name == record.key_name || is_like(&record.key_name, name))
        && !has_other_description(record, asked, key);
    match marker_owner(record, key) {
        MarkOwner::Us => Attribution::Ours,
        MarkOwner::Another => Attribution::AnotherRun,
        MarkOwner::None if like_ours => Attribution::Ours,
        // The response contains a description without this run's marker, so this run did not create the key.
        MarkOwner::None if !record.marked || key.description().is_some() => Attribution::AnotherRun,
        MarkOwner::None => Attribution::Unknown,
    }
}

/// Returns true if the key's description differs from the requested description. Text that is missing at the end does not count as a difference.
/// Changes of case, spaces and punctuation do not count either. Managers may cause such changes. Returns false if the key's name contains this run's
/// operation ID, because no other run uses this name.
fn has_other_description(record: &Record, asked: &NewApiKey, key: &ApiKey) -> bool {
    let (Some(asked), Some(stored)) = (&asked.description, key.description()) else {
        return false;
    };
    !record.key_name.contains(&record.operation) && !folded(asked).starts_with(&folded(stored))
}

/// Returns the failure for a response about a key that another run may have created. The key is not deleted, and its secret is not
/// delivered.
pub(super) fn exchanged(record: &Record, key: &ApiKey) -> Failure {
    let message = format!(
        "the manager responded to the create request with the key `{}` (ID {}), but another run may have created this key; no secret was delivered, \
         and no key was deleted",
        key.name().unwrap_or(&record.key_name),
        key.id
    );
    Failure::Unresolved(Error::new(ErrorKind::Attention, message).key(key.id))
}

/// Returns a failure if another run may have created the key, so that the caller does not delete the key. Returns `None` for a key of this
/// run.
pub(super) fn belongs_to_another_run(
    failure: &str,
    record: &Record,
    key: &ApiKey,
) -> Option<Failure> {
    let another = record.work == Work::Create
        && key.name().is_some_and(|name| name != record.key_name)
        && !ownership::is_ours(record, key);
    another.then(|| {
        let message = format!(
            "{failure}; the key with ID {} was not deleted, because another run may have created it",
            key.id
        );
        Failure::Unresolved(Error::new(ErrorKind::Attention, message).key(key.id))
    })
}

/// Returns the role ID of the created key, if it differs from the requested role ID.
fn other_role(record: &Record, key: &ApiKey) -> Option<i64> {
    let created = record.work == Work::Create;
    key.role_id()
        .filter(|role_id| created && record.role_id.is_some_and(|asked| asked != *role_id))
}

impl Transaction<'_> {
    /// Takes the secret from a response, after checking the name and the role of the key.
    pub(super) async fn accept(&self, mut key: ApiKey, record: &Record) -> Result<Minted, Failure> {
        let name = key.name().unwrap_or(&record.key_name).to_owned();
        if record.work == Work::Create
            && name != record.key_name
            && !ownership::is_ours(record, &key)
        {
            // A different name causes only a warning, because a manager may alter names (docs/manager-api.md, "Unknowns", no. 13).
            self.access.context.output.warn(&format!(
                "the manager gave the key with ID {} the name `{name}` instead of `{}`",
                key.id, record.key_name
            ));
        }
        let what = format!(
            "the key `{name}` (ID {}) has a secret that was not delivered",
            key.id
        );
        if let Some(pending) = &self.pending {
            pending.describe(what, key.id);
        }
        if let Some(role_id) = other_role(record, &key) {
            return Err(self.refuse_role(&key, role_id, record).await);
        }
        let Some(secret) = UndeliveredSecret::of(&mut key) else {
            let failure = "the manager's response contains no `secretKey`";
            return Err(match belongs_to_another_run(failure, record, &key) {
                Some(end) => end,
                None => self.undo(key.id, record, failure).await,
            });
        };
        Ok(Minted {
            id: key.id,
            name,
            fields: key.fields(),
            expiry_date: key.expiry_date(),
            active: key.active(),
            secret,
            uncertain: false,
        })
    }

    /// Deletes a new key whose role is not the requested role. A key that another run may have created is not deleted.
    async fn refuse_role(&self, key: &ApiKey, role_id: i64, record: &Record) -> Failure {
        let asked = record.role_id.unwrap_or_default();
        let failure =
            format!("the manager created a key with role ID {role_id} instead of role ID {asked}");
        if let Some(end) = belongs_to_another_run(&failure, record, key) {
            return end;
        }
        match self.undo(key.id, record, &failure).await {
            Failure::RolledBack(error) => Failure::RolledBack(
                Error::new(ErrorKind::Unexpected, error.to_string())
                    .hint(
                        "ask the manager's administrator why the manager assigns a different role",
                    )
                    .key(key.id),
            ),
            open => open,
        }
    }
}

//! Restores the name of the old key after a rotation that has no successor.
//!
//! Several runs may rotate the same key at once. For example, run A renames the old key, and run B creates a successor. If run B deletes its
//! successor, run B also restores the old key's name, although run A changed the name.

use super::ownership::is_ours;
use super::reconcile;
use super::retiring_name::{is_named_by_expiry, made_way_for};
use super::rotation::look;
use super::state::{Failure, Transaction};
use crate::auth::session::Access;
use crate::error::{Error, ErrorKind};
use crate::journal::Record;
use crate::manager::{ApiKey, KeyChange, ManagerError};

impl Transaction<'_> {
    /// Restores the predecessor's name after a failed rotation. Does nothing if the rotation neither sent a rename nor deleted a successor.
    pub(super) async fn restore_predecessor(&self, record: &Record, error: Error) -> Failure {
        let Some(predecessor) = &record.predecessor else {
            return Failure::RolledBack(error);
        };
        // If this run continues an interrupted run, the record may not contain everything that was done on the manager. So this run checks the
        // predecessor's name in any case.
        let continues = self.recovering || self.again;
        if !continues && predecessor.given_name.is_none() && record.key_id.is_none() {
            return Failure::RolledBack(error);
        }
        if self.renames_late {
            // The response to the rename was lost, so the manager may not have processed the rename yet. A late rename would undo the restoration, so
            // this run waits first.
            tokio::time::sleep(self.access.target.settle_timeout).await;
        }
        match restore_name(self.access, record).await {
            Ok(()) => Failure::RolledBack(error),
            Err(why) => Failure::Unresolved(
                Error::new(ErrorKind::Attention, format!("{error}; {why}"))
                    .http(error.http_status())
                    .key(predecessor.id),
            ),
        }
    }
}

/// Restores the name of the old key. Does nothing if the old key was not renamed, or if another key has the name. The caller must have verified that
/// this run's new key does not exist.
///
/// # Errors
/// Returns an error if it is unknown whether the name was restored.
pub(crate) async fn restore_name(access: Access<'_>, record: &Record) -> Result<(), Error> {
    let Some(predecessor) = &record.predecessor else {
        return Ok(());
    };
    let (id, name) = (predecessor.id, &record.key_name);
    let failed = |error: ManagerError| {
        let error = Error::from(error);
        Error::new(
            error.kind(),
            format!("could not restore the name `{name}` of the old key (ID {id}): {error}"),
        )
        .http(error.http_status())
        .key(id)
    };
    match look(access, id).await.map_err(failed)? {
        // Another rotation is complete. It has added the expiry to the old key's name, as in `ci (retiring 2026-11-24T09:00Z)`.
        Some(key)
            if key.name() != predecessor.given_name.as_deref()
                && is_named_by_expiry(&key, name) =>
        {
            return Ok(());
        }
        Some(key) if made_way_for(&key, name) => {}
        // Another user or run has renamed or deleted the predecessor, so there is no name to restore.
        _ => return Ok(()),
    }
    // A different run may be rotating the same predecessor. If the successor of that run has the name now, only that run may rename the predecessor.
    if is_taken(access, record, id).await.map_err(failed)? {
        return Ok(());
    }
    let change = KeyChange {
        key_name: Some(name.clone()),
        ..KeyChange::default()
    };
    let wait = access.target.settle_timeout;
    match reconcile::of_change(access.signed_in, id, &change, wait, None).await {
        Ok(_) => Ok(()),
        // Another run may have created a successor after the search.
        Err(error)
            if error.is_from_manager()
                && is_taken(access, record, id).await.is_ok_and(|taken| taken) =>
        {
            Ok(())
        }
        Err(error) => Err(failed(error)),
    }
}

/// Returns true if a third key has the predecessor's name. The predecessor and the successor that this run created are ignored. The successor was
/// deleted, but a search may still find it.
async fn is_taken(access: Access<'_>, record: &Record, old: i64) -> Result<bool, ManagerError> {
    let name = &record.key_name;
    let is_other = |key: &ApiKey| {
        key.name() == Some(name)
            && key.id != old
            && record.key_id != Some(key.id)
            && !is_ours(record, key)
    };
    let found = access.signed_in.api_keys_named(name).await?;
    Ok(found.iter().any(is_other))
}

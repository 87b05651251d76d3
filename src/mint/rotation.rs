//! Renames and expires the old key of a rotation, called the predecessor. The new key is called the successor. If the manager allows only
//! one key per name, the predecessor is renamed so that the successor can have the name. After the successor's secret was delivered, the
//! predecessor's expiry is set.
//!
//! ```text
//! recorded -> asked -> minted -> delivered -> the expiry of the predecessor is set -> settled
//!             ^  |
//!             |  | if the name is taken
//!             |  v
//!     the predecessor is renamed
//! ```
//!
//! The record is removed after the expiry is set. The record contains the successor's stage. Before the rename, the predecessor's new name is also
//! written to the record. So a run that continues after a crash can determine whether it must create a secret, restore the name, or only set the
//! expiry. That run never creates a second successor.
//!
//! A manager may allow two keys with the same name (docs/manager-api.md, "Unknowns", no. 7). On a manager that allows this, the predecessor is
//! renamed later, in the request that sets its expiry.
//!
//! If several runs rotate the same key at once, only the successor with the lowest ID remains, and the other successors are deleted
//! (docs/transaction.md, "Several runs at once"). The run that created the remaining successor sets the expiry of the predecessor.

use chrono::{DateTime, Utc};

use super::fleet_mark::FleetMark;
use super::reconcile;
use super::record::{RunRecord, pending_hint};
use super::retiring_name::retiring_name;
use super::state::{Failure, Minted, Transaction};
use crate::auth::session::Access;
use crate::error::{Error, ErrorKind};
use crate::expiry::format_time;
use crate::journal::{self, Predecessor, Record, Stage};
use crate::manager::{ApiKey, Cause, KeyChange, ManagerError};
use crate::process::pending::PendingWork;

/// Returns true if the manager did not create the successor, because the predecessor has the same name.
pub(super) fn name_is_taken(asked: &Result<Minted, Failure>, record: &Record) -> bool {
    let Some(predecessor) = &record.predecessor else {
        return false;
    };
    matches!(asked, Err(Failure::RolledBack(error))
        if error.kind() == ErrorKind::Conflict && error.key_id() == Some(predecessor.id))
}

impl Transaction<'_> {
    /// Renames the old key (the predecessor), so that the new key can have its name. The manager may rename the old key even if this function returns
    /// an error. So after an error, [`Transaction::restore_predecessor`] restores the name.
    pub(super) async fn rename_predecessor(
        &mut self,
        recorded: &mut RunRecord,
    ) -> Result<(), Failure> {
        let record = recorded.record();
        let name = record.key_name.clone();
        let Some(Predecessor { id, overlap, .. }) = record.predecessor.clone() else {
            return Ok(());
        };
        if let Some(signal) = self.access.context.signals.received() {
            return Err(Failure::RolledBack(Error::interrupted(signal)));
        }
        let end = self
            .access
            .signed_in
            .time()
            .timestamp_millis()
            .saturating_add(overlap);
        let given = retiring_name(&name, end);
        recorded
            .change(|record| {
                note(record, |predecessor| {
                    predecessor.given_name = Some(given.clone())
                })
            })
            .map_err(|error| Failure::RolledBack(not_noted(&error)))?;
        let change = KeyChange {
            key_name: Some(given.clone()),
            ..KeyChange::default()
        };
        let wait = self.access.target.settle_timeout;
        let signed_in = self.access.signed_in;
        let late = Some(&mut self.renames_late);
        let renaming = reconcile::of_change(signed_in, id, &change, wait, late);
        match journal::refresh_while(recorded.record(), renaming).await {
            Ok(_) => {
                log::info!(
                    "renamed the old key `{name}` (ID {id}) to `{given}`, because the new key needs the name"
                );
                Ok(())
            }
            Err(error) => {
                let error = Error::from(error);
                let message = format!(
                    "could not rename the old key `{name}` (ID {id}) to free the name for the new key: {error}"
                );
                let status = error.http_status();
                let failed = Error::new(error.kind(), message).http(status).key(id);
                Err(Failure::RolledBack(match (status, error.next_step()) {
                    (_, Some(hint)) => failed.hint(hint),
                    (Some(500..), None) => failed.hint("run the command again"),
                    _ => failed,
                }))
            }
        }
    }
}

fn note(record: &mut Record, change: impl FnOnce(&mut Predecessor)) {
    if let Some(predecessor) = &mut record.predecessor {
        change(predecessor);
    }
}

pub(super) fn not_noted(error: &std::io::Error) -> Error {
    Error::unexpected(format!("could not update the record of this run: {error}"))
        .hint("set SWP_STATE_DIR to a writable folder")
}

/// The predecessor's state after the rotation.
pub(crate) enum Retired {
    /// The predecessor expires at this time and has this name.
    Expires(i64, String),
    /// The predecessor no longer exists.
    Gone,
    /// The predecessor, which has this ID, was not changed, because its marker no longer names the fleet of the rotation.
    Released(i64),
}

/// Sets the predecessor's expiry after the successor's secret was delivered, and removes the record.
///
/// # Errors
/// Returns an error if the expiry was not set. After this error, the record is still on disk.
pub(crate) async fn expire_predecessor(
    access: Access<'_>,
    mut recorded: RunRecord,
    successor: i64,
) -> Result<Retired, Error> {
    let (record, kept) = (recorded.record(), recorded.is_written());
    let Some(predecessor) = record.predecessor.clone() else {
        recorded.settle(access.context);
        return Ok(Retired::Gone);
    };
    let (name, id, fleet) = (
        record.key_name.clone(),
        predecessor.id,
        record.fleet.clone(),
    );
    let hint = if kept {
        pending_hint(true)
    } else {
        format!(
            "run {} to set the expiry of the old key",
            set_by_hand(&predecessor)
        )
    };
    let pending = access.context.pending.add(PendingWork::secret(
        format!(
            "the secret of the new key `{name}` (ID {successor}) was delivered, but the expiry of the old key (ID {id}) may not be set"
        ),
        Some(id),
        hint,
    ));
    let noted = recorded.change(|record| {
        record.key_id = Some(successor);
        record.progress.stage = Stage::Delivered;
    });
    if let Err(error) = noted {
        // The stage on disk is still `delivering`. At this stage, `recover` replaces the secret only if the user requests it.
        log::info!("could not update the record of this run: {error}");
    }
    let result = set_end(access, &name, &predecessor, fleet.as_deref()).await;
    drop(pending);
    match result {
        Ok(retired) => {
            recorded.settle(access.context);
            Ok(retired)
        }
        Err(why) => Err(not_retired(&name, id, successor, &why, kept, &predecessor)),
    }
}

/// Returns the command that sets the old key's expiry.
fn set_by_hand(predecessor: &Predecessor) -> String {
    let overlap = std::time::Duration::from_millis(predecessor.overlap.unsigned_abs());
    let overlap = humantime::format_duration(overlap).to_string();
    format!(
        "`swp-keys update-key {} --expires {}`",
        predecessor.id,
        overlap.replace(' ', "")
    )
}

fn not_retired(
    name: &str,
    id: i64,
    successor: i64,
    why: &Error,
    kept: bool,
    predecessor: &Predecessor,
) -> Error {
    let by_hand = set_by_hand(predecessor);
    let error = Error::new(
        ErrorKind::Partial,
        format!(
            "the secret of the new key `{name}` (ID {successor}) was delivered, but the expiry of the old key (ID {id}, formerly `{name}`) was not set: {why}"
        ),
    )
    .http(why.http_status())
    .key(id);
    error.hint(if kept {
        "run `swp-keys recover` to set the expiry; without an expiry, the old key keeps working"
            .to_owned()
    } else {
        format!("run {by_hand} to set the expiry; without an expiry, the old key keeps working")
    })
}

async fn set_end(
    access: Access<'_>,
    name: &str,
    predecessor: &Predecessor,
    fleet: Option<&str>,
) -> Result<Retired, Error> {
    let id = predecessor.id;
    let key = match look(access, id).await? {
        Some(key) => key,
        None => return Ok(Retired::Gone),
    };
    if fleet.is_some_and(|fleet| is_released(&key, fleet)) {
        return Ok(Retired::Released(id));
    }
    let now: DateTime<Utc> = access.signed_in.time();
    let wanted = now.timestamp_millis().saturating_add(predecessor.overlap);
    // If the key already expires before the requested time, its expiry is not changed.
    let ends_before = key.expiry_date().filter(|end| *end <= wanted);
    let end = ends_before.unwrap_or(wanted);
    let retiring = retiring_name(name, end);
    let change = KeyChange {
        key_name: (key.name() != Some(&retiring)).then(|| retiring.clone()),
        expiry_date: ends_before.is_none().then_some(end),
        ..KeyChange::default()
    };
    if change == KeyChange::default() {
        return Ok(Retired::Expires(end, retiring));
    }
    let answer = match ask_for(access, id, &change).await? {
        Some(answer) => answer,
        None => return Ok(Retired::Gone),
    };
    let answer_name = answer.name().map(str::to_owned);
    // If the response contains no expiry, the key is read again. Either the key never expires, or the response is incomplete (docs/manager-api.md,
    // "Key fields").
    let shown = match answer.expiry_date() {
        Some(shown) => Some(shown),
        None => look(access, id).await?.and_then(|key| key.expiry_date()),
    };
    if let Some(shown) = shown.filter(|shown| is_requested_expiry(*shown, end)) {
        let name = answer_name.unwrap_or(retiring);
        return Ok(Retired::Expires(shown, name));
    }
    Err(Error::unexpected(format!(
        "the manager set a different expiry: {} (requested {})",
        shown.map_or_else(|| "never".to_owned(), format_time),
        format_time(end)
    )))
}

/// Returns true if the marker of a key of this fleet was removed or replaced. A brief key object without a description does not show that.
fn is_released(key: &ApiKey, fleet: &str) -> bool {
    match key.description() {
        None => !key.is_brief(),
        Some(text) => FleetMark::of(text).is_none_or(|mark| mark.fleet != fleet),
    }
}

/// Returns true if the key has the requested expiry. The times may differ by less than a second, because the manager may store whole
/// seconds.
pub(crate) fn is_requested_expiry(is: i64, asked: i64) -> bool {
    is.abs_diff(asked) < 1000
}

/// Reads a key. Returns `None` if the key does not exist.
pub(super) async fn look(access: Access<'_>, id: i64) -> Result<Option<ApiKey>, ManagerError> {
    match reconcile::of_look(access.signed_in, id, access.target.settle_timeout).await {
        Ok(key) => Ok(Some(key)),
        Err(error) if error.is_from_manager() && *error.cause() == Cause::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Changes the predecessor's name and expiry. If the manager rejects the new name, sets only the expiry.
async fn ask_for(access: Access<'_>, id: i64, change: &KeyChange) -> Result<Option<ApiKey>, Error> {
    let wait = access.target.settle_timeout;
    let error = match reconcile::of_change(access.signed_in, id, change, wait, None).await {
        Ok(key) => return Ok(Some(key)),
        Err(error) if error.is_from_manager() && *error.cause() == Cause::NotFound => {
            return Ok(None);
        }
        Err(error) => error,
    };
    let rest = KeyChange {
        key_name: None,
        ..change.clone()
    };
    let refused =
        error.is_from_manager() && matches!(error.cause(), Cause::Rejected(_) | Cause::Forbidden);
    if change.key_name.is_none() || !refused {
        return Err(error.into());
    }
    let answer = if rest == KeyChange::default() {
        // The change contained only the new name, and the manager has rejected the name. So nothing is left to send.
        look(access, id).await?
    } else {
        match reconcile::of_change(access.signed_in, id, &rest, wait, None).await {
            Ok(key) => Some(key),
            Err(error) => return Err(error.into()),
        }
    };
    access.context.output.warn(&format!(
        "could not rename the old key (ID {id}): {error}; the old key and the new key now have the same name"
    ));
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_below_a_second_is_accepted() {
        let asked = 1_795_510_800_567;
        assert!(is_requested_expiry(asked, asked) && is_requested_expiry(asked - 567, asked));
        assert!(!is_requested_expiry(asked + 60_000, asked) && !is_requested_expiry(0, asked));
    }
}

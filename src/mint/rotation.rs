//! One key takes the place of another: the old one makes way for its name, and retires once its successor is delivered.
//!
//! ```text
//! recorded -> asked -> minted -> delivered -> the predecessor's end is set -> settled
//!                \                                   |
//!                 the name is taken: the predecessor is renamed first, and asked again
//! ```
//!
//! The record stays to the very end, and says how far it has come: under which name the predecessor makes way (noted before it is
//! given), and that the successor was delivered. So whoever goes on after a crash knows whether there is a secret to be made, a name
//! to be given back, or only an end to be set; there is never a second successor.
//!
//! Whether a manager allows two keys of one name is unknown (manager-api.md, section 11, no. 7). Where it does, the predecessor keeps
//! its name until its end is set; the same request then gives it the other one, so that a name leads to one living key on every manager.
//!
//! **One name, many runs.** The predecessor is among the keys that were known before, so the rule of `mint.rs` (the lowest ID stays)
//! is about the successors alone: of two rotations at once one stays, and only that one has the predecessor retire.

use chrono::{DateTime, Utc};

use super::reconcile;
use super::record::{RunRecord, pending_hint};
use super::retiring_name::{made_way_for, retiring_name};
use super::state::{Failure, Minted, Transaction};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::expiry::format_time;
use crate::journal::{Predecessor, Record, Stage};
use crate::manager::{ApiKey, Cause, KeyChange, ManagerError, SignedIn};
use crate::process::pending::PendingWork;

/// Whether the manager refused a successor because its predecessor bears the name.
pub(super) fn name_is_taken(asked: &Result<Minted, Failure>, record: &Record) -> bool {
    let Some(predecessor) = &record.predecessor else {
        return false;
    };
    matches!(asked, Err(Failure::RolledBack(error))
        if error.kind() == ErrorKind::Conflict && error.key_id() == Some(predecessor.id))
}

impl Transaction<'_> {
    /// Renames the predecessor, so that its successor can take the name. Why that could not be done ends the work; what was done of it
    /// is taken back then ([`Transaction::restore_predecessor`]).
    pub(super) async fn rename_predecessor(&self, recorded: &mut RunRecord) -> Result<(), Failure> {
        let record = recorded.record();
        let name = record.key_name.clone();
        let Some(Predecessor { id, overlap, .. }) = record.predecessor.clone() else {
            return Ok(());
        };
        if let Some(signal) = self.context.signals.received() {
            return Err(Failure::RolledBack(Error::interrupted(signal)));
        }
        let end = self
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
        let wait = self.context.settings.settle_timeout;
        match reconcile::of_change(self.signed_in, id, &change, wait).await {
            Ok(_) => {
                log::info!("the key `{name}` (ID {id}) is named `{given}` now, to make way");
                Ok(())
            }
            Err(error) => {
                let error = Error::from(error);
                let message = format!(
                    "the manager allows one key of a name, and the key `{name}` (ID {id}) could not be renamed to make way: {error}"
                );
                Err(Failure::RolledBack(
                    Error::new(error.kind(), message)
                        .http(error.http_status())
                        .key(id),
                ))
            }
        }
    }

    /// The work came to nothing: a name that the predecessor gave away is given back.
    pub(super) async fn restore_predecessor(&self, record: &Record, error: Error) -> Failure {
        match restore_name(self.context, self.signed_in, record).await {
            Ok(()) => Failure::RolledBack(error),
            Err(why) => Failure::Unresolved(
                Error::new(ErrorKind::Attention, format!("{error}; {why}"))
                    .http(error.http_status())
                    .key(
                        record
                            .predecessor
                            .as_ref()
                            .map_or(0, |predecessor| predecessor.id),
                    ),
            ),
        }
    }
}

fn note(record: &mut Record, change: impl FnOnce(&mut Predecessor)) {
    if let Some(predecessor) = &mut record.predecessor {
        change(predecessor);
    }
}

pub(super) fn not_noted(error: &std::io::Error) -> Error {
    Error::unexpected(format!("the record of this run cannot be changed: {error}"))
        .hint("name a folder that can be written to in SWP_STATE_DIR")
}

/// Gives a predecessor its name back, where it gave it away and no successor bears it.
///
/// # Errors
/// Where it is not known that it has it.
pub(crate) async fn restore_name(
    context: &Context,
    signed_in: &SignedIn,
    record: &Record,
) -> Result<(), Error> {
    let Some(predecessor) = &record.predecessor else {
        return Ok(());
    };
    let Some(given) = &predecessor.given_name else {
        return Ok(());
    };
    let (id, name) = (predecessor.id, &record.key_name);
    let failed = |error: ManagerError| {
        let error = Error::from(error);
        Error::new(
            error.kind(),
            format!("the key `{name}` (ID {id}) is named `{given}`, and could not be given its name back: {error}"),
        )
        .http(error.http_status())
        .key(id)
    };
    match look(context, signed_in, id).await.map_err(failed)? {
        Some(key) if made_way_for(&key, name) => {}
        // It has another name, or it is gone.
        _ => return Ok(()),
    }
    let others = signed_in.api_keys_named(name).await.map_err(failed)?;
    if others
        .iter()
        .any(|key| key.name() == Some(name) && key.id != id)
    {
        // Another run's successor bears it.
        return Ok(());
    }
    let change = KeyChange {
        key_name: Some(name.clone()),
        ..KeyChange::default()
    };
    let wait = context.settings.settle_timeout;
    reconcile::of_change(signed_in, id, &change, wait)
        .await
        .map_err(failed)?;
    Ok(())
}

/// How a predecessor ended.
pub(crate) enum Retired {
    /// It ends then, by the manager's word.
    Ends(i64),
    /// It is not there any more.
    Gone,
}

/// Sets the end of a predecessor whose successor is delivered, and settles the record.
///
/// # Errors
/// Where it is not set; the record stays then.
pub(crate) async fn expire_predecessor(
    context: &Context,
    signed_in: &SignedIn,
    mut recorded: RunRecord,
    successor: i64,
) -> Result<Retired, Error> {
    let (record, kept) = (recorded.record(), recorded.is_written());
    let Some(predecessor) = record.predecessor.clone() else {
        recorded.settle(context).done().await;
        return Ok(Retired::Gone);
    };
    let (name, id) = (record.key_name.clone(), predecessor.id);
    let hint = if kept {
        pending_hint(true)
    } else {
        format!("{} sets the end of the old key", set_by_hand(&predecessor))
    };
    let pending = context.pending.add(PendingWork::secret(
        format!(
            "the secret of the key `{name}` (ID {successor}) is delivered, and the end of the old one (ID {id}) may not be set"
        ),
        Some(id),
        hint,
    ));
    let noted = recorded.change(|record| {
        record.key_id = Some(successor);
        record.progress.stage = Stage::Delivered;
    });
    if let Err(error) = noted {
        // It said before the delivery that the secret may be in use, so that no new one is made without being asked for.
        log::info!("the record of this run cannot be changed: {error}");
    }
    let result = set_end(context, signed_in, &name, &predecessor).await;
    drop(pending);
    match result {
        Ok(retired) => {
            recorded.settle(context).done().await;
            Ok(retired)
        }
        Err(why) => Err(not_retired(&name, id, successor, &why, kept, &predecessor)),
    }
}

/// The command that sets the end of the old key.
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
            "the key `{name}` (ID {successor}) is made and its secret delivered, and the end of the old key (ID {id}, named `{name}` before) is not set: {why}"
        ),
    )
    .http(why.http_status())
    .key(id);
    error.hint(if kept {
        "the old key goes on; `swp-keys recover` sets its end".to_owned()
    } else {
        format!("the old key goes on; {by_hand} sets its end")
    })
}

async fn set_end(
    context: &Context,
    signed_in: &SignedIn,
    name: &str,
    predecessor: &Predecessor,
) -> Result<Retired, Error> {
    let id = predecessor.id;
    let key = match look(context, signed_in, id).await? {
        Some(key) => key,
        None => return Ok(Retired::Gone),
    };
    let now: DateTime<Utc> = signed_in.time();
    let wanted = now.timestamp_millis().saturating_add(predecessor.overlap);
    // A key that ends before that keeps its end.
    let ends_before = key.expiry_date().filter(|end| *end <= wanted);
    let end = ends_before.unwrap_or(wanted);
    let retiring = retiring_name(name, end);
    let change = KeyChange {
        key_name: (key.name() != Some(&retiring)).then_some(retiring),
        expiry_date: ends_before.is_none().then_some(end),
        ..KeyChange::default()
    };
    if change == KeyChange::default() {
        return Ok(Retired::Ends(end));
    }
    let answer = match ask_for(context, signed_in, id, &change).await? {
        Some(answer) => answer,
        None => return Ok(Retired::Gone),
    };
    // Fields that are not set are absent (manager-api.md, section 6.1), so an end that is not there is none.
    let told = match answer.expiry_date() {
        Some(told) => Some(told),
        None => look(context, signed_in, id)
            .await?
            .and_then(|key| key.expiry_date()),
    };
    if let Some(told) = told.filter(|told| is_as_asked(*told, end)) {
        return Ok(Retired::Ends(told));
    }
    Err(Error::unexpected(format!(
        "the manager set another end than asked: {} instead of {}",
        told.map_or_else(|| "never".to_owned(), format_time),
        format_time(end)
    )))
}

/// A manager may keep whole seconds only.
fn is_as_asked(told: i64, asked: i64) -> bool {
    told.abs_diff(asked) < 1000
}

/// The key as it is; none where it is gone.
async fn look(
    context: &Context,
    signed_in: &SignedIn,
    id: i64,
) -> Result<Option<ApiKey>, ManagerError> {
    match reconcile::of_look(signed_in, id, context.settings.settle_timeout).await {
        Ok(key) => Ok(Some(key)),
        Err(error) if error.is_from_manager() && *error.cause() == Cause::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The change, and without the name where that is what stands in its way: an end matters more.
async fn ask_for(
    context: &Context,
    signed_in: &SignedIn,
    id: i64,
    change: &KeyChange,
) -> Result<Option<ApiKey>, Error> {
    let wait = context.settings.settle_timeout;
    let error = match reconcile::of_change(signed_in, id, change, wait).await {
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
        // It ends by itself, and only its name could not be changed.
        look(context, signed_in, id).await?
    } else {
        match reconcile::of_change(signed_in, id, &rest, wait).await {
            Ok(key) => Some(key),
            Err(error) => return Err(error.into()),
        }
    };
    context.output.warn(&format!(
        "the old key (ID {id}) keeps its name, so that two keys bear it: {error}"
    ));
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_are_as_asked_and_minutes_are_not() {
        let asked = 1_795_510_800_567;
        assert!(is_as_asked(asked, asked) && is_as_asked(asked - 567, asked));
        assert!(!is_as_asked(asked + 60_000, asked) && !is_as_asked(0, asked));
    }
}

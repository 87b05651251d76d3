//! Continues the work of interrupted runs, for `create`, `recover` and `rotate-key`.

use std::time::Duration;

use super::likeness::is_like;
use super::lookup;
use super::ownership::{self, is_ours};
use super::reconcile::{self, CreateOutcome, Question};
use crate::auth::session::Access;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::journal::{self, Entry, Record, Stage, Work};
use crate::manager::{ApiKey, SignedIn};
use crate::target::Target;

/// Returns the ID of the interrupted run's key, or `None` if the key does not exist. If the record contains no key ID, this function searches for the
/// key. The search continues while the create request of the interrupted run may still be in flight.
pub(crate) async fn find_abandoned_key(
    entry: &Entry,
    access: Access<'_>,
) -> Result<Option<i64>, Error> {
    let record = &entry.record;
    let Some(id) = record.key_id else {
        announce_wait(entry, access.target, access.context);
        return key_of(
            access.signed_in,
            record,
            still_settling(entry, access.target),
        )
        .await;
    };
    let shown = access.signed_in.find_api_key(id).await?;
    if let Some(key) = &shown
        && let Some(ours) = marked_instead(record, key, access.signed_in).await
    {
        return Ok(Some(ours));
    }
    match shown {
        Some(key) if is_the_one(access.signed_in, record, &key) => Ok(Some(id)),
        // It is unknown whether `key` belongs to the interrupted run. A user may have renamed the key. Or this run is signed in to a different
        // manager or tenant, where the ID belongs to a different key.
        Some(key) => Err(Error::new(
            ErrorKind::Attention,
            format!(
                "the key with ID {id} is named `{}`, so it may not be the key `{}` of the interrupted run",
                key.name().unwrap_or_default(),
                record.key_name
            ),
        )
        .key(id)),
        None if record.work == Work::Create => duplicate_of_the_gone(id, record, access.signed_in).await,
        None => Ok(None),
    }
}

/// Returns the ID of the key with the interrupted run's marker, if this key is not `key`. `key` is the key with the recorded ID. The recorded ID is
/// wrong if the interrupted run received a response about another run's key.
async fn marked_instead(record: &Record, key: &ApiKey, signed_in: &SignedIn) -> Option<i64> {
    if record.work != Work::Create || !record.marked || is_ours(record, key) {
        return None;
    }
    // If no key has the marker, the caller uses the recorded ID.
    let marked = key_of(signed_in, record, Duration::ZERO).await;
    marked.ok().flatten()
}

/// Returns the ID of the deleted key's duplicate, if the manager created a duplicate. A duplicate has the same marker as the deleted key, and was
/// created at the same time.
///
/// # Errors
/// Returns an error if a key has the marker but was created at a different time. A user may have created this key as a replacement, and copied the
/// marker. Also returns the errors of the calls.
async fn duplicate_of_the_gone(
    gone: i64,
    record: &Record,
    signed_in: &SignedIn,
) -> Result<Option<i64>, Error> {
    let Some(id) = key_of(signed_in, record, Duration::ZERO).await? else {
        return Ok(None);
    };
    match signed_in.find_api_key(id).await? {
        None => Ok(None),
        Some(key) if is_of_its_time(signed_in, record, &key) => Ok(Some(id)),
        Some(_) => Err(Error::new(
            ErrorKind::Attention,
            format!(
                "the key of the interrupted run (ID {gone}) was deleted; the key with ID {id} has the run's marker `[swp-keys ...]`, but was created \
                 at a different time, so the run may not have created this key"
            ),
        )
        .key(id)),
    }
}

/// Returns how much longer the interrupted run's request may be in flight.
pub(crate) fn still_settling(entry: &Entry, target: &Target) -> Duration {
    target.settle_timeout.saturating_sub(entry.age())
}

/// Prints a note if this run must wait more than two seconds, because a request of the interrupted run may still be in flight.
fn announce_wait(entry: &Entry, target: &Target, context: &Context) {
    let wait = still_settling(entry, target);
    if wait <= Duration::from_secs(2) {
        return;
    }
    let seconds = wait.as_secs();
    match &entry.record.fleet {
        // The run waits for several keys at the same time, so one note is enough.
        Some(_) if !context.is_first_wait() => {}
        Some(fleet) => context.output.note(&format!(
            "waiting up to {seconds} s, because earlier requests for keys of the fleet `{fleet}` may still be in flight"
        )),
        None => context.output.note(&format!(
            "waiting up to {seconds} s, because an earlier request for the key `{}` may still be in flight",
            entry.record.key_name
        )),
    }
}

/// Waits until the interrupted run's request can no longer be in flight. If this run did not wait, the manager could process that request later and
/// invalidate this run's new secret.
pub(crate) async fn wait_for_inflight_request(
    entry: &Entry,
    target: &Target,
    context: &Context,
) -> Result<(), Error> {
    announce_wait(entry, target, context);
    let passed = async {
        tokio::time::sleep(still_settling(entry, target)).await;
        Ok(())
    };
    context.signals.cancel(passed).await
}

/// Returns true if another run's key with the same name was created before the interrupted run's key. In this case, the interrupted run's key must be
/// deleted (docs/transaction.md, "Several runs at once").
pub(crate) async fn lost_name_race(
    record: &Record,
    id: i64,
    access: Access<'_>,
) -> Result<bool, Error> {
    // A run that has reached the stage `delivering` has already made this check.
    let stays = record.progress.stage == Stage::Delivering;
    if !record.unique || record.work == Work::Rekey || stays {
        return Ok(false);
    }
    // The manager may have altered the requested name, so the search uses the name that the key has now.
    let looking = async {
        let key = access.signed_in.api_key(id).await?;
        let name = key.name().unwrap_or(&record.key_name).to_owned();
        let name = match is_like(&record.key_name, &name) {
            true => name,
            false => record.key_name.clone(),
        };
        let found = access.signed_in.api_keys_named(&name).await?;
        Ok((name, found))
    };
    let (name, found) = access.context.signals.cancel(looking).await?;
    let first = found.iter().any(|key| {
        key.name() == Some(&name)
            && key.id < id
            && !record.existing_ids.contains(&key.id)
            && !is_ours(record, key)
    });
    if first {
        access.context.output.note(&format!(
            "another run created a key named `{}` first, so the key of the interrupted run (ID {id}) will be deleted",
            record.key_name
        ));
    }
    Ok(first)
}

/// Removes the record of a finished operation.
///
/// # Errors
/// Returns an error if the record cannot be removed.
pub(crate) fn settle(entry: Entry) -> Result<(), Error> {
    entry.settle().map_err(|error| {
        Error::unexpected(format!(
            "could not remove the record in {}: {error}",
            journal::place()
        ))
    })
}

/// Writes the record of an interrupted run again, because the state folder of that run is lost.
///
/// # Errors
/// Returns an error if the record cannot be written, or if another process has written it.
pub(crate) fn write_again(record: Record) -> Result<Entry, Error> {
    let name = record.key_name.clone();
    let written = Entry::write_all(vec![record]).map(|mut written| written.pop());
    match written {
        Ok(Some(entry)) => Ok(entry),
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            let message = format!("could not write a record in {}: {error}", journal::place());
            Err(Error::unexpected(message))
        }
        _ => Err(busy(&name)),
    }
}

/// Returns the error for a record that another process has locked or removed.
pub(crate) fn busy(name: &str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!("another process is working on the key `{name}`"),
    )
    .hint("run the command again when the other process has finished")
}

/// Adds a hint if it is unknown whether the interrupted run created the key. The hint is to check the keys in the manager's console and then to
/// remove the journal record.
pub(crate) fn unproven(error: Error, record: &Record, context: &Context) -> Error {
    if error.kind() != ErrorKind::Attention {
        return error;
    }
    error.hint(format!(
        "check the keys in the manager's console, then run `swp-keys recover {} --forget{}`",
        record.operation,
        context.yes_flag()
    ))
}

/// Returns the ID of the key that has the interrupted run's marker, or `None` if the run created no key.
///
/// # Errors
/// Returns an error if it is unknown whether the run created a key. After this error, the caller must not remove the record.
async fn key_of(
    signed_in: &SignedIn,
    record: &Record,
    wait: Duration,
) -> Result<Option<i64>, Error> {
    let question = Question {
        wait,
        refused: false,
    };
    match reconcile::of_create(signed_in, record, question).await {
        CreateOutcome::Created(id, _) => Ok(Some(id)),
        CreateOutcome::NotCreated => Ok(None),
        CreateOutcome::SearchForbidden(why) | CreateOutcome::Unknown(why) => Err(Error::new(
            ErrorKind::Attention,
            format!(
                "it is unknown whether the key `{}` was created: {why}",
                record.key_name
            ),
        )),
    }
}

/// Returns true if the key with the recorded ID is the interrupted run's key.
fn is_the_one(signed_in: &SignedIn, record: &Record, key: &ApiKey) -> bool {
    if record.work == Work::Rekey {
        let name = key.name().unwrap_or(&record.key_name);
        return name == record.key_name || is_like(&record.key_name, name);
    }
    ownership::is_the_one(record, lookup::since(signed_in, record), key)
}

/// Returns true if the key was created during the operation or has no creation time.
fn is_of_its_time(signed_in: &SignedIn, record: &Record, key: &ApiKey) -> bool {
    ownership::is_of_its_time(lookup::since(signed_in, record), key)
}

/// Checks that this run uses the same sign-in method as the interrupted run. If the interrupted run used an API key, this run must use the same API
/// key. A different API key may belong to a different tenant (docs/manager-api.md, "Tenants"), where the key that the interrupted run created
/// is not visible.
///
/// # Errors
/// Returns an error if the sign-in method or the API key differs.
pub(crate) fn same_signer(record: &Record, access: Access<'_>) -> Result<(), Error> {
    if record.signer == access.signed_in.signer_fingerprint(&record.operation) {
        return Ok(());
    }
    let error = Error::new(
        ErrorKind::Attention,
        format!(
            "the interrupted run for the key `{}` used a different sign-in method, so this sign-in may be for a different tenant",
            record.key_name
        ),
    );
    let with = record.signer.as_ref().map_or(
        "with a user name and a password, as the interrupted run did",
        |_| "with the API key that the interrupted run used",
    );
    Err(error.hint(format!(
        "sign in {with}; or run `swp-keys list-keys` to check the keys, then `swp-keys recover {} --forget{}` to remove the record",
        record.operation,
        access.context.yes_flag()
    )))
}

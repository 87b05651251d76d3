//! What `create`, `recover` and `rotate-key` share about a run that was cut off: whether its key is there, and whose it is.

use std::time::Duration;

use super::{is_like, is_of_its_time, is_ours, is_the_one, key_of};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::journal::{self, Entry, Record, Stage, Work};
use crate::manager::{ApiKey, SignedIn};

/// The key that the record is about, if it is there. A request that was under way when its run was killed may still be worked on, so
/// "not there" is believed only when as much time has gone by as a living run would have waited.
pub(crate) async fn find_abandoned_key(
    entry: &Entry,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Option<i64>, Error> {
    let record = &entry.record;
    let Some(id) = record.key_id else {
        return key_of(signed_in, record, still_settling(entry, context)).await;
    };
    let shown = signed_in.find_api_key(id).await?;
    if let Some(key) = &shown
        && let Some(ours) = marked_instead(record, key, signed_in).await
    {
        return Ok(Some(ours));
    }
    match shown {
        Some(key) if is_the_one(signed_in, record, &key) => Ok(Some(id)),
        // Another tenant's, or another manager's at the same address, or renamed.
        Some(key) => Err(Error::new(
            ErrorKind::Attention,
            format!(
                "the key with the ID {id} is `{}`, and nothing shows that it is the key `{}` of the run",
                key.name().unwrap_or_default(),
                record.key_name
            ),
        )
        .key(id)),
        None if record.work == Work::Create => twin_of_the_gone(id, record, signed_in).await,
        None => Ok(None),
    }
}

/// The key that bears the run's mark, if the one with the recorded ID bears none: the answer that told the ID was about another run's key.
async fn marked_instead(record: &Record, key: &ApiKey, signed_in: &SignedIn) -> Option<i64> {
    if record.work != Work::Create || !record.marked || is_ours(record, key) {
        return None;
    }
    // A manager that keeps no marks shows none, and then the ID counts.
    let marked = key_of(signed_in, record, Duration::ZERO).await;
    marked.ok().flatten()
}

/// What a request that was sent twice made beside a key that is gone. A key with its mark that was created at another time is none: somebody
/// made it in the place of the one that is gone, and took over the description.
async fn twin_of_the_gone(
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
                "the key with the ID {gone} that the run made is gone, and the one with the ID {id}, which bears its mark, was created at \
                 another time"
            ),
        )
        .key(id)),
    }
}

/// How long what its run asked for may still be worked on.
pub(crate) fn still_settling(entry: &Entry, context: &Context) -> Duration {
    context.settings.settle_timeout.saturating_sub(entry.age())
}

/// Says that this run waits for a request of the run that was cut off, if that takes more than two seconds.
pub(crate) fn announce_wait(entry: &Entry, context: &Context) {
    let wait = still_settling(entry, context);
    if wait > Duration::from_secs(2) {
        context.output.note(&format!(
            "what was asked for the key `{}` may still be under way; waiting for it, {} s at the most",
            entry.record.key_name,
            wait.as_secs()
        ));
    }
}

/// A request for a secret that its run left behind may still be worked on, and would kill a secret that is made before it.
pub(crate) async fn wait_for_inflight_request(
    entry: &Entry,
    context: &Context,
) -> Result<(), Error> {
    let passed = async {
        tokio::time::sleep(still_settling(entry, context)).await;
        Ok(())
    };
    context.signals.cancel(passed).await
}

/// Whether another key of the name was first: then this one would have gone, had its run lived (`mint.rs`, "One name, many runs").
pub(crate) async fn lost_name_race(
    record: &Record,
    id: i64,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<bool, Error> {
    // A run delivers after it has seen that its key stays.
    let stays = record.progress.stage == Stage::Delivering;
    if !record.unique || record.work == Work::Rekey || stays {
        return Ok(false);
    }
    // The manager may keep the name in a form of its own.
    let looking = async {
        let key = signed_in.api_key(id).await?;
        let name = key.name().unwrap_or(&record.key_name).to_owned();
        let name = match is_like(&record.key_name, &name) {
            true => name,
            false => record.key_name.clone(),
        };
        let found = signed_in.api_keys_named(&name).await?;
        Ok((name, found))
    };
    let (name, found) = context.signals.cancel(looking).await?;
    let first = found.iter().any(|key| {
        key.name() == Some(&name)
            && key.id < id
            && !record.existing_ids.contains(&key.id)
            && !is_ours(record, key)
    });
    if first {
        context.output.note(&format!(
            "another key named `{}` was first, so the one with the ID {id} is deleted",
            record.key_name
        ));
    }
    Ok(first)
}

/// Removes a record of which nothing is left to be done.
///
/// # Errors
/// Returns an error if it could not be removed.
pub(crate) fn settle(entry: Entry) -> Result<(), Error> {
    entry.settle().map_err(|error| {
        Error::unexpected(format!(
            "the record in {} could not be removed: {error}",
            journal::place()
        ))
    })
}

/// Of a run that is settled, or that another process deals with.
pub(crate) fn busy(name: &str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!("another process deals with the key `{name}`"),
    )
    .hint("wait for it, and run this again")
}

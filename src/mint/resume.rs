//! What `create`, `recover` and `rotate-key` share about a run that was cut off: whether its key is there, and whose it is.

use std::time::Duration;

use super::likeness::is_like;
use super::lookup;
use super::ownership::{self, is_ours};
use super::reconcile::{self, Created, Question};
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

/// What became of a create whose record a run left: its key's ID, if it made one that is provably its own.
///
/// # Errors
/// Where that cannot be said; the record must stay.
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
        Created::Ours(id, _) => Ok(Some(id)),
        Created::Not => Ok(None),
        Created::MayNotLook(why) | Created::Unknown(why) => Err(Error::new(
            ErrorKind::Attention,
            format!(
                "it is not known whether the key `{}` was created: {why}",
                record.key_name
            ),
        )),
    }
}

/// Whether the key with the ID that stands in a record is the one that the record is about.
fn is_the_one(signed_in: &SignedIn, record: &Record, key: &ApiKey) -> bool {
    if record.work == Work::Rekey {
        let name = key.name().unwrap_or(&record.key_name);
        return name == record.key_name || is_like(&record.key_name, name);
    }
    ownership::is_the_one(record, lookup::since(signed_in, record), key)
}

/// Whether a key was created when the operation was under way, as far as the manager shows that.
fn is_of_its_time(signed_in: &SignedIn, record: &Record, key: &ApiKey) -> bool {
    ownership::is_of_its_time(lookup::since(signed_in, record), key)
}

/// The secret of an API key alone selects the tenant (docs/manager-api.md, "Tenants"), so that a key is not there, or whose one of the
/// same name and ID is, is believed only of whoever asked for it.
pub(crate) fn same_signer(record: &Record, signed_in: &SignedIn) -> Result<(), Error> {
    if record.signer == signed_in.signer_fingerprint(&record.operation) {
        return Ok(());
    }
    let error = Error::new(
        ErrorKind::Attention,
        format!(
            "the run that was at work on the key `{}` signed in another way, so that this sign-in may speak for another tenant",
            record.key_name
        ),
    );
    let with = record
        .signer
        .as_ref()
        .map_or("as it did", |_| "with its API key");
    Err(error.hint(format!(
        "sign in {with}; or look at the manager's keys yourself, and then say `swp-keys recover {} --forget`",
        record.operation
    )))
}

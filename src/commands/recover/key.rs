//! The key that a record is about.

use std::time::Duration;

use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::journal::{Entry, Record, Work};
use crate::manager::{ApiKey, SignedIn};
use crate::mint;

/// The key that the record is about, if it is there. A request that was under way when its run was killed may still be worked on, so
/// "not there" is believed only when as much time has gone by as a living run would have waited.
pub(crate) async fn find_abandoned_key(
    entry: &Entry,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Option<i64>, Error> {
    let record = &entry.record;
    let Some(id) = record.key_id else {
        return mint::key_of(signed_in, record, still_settling(entry, context)).await;
    };
    let shown = signed_in.find_api_key(id).await?;
    if let Some(key) = &shown
        && let Some(ours) = marked_instead(record, key, signed_in).await
    {
        return Ok(Some(ours));
    }
    match shown {
        Some(key) if mint::is_the_one(signed_in, record, &key) => Ok(Some(id)),
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
    if record.work != Work::Create || !record.marked || mint::is_ours(record, key) {
        return None;
    }
    // A manager that keeps no marks shows none, and then the ID counts.
    let marked = mint::key_of(signed_in, record, Duration::ZERO).await;
    marked.ok().flatten()
}

/// What a request that was sent twice made beside a key that is gone. A key with its mark that was created at another time is none: somebody
/// made it in the place of the one that is gone, and took over the description.
async fn twin_of_the_gone(
    gone: i64,
    record: &Record,
    signed_in: &SignedIn,
) -> Result<Option<i64>, Error> {
    let Some(id) = mint::key_of(signed_in, record, Duration::ZERO).await? else {
        return Ok(None);
    };
    match signed_in.find_api_key(id).await? {
        None => Ok(None),
        Some(key) if mint::is_of_its_time(signed_in, record, &key) => Ok(Some(id)),
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

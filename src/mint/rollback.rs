//! Deletes keys whose secrets were not delivered, and verifies that the manager no longer shows the keys.

use std::time::Duration;

use super::lookup::Lookup;
use super::ownership::Verdict;
use super::poll::Poll;
use super::reconcile::{of_delete, search_is_forbidden};
use super::state::{Delivered, Failure, Transaction, as_key};
use crate::auth::session::Access;
use crate::error::{Error, ErrorKind};
use crate::journal::{Record, Work};
use crate::manager::{ApiKey, SignedIn};

/// The maximum time to wait for a new key to appear in search results.
const LAG: Duration = Duration::from_secs(2);

/// The maximum time for one read of a key.
const LOOK: Duration = Duration::from_secs(5);

/// Deletes a key, and repeats the request until the manager no longer shows the key.
///
/// # Errors
/// Returns an error if the key may still exist.
pub(super) async fn delete_confirmed(access: Access<'_>, id: i64) -> Result<(), Error> {
    let wait = access.target.settle_timeout;
    let mut poll = Poll::new(wait);
    loop {
        of_delete(access.signed_in, id, wait).await?;
        if !is_still_there(access.signed_in, id).await {
            return Ok(());
        }
        if !poll.wait().await {
            return Err(Error::unexpected(
                "the manager reported that it deleted the key, but still shows the key",
            ));
        }
    }
}

/// Deletes a key that this run created, and the duplicates that a repeated request created.
///
/// # Errors
/// Returns an error if the key or a duplicate may still exist.
async fn delete_all_confirmed(access: Access<'_>, record: &Record, id: i64) -> Result<(), Error> {
    wait_until_shown(access, record, id).await;
    delete_confirmed(access, id).await?;
    delete_duplicates(access, record, id, None).await
}

/// Waits until a search shows the key, because a new key may be missing from search results. A search that shows the key also shows all
/// duplicates with a lower ID.
async fn wait_until_shown(access: Access<'_>, record: &Record, id: i64) {
    if record.work != Work::Create {
        return;
    }
    let mut poll = Poll::new(access.target.settle_timeout.min(LAG));
    loop {
        let mut pages = access.signed_in.api_keys_above(Some(id.saturating_sub(1)));
        match pages.next().await {
            Ok(Some(page)) if page.iter().any(|key| key.id == id) => return,
            Ok(_) => {}
            // The error is not returned here, because the later search for duplicates returns the same error.
            Err(_) => return,
        }
        if !poll.wait().await {
            return;
        }
    }
}

/// Deletes a key whose secret was delivered. Also deletes its duplicates, which exist if the manager processed the create request twice.
///
/// # Errors
/// Returns an error if the key or a duplicate may still exist.
pub(crate) async fn delete_delivered(
    access: Access<'_>,
    record: &Record,
    made: &Delivered,
) -> Result<(), Error> {
    let made_key = as_key(&made.fields);
    delete_confirmed(access, made.id).await?;
    match made_key {
        Some(key) => delete_duplicates(access, record, made.id, Some(&key)).await,
        None => Ok(()),
    }
}

/// Deletes a key that an interrupted run created, and its duplicates.
///
/// # Errors
/// Returns an error if the key or a duplicate may still exist.
pub(crate) async fn delete_abandoned(
    access: Access<'_>,
    record: &Record,
    id: i64,
) -> Result<(), Error> {
    let shown = tokio::time::timeout(LOOK, access.signed_in.find_api_key(id)).await;
    delete_confirmed(access, id).await?;
    match shown {
        Ok(Ok(Some(key))) => delete_duplicates(access, record, id, Some(&key)).await,
        // The key could not be read before it was deleted. Without its data, it is unknown whether another key with the same marker is a
        // duplicate. So no other key is deleted.
        _ => Ok(()),
    }
}

/// Deletes the duplicates of the deleted key `id`. If `made` is set, only keys that match `made` count as duplicates. If the user lacks permission to
/// search keys, deletes nothing and returns no error.
///
/// # Errors
/// Returns an error if a duplicate may still exist.
async fn delete_duplicates(
    access: Access<'_>,
    record: &Record,
    id: i64,
    made: Option<&ApiKey>,
) -> Result<(), Error> {
    if record.work != Work::Create {
        return Ok(());
    }
    let lookup = Lookup::new(access.signed_in, record).beside(id);
    let mut lookup = lookup.duplicates_of(made);
    let verdict = match lookup.look(true).await {
        Ok(seen) => seen.verdict,
        Err(error) if search_is_forbidden(&error) => {
            log::info!("could not search for duplicate keys: {error}");
            return Ok(());
        }
        Err(error) => {
            let message = format!("could not search for duplicate keys: {error}");
            return Err(Error::new(ErrorKind::Attention, message));
        }
    };
    if let Verdict::Ours { id, duplicates } = verdict {
        for id in duplicates.into_iter().chain([id]) {
            log::warn!(
                "the manager processed a request twice; deleting the duplicate key with ID {id}"
            );
            delete_confirmed(access, id).await?;
        }
    }
    Ok(())
}

/// Returns true if the manager still shows the key. If the key cannot be read, it counts as deleted.
async fn is_still_there(signed_in: &SignedIn, id: i64) -> bool {
    let shown = tokio::time::timeout(LOOK, signed_in.api_key(id)).await;
    shown.is_ok_and(|shown| shown.is_ok_and(|key| key.id == id))
}

/// Deletes a key, and repeats the request for at most `wait` until its outcome is known. The caller must check whether the key still exists.
pub(crate) async fn delete(access: Access<'_>, id: i64, wait: Duration) -> Result<(), Error> {
    Ok(of_delete(access.signed_in, id, wait).await?)
}

impl Transaction<'_> {
    /// Deletes a new key whose secret was not delivered. A key that existed before this run is not deleted.
    pub(super) async fn undo(&self, id: i64, record: &Record, failure: &str) -> Failure {
        let name = &record.key_name;
        if record.work == Work::Rekey {
            return Failure::Unresolved(
                Error::new(
                    ErrorKind::Attention,
                    format!("{failure}; the old secret of the key `{name}` (ID {id}) may be invalid, and the new secret was not delivered"),
                )
                .key(id),
            );
        }
        let taken_back = match self.recovering {
            true => delete_abandoned(self.access, record, id).await,
            false => delete_all_confirmed(self.access, record, id).await,
        };
        match taken_back {
            Ok(()) => Failure::RolledBack(
                Error::new(
                    ErrorKind::Undelivered,
                    format!("{failure}; the key `{name}` (ID {id}) was deleted"),
                )
                .hint("fix the problem above and run the command again")
                .key(id),
            ),
            Err(error) => Failure::Unresolved(
                Error::new(
                    ErrorKind::Attention,
                    format!("{failure}; could not delete the key `{name}` (ID {id}): {error}"),
                )
                .key(id),
            ),
        }
    }

    /// Deletes the duplicates of this run's key. The secrets of the duplicates were not delivered.
    pub(super) async fn end_duplicates(
        &self,
        duplicates: impl IntoIterator<Item = i64>,
    ) -> Result<(), String> {
        for id in duplicates {
            log::warn!(
                "the manager processed a request twice; deleting the duplicate key with ID {id}"
            );
            let deleted = delete_confirmed(self.access, id).await;
            deleted.map_err(|error| {
                format!("could not delete a duplicate of the key (ID {id}): {error}")
            })?;
        }
        Ok(())
    }
}

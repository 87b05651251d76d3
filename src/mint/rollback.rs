//! Deletion of a key whose secret was not delivered, until the manager no longer shows it.

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

/// How long a search may lag behind a create.
const LAG: Duration = Duration::from_secs(2);

/// The time limit of one read.
const LOOK: Duration = Duration::from_secs(5);

/// Deletes the key, and repeats that until the manager no longer shows it.
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
                "the manager reported that it deleted the key, but still shows it",
            ));
        }
    }
}

/// Deletes a key that this run has just created, and its twins.
///
/// # Errors
/// Returns an error if one of them may still exist.
async fn delete_all_confirmed(access: Access<'_>, record: &Record, id: i64) -> Result<(), Error> {
    wait_until_shown(access, record, id).await;
    delete_confirmed(access, id).await?;
    delete_twins(access, record, id, None).await
}

/// Waits until a search shows the key, because a search may lag behind a create. Then the search shows a twin with a lower ID as
/// well.
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
            // The search for twins reports the same error.
            Err(_) => return,
        }
        if !poll.wait().await {
            return;
        }
    }
}

/// Deletes a key that was delivered, and its twins. A key with a copied description is not deleted.
///
/// # Errors
/// Returns an error if one of them may still exist.
pub(crate) async fn delete_delivered(
    access: Access<'_>,
    record: &Record,
    made: &Delivered,
) -> Result<(), Error> {
    let made_key = as_key(&made.fields);
    delete_confirmed(access, made.id).await?;
    match made_key {
        Some(key) => delete_twins(access, record, made.id, Some(&key)).await,
        None => Ok(()),
    }
}

/// Deletes a key that another run created, and its twins.
///
/// # Errors
/// Returns an error if one of them may still exist.
pub(crate) async fn delete_abandoned(
    access: Access<'_>,
    record: &Record,
    id: i64,
) -> Result<(), Error> {
    let shown = tokio::time::timeout(LOOK, access.signed_in.find_api_key(id)).await;
    delete_confirmed(access, id).await?;
    match shown {
        Ok(Ok(Some(key))) => delete_twins(access, record, id, Some(&key)).await,
        // Without the key, a twin and a copy cannot be distinguished.
        _ => Ok(()),
    }
}

/// Deletes the twins of `made`, or of the key with this ID. If the user lacks permission to search keys, no twin is found, which
/// is not an error.
///
/// # Errors
/// Returns an error if one of them may still exist.
async fn delete_twins(
    access: Access<'_>,
    record: &Record,
    id: i64,
    made: Option<&ApiKey>,
) -> Result<(), Error> {
    if record.work != Work::Create {
        return Ok(());
    }
    let lookup = Lookup::new(access.signed_in, record).beside(id);
    let mut lookup = lookup.twins_of(made);
    let verdict = match lookup.look(true).await {
        Ok(seen) => seen.verdict,
        Err(error) if search_is_forbidden(&error) => {
            log::info!("could not check whether a request was processed twice: {error}");
            return Ok(());
        }
        Err(error) => {
            let message =
                format!("could not check whether its request was processed twice: {error}");
            return Err(Error::new(ErrorKind::Attention, message));
        }
    };
    if let Verdict::Ours { id, twins } = verdict {
        for id in twins.into_iter().chain([id]) {
            log::warn!("a request was processed twice; deleting the key with the ID {id}");
            delete_confirmed(access, id).await?;
        }
    }
    Ok(())
}

/// Returns true if the manager still shows the key. If the read fails, the deletion is assumed to have succeeded.
async fn is_still_there(signed_in: &SignedIn, id: i64) -> bool {
    let shown = tokio::time::timeout(LOOK, signed_in.api_key(id)).await;
    shown.is_ok_and(|shown| shown.is_ok_and(|key| key.id == id))
}

/// Deletes a key, and returns when the outcome of the request is known. The caller checks whether the key still exists.
pub(crate) async fn delete(access: Access<'_>, id: i64) -> Result<(), Error> {
    Ok(of_delete(access.signed_in, id, access.target.settle_timeout).await?)
}

impl Transaction<'_> {
    /// Deletes a key whose secret was not delivered. A key that existed before is not deleted.
    pub(super) async fn undo(&self, id: i64, record: &Record, failure: &str) -> Failure {
        let name = &record.key_name;
        if record.work == Work::Rekey {
            return Failure::Unresolved(
                Error::new(
                    ErrorKind::Attention,
                    format!("{failure}; the old secret of the key `{name}` (ID {id}) may be invalid, and the new one was not delivered"),
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
                    format!(
                        "{failure}, and the key `{name}` (ID {id}) could not be deleted: {error}"
                    ),
                )
                .key(id),
            ),
        }
    }

    /// Deletes the twins of the key. They have our marker, and their secrets were not delivered.
    pub(super) async fn end_twins(
        &self,
        twins: impl IntoIterator<Item = i64>,
    ) -> Result<(), String> {
        for id in twins {
            log::warn!("a request was processed twice; deleting the key with the ID {id}");
            let deleted = delete_confirmed(self.access, id).await;
            deleted.map_err(|error| format!("could not delete its twin (ID {id}): {error}"))?;
        }
        Ok(())
    }
}

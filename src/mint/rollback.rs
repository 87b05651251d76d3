//! Taking a key back that a run made and nobody got: "deleted again" is said only where the manager does not show it any more.

use std::time::Duration;

use super::lookup::Lookup;
use super::ownership::Verdict;
use super::poll::Poll;
use super::reconcile::{may_not_look, of_delete};
use super::state::{Delivered, Failure, Transaction, as_key};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::journal::{Record, Work};
use crate::manager::{ApiKey, SignedIn};

/// How long a search may lag behind what was created.
const LAG: Duration = Duration::from_secs(2);

/// How long one look may take.
const LOOK: Duration = Duration::from_secs(5);

/// Deletes the key, and looks whether the manager has it all the same.
///
/// # Errors
/// Where it may be there still.
pub(super) async fn delete_confirmed(
    context: &Context,
    signed_in: &SignedIn,
    id: i64,
) -> Result<(), Error> {
    let wait = context.settings.settle_timeout;
    let mut poll = Poll::new(wait);
    loop {
        of_delete(signed_in, id, wait).await?;
        if !is_still_there(signed_in, id).await {
            return Ok(());
        }
        if !poll.wait().await {
            return Err(Error::unexpected(
                "the manager says that it deleted it, and has it all the same",
            ));
        }
    }
}

/// The same for a key that this run made a moment ago, and for what a request that was sent twice made beside it.
///
/// # Errors
/// Where one of them may be there still.
async fn delete_all_confirmed(
    context: &Context,
    signed_in: &SignedIn,
    record: &Record,
    id: i64,
) -> Result<(), Error> {
    wait_until_shown(context, signed_in, record, id).await;
    delete_confirmed(context, signed_in, id).await?;
    delete_twins(context, signed_in, record, id, None).await
}

/// Waits until a search shows the key, as a search may lag behind what was created: it shows a twin with a lower ID then, too.
async fn wait_until_shown(context: &Context, signed_in: &SignedIn, record: &Record, id: i64) {
    if record.work != Work::Create {
        return;
    }
    let mut poll = Poll::new(context.settings.settle_timeout.min(LAG));
    loop {
        let mut pages = signed_in.api_keys_above(Some(id.saturating_sub(1)));
        match pages.next().await {
            Ok(Some(page)) if page.iter().any(|key| key.id == id) => return,
            Ok(_) => {}
            // What keeps keys from being searched is found once more when the twins are looked for.
            Err(_) => return,
        }
        if !poll.wait().await {
            return;
        }
    }
}

/// The same for a key that was made before. Somebody may have copied its description meanwhile, and so its mark: that key stays.
///
/// # Errors
/// Where one of them may be there still.
pub(crate) async fn delete_delivered(
    context: &Context,
    signed_in: &SignedIn,
    record: &Record,
    made: &Delivered,
) -> Result<(), Error> {
    let made_key = as_key(&made.fields);
    delete_confirmed(context, signed_in, made.id).await?;
    match made_key {
        Some(key) => delete_twins(context, signed_in, record, made.id, Some(&key)).await,
        None => Ok(()),
    }
}

/// The same for a key that another run made.
///
/// # Errors
/// Where one of them may be there still.
pub(crate) async fn delete_abandoned(
    context: &Context,
    signed_in: &SignedIn,
    record: &Record,
    id: i64,
) -> Result<(), Error> {
    let shown = tokio::time::timeout(LOOK, signed_in.find_api_key(id)).await;
    delete_confirmed(context, signed_in, id).await?;
    match shown {
        Ok(Ok(Some(key))) => delete_twins(context, signed_in, record, id, Some(&key)).await,
        // Without the key, nothing tells its twin from its copy.
        _ => Ok(()),
    }
}

/// Deletes every other key that bears the operation's mark, and is a twin of `made`. A sign-in that may not search keys never sees one,
/// and does not fail for that.
///
/// # Errors
/// Where one may be there still.
async fn delete_twins(
    context: &Context,
    signed_in: &SignedIn,
    record: &Record,
    id: i64,
    made: Option<&ApiKey>,
) -> Result<(), Error> {
    if record.work != Work::Create {
        return Ok(());
    }
    let lookup = Lookup::new(signed_in, record).beside(id);
    let mut lookup = lookup.twins_of(made);
    let verdict = match lookup.look(true).await {
        Ok(seen) => seen.verdict,
        Err(error) if may_not_look(&error) => {
            log::info!("whether a request was worked on twice could not be seen: {error}");
            return Ok(());
        }
        Err(error) => {
            let message =
                format!("whether its request was worked on twice could not be seen: {error}");
            return Err(Error::new(ErrorKind::Attention, message));
        }
    };
    if let Verdict::Ours { id, twins } = verdict {
        for id in twins.into_iter().chain([id]) {
            log::warn!("a request was worked on twice; deleting the key with the ID {id}");
            delete_confirmed(context, signed_in, id).await?;
        }
    }
    Ok(())
}

/// A manager that shows a key did not delete it, whatever it says. One that does not let itself be looked at is believed.
async fn is_still_there(signed_in: &SignedIn, id: i64) -> bool {
    let shown = tokio::time::timeout(LOOK, signed_in.api_key(id)).await;
    shown.is_ok_and(|shown| shown.is_ok_and(|key| key.id == id))
}

/// Deletes a key, and finds out whether that was done; whether it is gone, the caller sees.
pub(crate) async fn delete(context: &Context, signed_in: &SignedIn, id: i64) -> Result<(), Error> {
    Ok(of_delete(signed_in, id, context.settings.settle_timeout).await?)
}

impl Transaction<'_> {
    /// Takes back what was made and nobody got: a key of this operation is deleted, one that existed before cannot be.
    pub(super) async fn undo(&self, id: i64, record: &Record, failure: &str) -> Failure {
        let name = &record.key_name;
        if record.work == Work::Rekey {
            return Failure::Unresolved(
                Error::new(
                    ErrorKind::Attention,
                    format!("{failure}; the old secret of the key `{name}` (ID {id}) may be dead, and nobody has the new one"),
                )
                .key(id),
            );
        }
        let taken_back = match self.recovering {
            true => delete_abandoned(self.context, self.signed_in, record, id).await,
            false => delete_all_confirmed(self.context, self.signed_in, record, id).await,
        };
        match taken_back {
            Ok(()) => Failure::RolledBack(
                Error::new(ErrorKind::Undelivered, format!("{failure}; the key `{name}` (ID {id}) was deleted again"))
                    .hint("mend what stands in the way, and run it again")
                    .key(id),
            ),
            Err(error) => Failure::Unresolved(
                Error::new(
                    ErrorKind::Attention,
                    format!("{failure}, and the key `{name}` (ID {id}) could not be deleted again: {error}"),
                )
                .key(id),
            ),
        }
    }

    /// Deletes what a request that came twice made beside the key: it is ours by its mark, and nobody has its secret.
    pub(super) async fn end_twins(
        &self,
        twins: impl IntoIterator<Item = i64>,
    ) -> Result<(), String> {
        for id in twins {
            log::warn!("a request was worked on twice; deleting the key with the ID {id}");
            let deleted = delete_confirmed(self.context, self.signed_in, id).await;
            deleted.map_err(|error| format!("its twin (ID {id}) could not be deleted: {error}"))?;
        }
        Ok(())
    }
}

//! Lost responses: what became of a request whose response did not arrive or cannot be read.
//!
//! The manager is asked until that is known or the wait is over. Only then is a key known to be missing: when the first search is
//! answered, the request may still be in flight, or the search may lag behind the create.

use std::time::Duration;

use super::lookup::{Lookup, LookupResult};
use super::ownership::Verdict;
use super::poll::Poll;
use crate::journal::{self, Record};
use crate::manager::{ApiKey, Cause, KeyChange, ManagerError, SignedIn};

/// What became of a create.
pub(super) enum CreateOutcome {
    /// It made this key, which is provably ours, and these twins of it.
    Created(i64, Vec<i64>),
    /// It made no key.
    NotCreated,
    /// That is unknown, because keys may not be searched.
    SearchForbidden(String),
    /// That is unknown for this reason.
    Unknown(String),
}

/// What must be found out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    /// How long a key that is not there may still appear.
    pub(super) wait: Duration,
    /// The manager itself refused the create, so a key of the name explains the refusal and proves nothing else.
    pub(super) refused: bool,
}

/// Searches until the result of a create is known, or the wait is over.
pub(super) async fn of_create(
    signed_in: &SignedIn,
    record: &Record,
    question: Question,
) -> CreateOutcome {
    let mut poll = Poll::new(question.wait);
    let mut lookup = Lookup::new(signed_in, record);
    let mut whole = true;
    loop {
        let last = match lookup.look(whole || poll.is_over()).await {
            Ok(LookupResult {
                verdict: Verdict::Ours { id, twins },
                ..
            }) => return CreateOutcome::Created(id, twins),
            Ok(seen) if question.refused && seen.name_is_taken => return CreateOutcome::NotCreated,
            Ok(LookupResult {
                verdict: Verdict::Unproven(ids),
                ..
            }) => return CreateOutcome::Unknown(unproven(record, &ids)),
            Ok(_) => {
                whole = false;
                CreateOutcome::NotCreated
            }
            Err(error) if search_is_forbidden(&error) => {
                return CreateOutcome::SearchForbidden(format!(
                    "keys may not be searched: {error}"
                ));
            }
            Err(error) => CreateOutcome::Unknown(format!("the search failed as well: {error}")),
        };
        if !poll.wait().await {
            return last;
        }
    }
}

/// Returns whether keys may not be searched. Some managers answer 404 to users who may not.
pub(super) fn search_is_forbidden(error: &ManagerError) -> bool {
    match error.cause() {
        Cause::Forbidden | Cause::Unauthorized => true,
        Cause::NotFound => error.is_from_manager(),
        _ => false,
    }
}

fn unproven(record: &Record, ids: &[i64]) -> String {
    let ids = ids
        .iter()
        .map(i64::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    format!(
        "nothing proves who made the keys with the IDs {ids}, which are named `{}` or similarly",
        record.key_name
    )
}

/// What became of a reset.
pub(super) enum ResetOutcome {
    /// The new secret. If `uncertain`, an earlier request was lost and may be processed late.
    Made {
        /// The key with its secret.
        key: Box<ApiKey>,
        uncertain: bool,
    },
    /// The manager refused it.
    Refused(ManagerError),
    /// That is unknown for this reason.
    Unknown(String),
}

/// Gives the key a new secret. The response may be lost as well. Asking again is safe until a secret was delivered, since only
/// the last one counts. `uncertain` says that an earlier request may have made a secret.
///
/// A request that may be in flight is waited for before the next one is sent. If it were processed later, it would end the newer
/// secret.
pub(super) async fn of_reset(
    signed_in: &SignedIn,
    record: &Record,
    id: i64,
    wait: Duration,
    mut uncertain: bool,
) -> ResetOutcome {
    let mut poll = Poll::new(wait);
    let mut waited = false;
    loop {
        journal::refresh(record);
        let asking = async {
            if record.current {
                signed_in.reset_own_secret().await
            } else {
                signed_in.reset_secret(id).await
            }
        };
        let error = match journal::refresh_while(record, asking).await {
            Ok(key) if key.id == id => {
                return ResetOutcome::Made {
                    key: Box::new(key),
                    uncertain,
                };
            }
            Ok(key) => {
                return ResetOutcome::Unknown(format!(
                    "the response is about another key, with the ID {}",
                    key.id
                ));
            }
            Err(error) => error,
        };
        let not_sent = matches!(
            error.cause(),
            Cause::ConnectionRefused
                | Cause::Unreachable
                | Cause::ProxyRefused
                | Cause::RateLimited { .. }
        );
        // A reset connection proves nothing about the request that was sent over it.
        let in_flight = !not_sent;
        match (error.had_no_effect(), error.cause()) {
            _ if not_sent => {}
            (true, Cause::NotFound) => return ResetOutcome::Refused(error),
            (true, _) if uncertain => return ResetOutcome::Unknown(error.to_string()),
            (true, _) => return ResetOutcome::Refused(error),
            (false, _) => uncertain = true,
        }
        if in_flight && !waited {
            waited = true;
            poll = Poll::new(wait);
            tokio::time::sleep(wait).await;
        } else if in_flight || !poll.wait().await {
            return ResetOutcome::Unknown(error.to_string());
        }
    }
}

/// Deletes a key whose secret was not delivered, until that is known to be done. A key that is gone already counts as deleted:
/// the response to an earlier try may have been lost, and repeating a deletion is safe.
pub(super) async fn of_delete(
    signed_in: &SignedIn,
    id: i64,
    wait: Duration,
) -> Result<(), ManagerError> {
    let mut poll = Poll::new(wait);
    loop {
        let error = match signed_in.delete_api_key(id).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match (error.is_from_manager(), error.cause()) {
            (true, Cause::NotFound) => return Ok(()),
            // A 404 that is not the manager's own: a read by ID shows whether the key is gone.
            (false, Cause::NotFound)
                if signed_in.key_exists(id).await.is_ok_and(|there| !there) =>
            {
                return Ok(());
            }
            (true, Cause::Unauthorized | Cause::Forbidden | Cause::Rejected(_))
            | (_, Cause::Untrusted | Cause::Unusable) => return Err(error),
            _ => {}
        }
        if !poll.wait().await {
            return Err(error);
        }
    }
}

/// Reads a key, and repeats that if no response arrives.
pub(super) async fn of_look(
    signed_in: &SignedIn,
    id: i64,
    wait: Duration,
) -> Result<ApiKey, ManagerError> {
    let mut poll = Poll::new(wait);
    loop {
        let error = match signed_in.api_key(id).await {
            Ok(key) => return Ok(key),
            Err(error) => error,
        };
        if error.is_from_manager() || matches!(error.cause(), Cause::Untrusted | Cause::Unusable) {
            return Err(error);
        }
        if !poll.wait().await {
            return Err(error);
        }
    }
}

/// Changes a key until it is known whether that was done. Repeating the same change is safe.
pub(super) async fn of_change(
    signed_in: &SignedIn,
    id: i64,
    change: &KeyChange,
    wait: Duration,
) -> Result<ApiKey, ManagerError> {
    let mut poll = Poll::new(wait);
    loop {
        let error = match signed_in.modify_api_key(id, change).await {
            Ok(key) => return Ok(key),
            Err(error) => error,
        };
        match (error.is_from_manager(), error.cause()) {
            // A 500 may follow a change that was made, and repeating it is safe.
            (true, Cause::Rejected(500..)) => {}
            (
                true,
                Cause::Unauthorized | Cause::Forbidden | Cause::NotFound | Cause::Rejected(_),
            )
            | (_, Cause::Untrusted | Cause::Unusable) => return Err(error),
            _ => {}
        }
        if !poll.wait().await {
            return Err(error);
        }
    }
}

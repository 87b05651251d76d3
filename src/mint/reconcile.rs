//! Lost responses: how to determine the outcome of a request whose response did not arrive or cannot be read.
//!
//! The manager is polled until the outcome is known or the wait is over. A key that a search does not show is missing only at the
//! end of the wait: before that, the request may still be in flight, or the search may lag behind the create.

use std::time::Duration;

use super::lookup::{Lookup, LookupResult};
use super::ownership::Verdict;
use super::poll::Poll;
use crate::journal::{self, Record};
use crate::manager::{ApiKey, Cause, KeyChange, ManagerError, SignedIn};

/// The outcome of a create.
pub(super) enum CreateOutcome {
    /// The run created this key, which has its marker, and these twins.
    Created(i64, Vec<i64>),
    /// The run created no key.
    NotCreated,
    /// The outcome is unknown, because the user lacks permission to search keys.
    SearchForbidden(String),
    /// That is unknown for this reason.
    Unknown(String),
}

/// What a search must determine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    /// How long a missing key may still appear.
    pub(super) wait: Duration,
    /// The manager itself rejected the create. A key with the name explains that, but does not belong to this run.
    pub(super) refused: bool,
}

/// Searches until the outcome of a create is known or the wait is over.
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
                    "no permission to search keys: {error}"
                ));
            }
            Err(error) => CreateOutcome::Unknown(format!("the search failed as well: {error}")),
        };
        if !poll.wait().await {
            return last;
        }
    }
}

/// Returns true if the user lacks permission to search keys. Some managers return 404 for that.
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
        "nothing proves which run created the keys with the IDs {ids}, which have the name `{}` or a similar one",
        record.key_name
    )
}

/// The outcome of a reset.
pub(super) enum ResetOutcome {
    /// The key has a new secret.
    Made {
        /// The key and its secret.
        key: Box<ApiKey>,
        uncertain: bool,
    },
    /// The manager rejected the request.
    Refused(ManagerError),
    /// That is unknown for this reason.
    Unknown(String),
}

/// Creates a new secret for the key. If the response is lost, the request can be repeated until a secret was delivered, because
/// only the last secret works. `uncertain` means that an earlier request may have created a secret.
///
/// A request in flight is waited for before the next one is sent. If the manager processed it later, it would invalidate the
/// newer secret.
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
                    "the response is about a different key (ID {})",
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
        // The request may have arrived before the connection was reset.
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

/// Deletes a key until the outcome is known. A missing key counts as deleted, because the response to an earlier attempt may have
/// been lost. Repeating a deletion is safe.
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
            // This 404 comes from a proxy, so the key is read to check whether it exists.
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

/// Reads a key, and repeats the request if no response arrives.
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

/// Changes a key until the outcome is known. Repeating the same change is safe.
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
            // A 500 may follow a successful change, and repeating the change is safe.
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

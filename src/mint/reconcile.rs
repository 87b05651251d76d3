//! Determines the outcome of a request whose response was lost or cannot be read.
//!
//! The manager is polled until the outcome is known or the wait is over. During the wait, a key may still appear in search results, because
//! the request may be in flight or the search index may be out of date.

use std::time::Duration;

use super::lookup::{Lookup, LookupResult};
use super::ownership::Verdict;
use super::poll::Poll;
use crate::error::Signal;
use crate::journal::{self, Record, Work};
use crate::manager::{ApiKey, Cause, KeyChange, ManagerError, SignedIn};
use crate::process::signals::Signals;

/// The outcome of a create request.
pub(super) enum CreateOutcome {
    /// The request created the key with this ID. The list contains the IDs of duplicates, which exist if the manager processed the request
    /// more than once.
    Created(i64, Vec<i64>),
    /// The request created no key.
    NotCreated,
    /// The outcome is unknown, because the user lacks permission to search keys. Contains the error message.
    SearchForbidden(String),
    /// The outcome is unknown. Contains the reason.
    Unknown(String),
}

/// The parameters of the search for a created key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    /// How long to wait for the key to appear in search results.
    pub(super) wait: Duration,
    /// True if the manager itself rejected the create request. If a search then shows a key with the requested name, that key caused the rejection.
    /// Such a key does not belong to this run.
    pub(super) refused: bool,
}

/// Searches until the outcome of a create request is known or the maximum wait is over.
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
                verdict: Verdict::Ours { id, duplicates },
                ..
            }) => return CreateOutcome::Created(id, duplicates),
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
                    "this sign-in has no permission to search keys: {error}"
                ));
            }
            Err(error) => CreateOutcome::Unknown(format!("could not search keys: {error}")),
        };
        if !poll.wait().await {
            return last;
        }
    }
}

/// Returns true if the error means that the user lacks permission to search keys. Some managers report the missing permission with status 404.
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
        "the keys with IDs {ids} have the name `{}` or a similar name, and it is unknown which run created them",
        record.key_name
    )
}

/// The outcome of a reset request, which creates a new secret for a key.
pub(super) enum ResetOutcome {
    /// The key has a new secret.
    Made {
        /// The changed key, including its new secret.
        key: Box<ApiKey>,
        uncertain: bool,
    },
    /// The manager rejected the request.
    Refused(ManagerError),
    /// A signal arrived before the manager processed a request. This run created the key.
    Interrupted(Signal),
    /// The outcome is unknown. Contains the reason.
    Unknown(String),
}

/// Creates a new secret for the key. If the response is lost, the request is repeated. This is safe, because each new secret replaces the
/// previous one. `uncertain` is true if an earlier request may have created a secret.
///
/// Before the request is repeated, this function waits until the first request can no longer be in flight. If the manager processed the first request
/// last, the secret from the repeated request would be invalid.
pub(super) async fn of_reset(
    signed_in: &SignedIn,
    record: &Record,
    id: i64,
    wait: Duration,
    mut uncertain: bool,
    signals: &Signals,
) -> ResetOutcome {
    let mut poll = Poll::new(wait);
    let mut waited = false;
    loop {
        // A signal ends the work early only for a key that this run created: the run deletes that key. The old secret of an existing key may no longer
        // work, because an intermediary may have repeated the request, so this run must deliver a new secret.
        let ends_pause = (!uncertain && record.work == Work::Create).then_some(signals);
        if let Some(signal) = ends_pause.and_then(Signals::received) {
            return ResetOutcome::Interrupted(signal);
        }
        let error = match reset(signed_in, record, id, ends_pause).await {
            Ok(key) if key.id == id => {
                return ResetOutcome::Made {
                    key: Box::new(key),
                    uncertain,
                };
            }
            Ok(key) => {
                return ResetOutcome::Unknown(format!(
                    "the manager responded with a different key (ID {})",
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
        // After any error that is not listed above, the manager may have processed the request.
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

async fn reset(
    signed_in: &SignedIn,
    record: &Record,
    id: i64,
    ends_pause: Option<&Signals>,
) -> Result<ApiKey, ManagerError> {
    journal::refresh(record);
    let asking = async {
        if record.current {
            signed_in.reset_own_secret(ends_pause).await
        } else {
            signed_in.reset_secret(id, ends_pause).await
        }
    };
    journal::refresh_while(record, asking).await
}

/// Deletes a key, and repeats the request until the outcome is known. Repeating a deletion is safe. A missing key counts as deleted,
/// because the response to an earlier attempt may have been lost.
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
            // This 404 may come from a proxy, so the key is read to check whether it still exists.
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

/// Reads a key. Repeats the request until the manager responds, or until the time `wait` is over.
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

/// Changes a key, and repeats the request until the outcome is known. Repeating the same change is safe. Sets `late` to true if a response was lost,
/// because the manager may still process that request later.
pub(super) async fn of_change(
    signed_in: &SignedIn,
    id: i64,
    change: &KeyChange,
    wait: Duration,
    mut late: Option<&mut bool>,
) -> Result<ApiKey, ManagerError> {
    let mut poll = Poll::new(wait);
    loop {
        let changed = match late {
            // `modify_api_key_once` never repeats a request. So the loop notices every lost response, and repeats the request itself.
            Some(_) => signed_in.modify_api_key_once(id, change).await,
            None => signed_in.modify_api_key(id, change).await,
        };
        let error = match changed {
            Ok(key) => return Ok(key),
            Err(error) => error,
        };
        match (error.is_from_manager(), error.cause()) {
            // The manager may have applied the change despite a server error, so the request is repeated.
            (true, Cause::Rejected(500..)) => {}
            (
                true,
                Cause::Unauthorized | Cause::Forbidden | Cause::NotFound | Cause::Rejected(_),
            )
            | (_, Cause::Untrusted | Cause::Unusable) => return Err(error),
            _ => {}
        }
        if let Some(late) = late.as_deref_mut() {
            *late |= !error.is_from_manager() && !error.was_not_processed();
        }
        if !poll.wait().await {
            return Err(error);
        }
    }
}

//! Lost answers: what became of a request whose answer did not come, or cannot be read.
//!
//! The manager is asked until it is known or the wait is over. "Not there" is known only then: the request may still be on its way,
//! or be worked on, when the first search is answered, or a search may lag behind what was created.

use std::time::Duration;

use super::lookup::{Lookup, Seen};
use super::ownership::Verdict;
use super::poll::Poll;
use crate::journal::{self, Record};
use crate::manager::{ApiKey, Cause, KeyChange, ManagerError, SignedIn};

/// What is known of a create.
pub(super) enum Created {
    /// It made this key, which is provably ours, and these twins of it.
    Ours(i64, Vec<i64>),
    /// It made none.
    Not,
    /// It is not known, because keys may not be searched.
    MayNotLook(String),
    /// It is not known, and why.
    Unknown(String),
}

/// What is to be found out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    /// How long a key that is not there may still come.
    pub(super) wait: Duration,
    /// The manager refused the create in its own words, so that a key of the name explains that, and proves nothing else.
    pub(super) refused: bool,
}

/// Looks until it is known what became of a create, or the wait is over.
pub(super) async fn of_create(
    signed_in: &SignedIn,
    record: &Record,
    question: Question,
) -> Created {
    let mut poll = Poll::new(question.wait);
    let mut lookup = Lookup::new(signed_in, record);
    let mut whole = true;
    loop {
        let last = match lookup.look(whole || poll.is_over()).await {
            Ok(Seen {
                verdict: Verdict::Ours { id, twins },
                ..
            }) => return Created::Ours(id, twins),
            Ok(seen) if question.refused && seen.name_is_taken => return Created::Not,
            Ok(Seen {
                verdict: Verdict::Unproven(ids),
                ..
            }) => return Created::Unknown(unproven(record, &ids)),
            Ok(_) => {
                whole = false;
                Created::Not
            }
            Err(error) if may_not_look(&error) => {
                return Created::MayNotLook(format!(
                    "keys may not be searched to find out: {error}"
                ));
            }
            Err(error) => Created::Unknown(format!("finding out failed too: {error}")),
        };
        if !poll.wait().await {
            return last;
        }
    }
}

/// Some managers know no search for who may not search.
pub(super) fn may_not_look(error: &ManagerError) -> bool {
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
        "nothing proves whose the keys named `{}`, or nearly so, with the IDs {ids} are",
        record.key_name
    )
}

/// What is known of a new secret.
pub(super) enum Reset {
    /// Here it is. `uncertain`: a request before this one was lost, and may be worked on late.
    Made {
        /// The key with its secret.
        key: Box<ApiKey>,
        uncertain: bool,
    },
    /// The manager did not do it.
    Refused(ManagerError),
    /// It is not known, and why.
    Unknown(String),
}

/// Gives the key a new secret. Its own answer may be lost too; asking again is safe for as long as no secret was delivered, since
/// the last one that was made is the one that counts. `uncertain`: one may have been made before this.
///
/// A request that may still be worked on is waited for before the next is sent: done late, it would kill the newer secret.
pub(super) async fn of_reset(
    signed_in: &SignedIn,
    record: &Record,
    id: i64,
    wait: Duration,
    mut uncertain: bool,
) -> Reset {
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
                return Reset::Made {
                    key: Box::new(key),
                    uncertain,
                };
            }
            Ok(key) => {
                return Reset::Unknown(format!(
                    "the answer is about another key, with the ID {}",
                    key.id
                ));
            }
            Err(error) => error,
        };
        match (error.had_no_effect(), error.cause()) {
            (
                _,
                Cause::ConnectionRefused
                | Cause::Unreachable
                | Cause::ProxyRefused
                | Cause::RateLimited { .. },
            ) => {}
            (true, Cause::NotFound) => return Reset::Refused(error),
            (true, _) if uncertain => return Reset::Unknown(error.to_string()),
            (true, _) => return Reset::Refused(error),
            (false, _) => uncertain = true,
        }
        // A connection that was reset says nothing about the request that went over it.
        let under_way = !matches!(
            error.cause(),
            Cause::ConnectionRefused
                | Cause::Unreachable
                | Cause::ProxyRefused
                | Cause::RateLimited { .. }
        );
        if under_way && !waited {
            waited = true;
            poll = Poll::new(wait);
            tokio::time::sleep(wait).await;
        } else if under_way || !poll.wait().await {
            return Reset::Unknown(error.to_string());
        }
    }
}

/// Deletes a key that nobody got, until that is known to be done. One that is gone already is success: the answer to an earlier try
/// may have been lost, and a deletion does no harm twice.
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
            // Not the manager's form: whether the key is gone is seen by its ID.
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

/// Looks at a key, again where the answer does not come.
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

/// Changes a key, until it is known whether that was done. The same values set twice do no harm.
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
            // A 500 may have come after the work was done, and once more does no harm.
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

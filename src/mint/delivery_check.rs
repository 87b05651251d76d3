//! The checks before a secret is delivered.

use super::ownership::{is_ours, is_twin_of_answer};
use super::poll::Poll;
use super::state::{Minted, Transaction};
use crate::auth::key_check::{Tried, try_key};
use crate::auth::key_header::key_header;
use crate::error::ErrorKind;
use crate::journal::{Record, Stage, Work};
use crate::manager::{ApiKey, Cause, Credentials, ManagerError, SignedIn};

/// A reason not to deliver a secret.
pub(super) enum Objection {
    /// The manager does not accept the secret.
    Refused(String),
    /// A lost request may have ended the secret, and nothing shows that it works.
    Doubtful(String),
    /// The response is about another key than the one that this run made.
    Exchanged(String),
    /// Anything else.
    Other(ErrorKind, String),
}

impl From<(ErrorKind, String)> for Objection {
    fn from((kind, failure): (ErrorKind, String)) -> Self {
        Self::Other(kind, failure)
    }
}

impl Transaction<'_> {
    /// Checks everything that forbids the delivery: a signal, another key of the name, a secret that does not work.
    pub(super) async fn check(&self, minted: &Minted, record: &Record) -> Result<(), Objection> {
        // The old secret of a key that existed before is invalid already, so the work is finished.
        if record.work == Work::Create {
            self.stands_alone(minted, record).await?;
        }
        // Another run, or a request of this run whose response was lost, may have made a newer secret for a key that existed
        // before.
        let in_doubt = minted.uncertain || record.work == Work::Rekey;
        let idle = is_idle(minted.active, minted.expiry_date, self.access.signed_in);
        if self.verify || in_doubt && !idle {
            self.works(minted).await?;
        }
        match self.access.context.signals.received() {
            Some(signal) if record.work == Work::Create => {
                Err((ErrorKind::Interrupted(signal), "interrupted".to_owned()).into())
            }
            _ => Ok(()),
        }
    }

    /// Applies the rule of docs/transaction.md: of several keys of one name, the one with the lowest ID stays. Twins are deleted
    /// in any case.
    async fn stands_alone(&self, minted: &Minted, record: &Record) -> Result<(), Objection> {
        if !record.unique && !self.verify && !self.recovering {
            return Ok(());
        }
        let found = match self.shown_beside(minted).await {
            Ok(found) => found,
            Err(error) if record.unique => {
                let what = "could not check whether another key has the name";
                return Err((ErrorKind::Undelivered, format!("{what}: {error}")).into());
            }
            Err(error) => {
                log::info!("could not check whether a request was processed twice: {error}");
                return Ok(());
            }
        };
        let ended = self.end_twins(twins(minted, record, &found)?).await;
        ended.map_err(|error| Objection::Other(ErrorKind::Attention, error))?;
        let bears_it = |key: &&ApiKey| {
            (key.name()).is_some_and(|name| name == record.key_name || name == minted.name)
        };
        let lower = found.iter().find(|key| {
            bears_it(key)
                && key.id < minted.id
                && !is_ours(record, key)
                && !record.existing_ids.contains(&key.id)
        });
        // A run that was delivering had seen that its key stays.
        let may_go = record.unique && record.progress.stage == Stage::Begun;
        match lower {
            Some(other) if may_go => Err((
                ErrorKind::Conflict,
                format!(
                    "a key named `{}` exists already, with the ID {}: another run was first",
                    record.key_name, other.id
                ),
            )
                .into()),
            _ => Ok(()),
        }
    }

    /// Returns the keys that have the name of this key, as soon as this key is among them: then the search shows every key that
    /// was created before it.
    async fn shown_beside(&self, minted: &Minted) -> Result<Vec<ApiKey>, ManagerError> {
        let mut poll = Poll::new(self.access.target.settle_timeout);
        loop {
            let found = self.access.signed_in.api_keys_named(&minted.name).await?;
            let shown = found.iter().any(|key| key.id == minted.id);
            if shown || self.access.context.signals.received().is_some() {
                return Ok(found);
            }
            if !poll.wait().await {
                self.access.context.output.warn(&format!(
                    "the manager's search does not show the new key `{}` (ID {}), so it is unknown whether another run made a key of this name",
                    minted.name, minted.id
                ));
                return Ok(found);
            }
        }
    }

    /// Returns whether the manager shows that the key is locked or expired, which its response to the reset may have left out.
    async fn may_not_sign_in(&self, minted: &Minted) -> bool {
        let shown = self.access.signed_in.api_key(minted.id).await;
        shown.is_ok_and(|key| {
            key.id == minted.id && is_idle(key.active(), key.expiry_date(), self.access.signed_in)
        })
    }

    async fn works(&self, minted: &Minted) -> Result<(), Objection> {
        let secret = minted.secret.secret.clone();
        let header = key_header(self.access.target, &secret);
        let manager = self
            .access
            .target
            .manager(&self.access.context.output)
            .map_err(|error| (ErrorKind::Undelivered, error.to_string()))?;
        match try_key(&manager.with(Credentials::ApiKey { secret, header })).await {
            Tried::Works(Some(key)) if key.id != minted.id => Err((
                ErrorKind::Undelivered,
                format!(
                    "the new secret belongs to another key, with the ID {}",
                    key.id
                ),
            )
                .into()),
            Tried::Works(_) => Ok(()),
            Tried::Refused(error) => {
                if !self.verify && self.may_not_sign_in(minted).await {
                    return Ok(());
                }
                Err(Objection::Refused(format!(
                    "the manager does not accept the new secret: {error}"
                )))
            }
            // It is unknown whether a lost request has ended the secret.
            Tried::Unproven(error) if minted.uncertain && !is_about_a_right(&error) => {
                Err(Objection::Doubtful(format!(
                    "could not check whether the new secret works, so it was not delivered: {error}"
                )))
            }
            Tried::Unproven(error) => {
                let message = format!("could not prove that the new secret works: {error}");
                if self.verify || minted.uncertain {
                    self.access.context.output.warn(&message);
                } else {
                    log::info!("{message}");
                }
                Ok(())
            }
        }
    }
}

/// Returns whether the manager refused a request of a key after it had accepted its secret. A rate limit, a server error and the
/// response of a proxy prove nothing about the secret.
fn is_about_a_right(error: &ManagerError) -> bool {
    error.is_from_manager()
        && match error.cause() {
            Cause::Forbidden | Cause::NotFound => true,
            Cause::Rejected(status) => (400..500).contains(status),
            _ => false,
        }
}

/// Returns the IDs of the twins of this key among the keys that one search showed. A key with our marker that is no twin has a copy
/// of our description, and stays.
///
/// # Errors
/// Returns an objection if another key has our marker and this one has not.
fn twins(minted: &Minted, record: &Record, found: &[ApiKey]) -> Result<Vec<i64>, Objection> {
    let is_other = |key: &&ApiKey| key.id != minted.id && is_ours(record, key);
    let Some(other) = found.iter().find(is_other) else {
        return Ok(Vec::new());
    };
    let shown = found.iter().find(|key| key.id == minted.id);
    let answered = minted.as_answered();
    let Some(made) = shown.or(answered.as_ref()) else {
        return Ok(Vec::new());
    };
    if shown.is_some() && !is_ours(record, made) {
        return Err(Objection::Exchanged(format!(
            "the manager's response is about the key with the ID {}, but the one with the ID {} has the marker of this run: no secret was delivered, \
             and nothing was deleted",
            minted.id, other.id
        )));
    }
    let twins = found
        .iter()
        .filter(|key| is_other(key) && is_twin_of_answer(made, key));
    Ok(twins.map(|key| key.id).collect())
}

/// Returns whether a key is known to be locked or expired. It is refused then whatever its secret.
fn is_idle(active: Option<bool>, expiry_date: Option<i64>, signed_in: &SignedIn) -> bool {
    let now = signed_in.time().timestamp_millis();
    active == Some(false) || expiry_date.is_some_and(|end| end <= now)
}

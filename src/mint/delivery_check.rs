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
    /// A lost request may have invalidated the secret, and nothing proves that the secret works.
    Doubtful(String),
    /// The response is about a different key than the one that this run created.
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
    /// Returns the reason why the secret must not be delivered: a signal, an older key with the name, or a secret that does not
    /// work.
    pub(super) async fn check(&self, minted: &Minted, record: &Record) -> Result<(), Objection> {
        // The old secret of an existing key is already invalid, so the delivery is finished even after a signal.
        if record.work == Work::Create {
            self.stands_alone(minted, record).await?;
        }
        // Another run, or a lost request of this run, may have created a newer secret for an existing key.
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

    /// Deletes the twins of the key, and checks that no key with the same name has a lower ID (docs/transaction.md, "Several runs
    /// at once").
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
        // A run starts to deliver after it has checked that its key stays.
        let may_go = record.unique && record.progress.stage == Stage::Begun;
        match lower {
            Some(other) if may_go => Err((
                ErrorKind::Conflict,
                format!(
                    "a key named `{}` already exists (ID {}): another run was first",
                    record.key_name, other.id
                ),
            )
                .into()),
            _ => Ok(()),
        }
    }

    /// Returns the keys with the name of this key once the search shows this key. Then the search shows every key that was
    /// created before it.
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
                    "the manager's search does not show the new key `{}` (ID {}), so it is unknown whether another run created a key with this name",
                    minted.name, minted.id
                ));
                return Ok(found);
            }
        }
    }

    /// Returns true if the manager shows that the key is locked or expired. The response to the reset may omit that.
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
                format!("the new secret belongs to a different key (ID {})", key.id),
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
            // A lost request may have invalidated the secret.
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

/// Returns true if the manager rejected a request for lack of permission, after it had accepted the secret. Rate limits, server
/// errors and responses of a proxy prove nothing about the secret.
fn is_about_a_right(error: &ManagerError) -> bool {
    error.is_from_manager()
        && match error.cause() {
            Cause::Forbidden | Cause::NotFound => true,
            Cause::Rejected(status) => (400..500).contains(status),
            _ => false,
        }
}

/// Returns the IDs of the twins of this key among the keys that a search found. A key with our marker that is not a twin has a
/// copied description, and is not deleted.
///
/// # Errors
/// Returns an objection if a different key has our marker and this one does not.
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
            "the manager's response is about the key with ID {}, but the key with ID {} has the marker of this run: no secret was delivered, \
             and nothing was deleted",
            minted.id, other.id
        )));
    }
    let twins = found
        .iter()
        .filter(|key| is_other(key) && is_twin_of_answer(made, key));
    Ok(twins.map(|key| key.id).collect())
}

/// Returns true if a key is locked or expired. The manager rejects it regardless of its secret.
fn is_idle(active: Option<bool>, expiry_date: Option<i64>, signed_in: &SignedIn) -> bool {
    let now = signed_in.time().timestamp_millis();
    active == Some(false) || expiry_date.is_some_and(|end| end <= now)
}

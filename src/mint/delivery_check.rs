//! Checks that a secret may be delivered.

use std::rc::Rc;

use super::fleet_mark::FleetMark;
use super::ownership::{is_duplicate_of_answer, is_ours};
use super::poll::Poll;
use super::state::{Minted, Transaction};
use crate::auth::key_check::{Tried, try_key};
use crate::auth::key_header::key_header;
use crate::error::ErrorKind;
use crate::journal::{Record, Stage, Work};
use crate::manager::{ApiKey, Cause, Credentials, ManagerError, SignedIn};

/// The reason why a secret may not be delivered.
pub(super) enum Objection {
    /// The manager rejected the secret.
    Refused(String),
    /// It is unknown whether the secret works. An earlier reset request may have arrived late and replaced the secret.
    Doubtful(String),
    /// The response that contains the secret is not about the key that this run created.
    Exchanged(String),
    /// Any other reason.
    Other(ErrorKind, String),
}

impl From<(ErrorKind, String)> for Objection {
    fn from((kind, failure): (ErrorKind, String)) -> Self {
        Self::Other(kind, failure)
    }
}

impl Transaction<'_> {
    /// Checks that the secret may be delivered. The secret must not be delivered in three cases: a signal was received, another run created a key
    /// with the same name before this run did, or the secret does not work.
    ///
    /// Returns true if the secret was used and works.
    pub(super) async fn check(&self, minted: &Minted, record: &Record) -> Result<bool, Objection> {
        // A new key may have duplicates, and other keys may have the same name.
        if record.work == Work::Create {
            self.stands_alone(minted, record).await?;
        }
        // The secret is tested if another request may have replaced it. If the key existed before this run, another run may have sent that request.
        // If the response to this run's first request was lost, the first request may have arrived late.
        let in_doubt = minted.uncertain || record.work == Work::Rekey;
        let idle = is_idle(minted.active, minted.expiry_date, self.access.signed_in);
        let verified = (self.verify || in_doubt && !idle) && self.works(minted).await?;
        match self.access.context.signals.received() {
            Some(signal) if record.work == Work::Create && !self.delivers_after_signal => {
                Err((ErrorKind::Interrupted(signal), "interrupted".to_owned()).into())
            }
            _ => Ok(verified),
        }
    }

    /// Deletes the duplicates that a repeated request created, and checks that no key with the same name has a lower ID
    /// (docs/transaction.md, "Several runs at once").
    async fn stands_alone(&self, minted: &Minted, record: &Record) -> Result<(), Objection> {
        if !record.unique && !self.verify && !self.recovering {
            return Ok(());
        }
        let found = match self.shown_beside(minted).await {
            Ok(found) => found,
            Err(error) if record.unique => {
                let what = "could not check whether another key has the same name";
                return Err((ErrorKind::Undelivered, format!("{what}: {error}")).into());
            }
            Err(error) => {
                log::info!("could not search for duplicate keys: {error}");
                return Ok(());
            }
        };
        let ended = self
            .end_duplicates(duplicates(minted, record, &found)?)
            .await;
        ended.map_err(|error| Objection::Other(ErrorKind::Attention, error))?;
        self.is_marked(minted, record, &found).await?;
        let bears_it = |key: &&ApiKey| {
            (key.name()).is_some_and(|name| name == record.key_name || name == minted.name)
        };
        let lower = found.iter().find(|key| {
            bears_it(key)
                && key.id < minted.id
                && !is_ours(record, key)
                && !record.existing_ids.contains(&key.id)
        });
        // If the recorded stage is later than `Begun`, the run has already passed this check.
        let may_go = record.unique && record.progress.stage == Stage::Begun;
        match lower {
            Some(other) if may_go => Err((
                ErrorKind::Conflict,
                format!(
                    "a key named `{}` already exists (ID {}), because another run created it first",
                    record.key_name, other.id
                ),
            )
                .into()),
            _ => Ok(()),
        }
    }

    /// Checks that the key has the complete marker of its fleet. If the manager alters descriptions, no later run would know that the key belongs to
    /// the fleet. `found` are the keys that a search found.
    async fn is_marked(
        &self,
        minted: &Minted,
        record: &Record,
        found: &[ApiKey],
    ) -> Result<(), Objection> {
        let Some(fleet) = &record.fleet else {
            return Ok(());
        };
        let read;
        let key = match found.iter().find(|key| key.id == minted.id) {
            Some(key) => key,
            None => {
                read = self.access.signed_in.api_key(minted.id).await;
                read.as_ref().map_err(|error| {
                    let what = "could not check the marker in the description of the key";
                    Objection::Doubtful(format!("{what}: {error}"))
                })?
            }
        };
        let mark = FleetMark::of(key.description().unwrap_or_default());
        let has_mark = (mark.as_ref())
            .is_some_and(|mark| mark.operation == record.operation && mark.fleet == *fleet);
        // A user may have released the key of an interrupted run. The marker was removed then, not altered.
        if has_mark || self.recovering && !is_ours(record, key) {
            return Ok(());
        }
        // The key belongs to another run, so it must not be deleted.
        if let Some(mark) =
            mark.filter(|mark| !mark.operation.eq_ignore_ascii_case(&record.operation))
        {
            return Err(Objection::Exchanged(format!(
                "the key with ID {} has the marker of the operation {}; no secret was delivered, and no key was deleted",
                minted.id, mark.operation
            )));
        }
        let failure = format!(
            "the manager did not store the complete marker of the fleet `{fleet}` in the description of the key"
        );
        Err((ErrorKind::Unexpected, failure).into())
    }

    /// Waits until a search by name finds this key, and returns the search results. If the search finds this key, it also finds all older keys with
    /// the same name.
    async fn shown_beside(&self, minted: &Minted) -> Result<Rc<Vec<ApiKey>>, ManagerError> {
        let is_shown = |found: &[ApiKey]| found.iter().any(|key| key.id == minted.id);
        if let Some(found) = self.newer_keys.as_ref().filter(|found| is_shown(found)) {
            return Ok(Rc::clone(found));
        }
        let mut poll = Poll::new(self.access.target.settle_timeout);
        loop {
            let found = self.access.signed_in.api_keys_named(&minted.name).await?;
            if is_shown(&found) || self.access.context.signals.received().is_some() {
                return Ok(found.into());
            }
            if !poll.wait().await {
                self.access.context.output.warn(&format!(
                    "the manager's search does not find the new key `{}` (ID {}), so it may also miss a key with this name that another run created",
                    minted.name, minted.id
                ));
                return Ok(found.into());
            }
        }
    }

    /// Returns true if the key is locked or expired. Reads the key again, because the response to the reset request may omit whether the key is
    /// locked and when it expires.
    async fn may_not_sign_in(&self, minted: &Minted) -> bool {
        let shown = self.access.signed_in.api_key(minted.id).await;
        let now = self.access.signed_in.time();
        shown.is_ok_and(|key| key.id == minted.id && key.why_unusable(now).is_some())
    }

    /// Uses the secret once. Returns false if it is unknown whether the secret works.
    async fn works(&self, minted: &Minted) -> Result<bool, Objection> {
        let secret = minted.secret.secret.clone();
        let header = key_header(self.access.target, &secret);
        let manager = self
            .access
            .target
            .manager(self.access.context)
            .map_err(|error| (ErrorKind::Undelivered, error.to_string()))?;
        match try_key(&manager.with(Credentials::ApiKey { secret, header })).await {
            Tried::Works(Some(key)) if key.id != minted.id => Err((
                ErrorKind::Undelivered,
                format!("the new secret belongs to a different key (ID {})", key.id),
            )
                .into()),
            Tried::Works(_) => Ok(true),
            Tried::Refused(error) => {
                if !self.verify && self.may_not_sign_in(minted).await {
                    return Ok(false);
                }
                Err(Objection::Refused(format!(
                    "the manager rejected the new secret: {error}"
                )))
            }
            // The response to an earlier reset request was lost. The manager may have processed the earlier request after the newer request. In this
            // case, the new secret is invalid.
            Tried::Unproven(error) if minted.uncertain && !is_about_a_right(&error) => {
                Err(Objection::Doubtful(format!(
                    "could not check whether the new secret works, so it was not delivered: {error}"
                )))
            }
            Tried::Unproven(error) => {
                let message = format!("could not check whether the new secret works: {error}");
                if self.verify || minted.uncertain {
                    // The warning is printed even with `--quiet`, because the exit code 0 would suggest that the secret works.
                    self.access.context.output.insist(&message);
                } else {
                    log::info!("{message}");
                }
                Ok(false)
            }
        }
    }
}

/// Returns true if the error proves that the secret works: the manager accepted the secret, and rejected the request for a different reason. A rate
/// limit, a server error or a proxy response proves nothing.
fn is_about_a_right(error: &ManagerError) -> bool {
    error.is_from_manager()
        && match error.cause() {
            Cause::Forbidden | Cause::NotFound => true,
            Cause::Rejected(status) => (400..500).contains(status),
            _ => false,
        }
}

/// Returns the IDs of the keys in `found` that are duplicates of the new key. A duplicate was created by the same create request as the new key. If a
/// user copied this run's marker to a different key, that key is not a duplicate.
///
/// # Errors
/// Returns an [`Objection`] if a different key has this run's marker, but the new key lacks the marker. The secret must not be delivered in this
/// case.
fn duplicates(minted: &Minted, record: &Record, found: &[ApiKey]) -> Result<Vec<i64>, Objection> {
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
            "the manager responded with the key with ID {}, but this run seems to have created the key with ID {}; no secret was delivered, and no \
             key was deleted",
            minted.id, other.id
        )));
    }
    let duplicates = found
        .iter()
        .filter(|key| is_other(key) && is_duplicate_of_answer(made, key));
    Ok(duplicates.map(|key| key.id).collect())
}

/// Returns true if the key is locked or expired. The manager rejects a locked or expired key even if the secret is correct.
fn is_idle(active: Option<bool>, expiry_date: Option<i64>, signed_in: &SignedIn) -> bool {
    let now = signed_in.time().timestamp_millis();
    active == Some(false) || expiry_date.is_some_and(|end| end <= now)
}

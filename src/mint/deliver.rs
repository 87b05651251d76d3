//! From minted to delivered: what may stand against it, and the delivery itself.

use super::poll::Poll;
use crate::auth::sign_in;
use crate::delivery::{Payload, Sink};
use crate::error::{Error, ErrorKind};
use crate::journal::{self, Record, Stage, Work};
use crate::manager::{ApiKey, Cause, Credentials, ManagerError, SignedIn};
use crate::process::signals::Signals;

use super::ownership::{is_ours, is_twin_of_answer};
use super::{Delivered, Failure, Minted, RunRecord, Transaction, Tried, delete_confirmed, try_key};

/// So many new secrets take the place of one that a lost request killed.
const MOST_RESETS: usize = 2;

/// What stands against delivering.
enum Objection {
    /// The manager does not accept the secret.
    Refused(String),
    /// A lost request may have ended the secret, and nothing shows that it works.
    Doubtful(String),
    /// The answer is about another key than the one that this run made.
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
    /// From minted to delivered. Until a sink has the secret, every way out undoes the key.
    pub(super) async fn deliver(
        &mut self,
        mut minted: Minted,
        recorded: &mut RunRecord,
    ) -> Result<Delivered, Failure> {
        let mut checked = self.check(&minted, recorded.parts().0).await;
        for _ in 0..MOST_RESETS {
            if !minted.uncertain || !matches!(checked, Err(Objection::Refused(_))) {
                break;
            }
            log::warn!("a request that was lost was worked on late; making another secret");
            minted.secret.settled.set(true);
            minted = self.reset(minted.id, recorded.parts().0).await?;
            minted.uncertain = true;
            checked = self.check(&minted, recorded.parts().0).await;
        }
        let checked = match checked {
            Ok(()) => self.deliver_to_sinks(&minted, recorded).await,
            Err(Objection::Refused(failure)) if recorded.parts().0.work == Work::Rekey => {
                minted.secret.settled.set(true);
                return Err(superseded(&minted, recorded, &failure));
            }
            Err(Objection::Exchanged(failure)) => return Err(left_open(&minted, failure)),
            // What recovers deletes nothing for a manager that is busy.
            Err(Objection::Doubtful(failure)) if self.recovering => {
                return Err(left_open(&minted, failure));
            }
            Err(Objection::Refused(failure) | Objection::Doubtful(failure)) => {
                Err((ErrorKind::Undelivered, failure))
            }
            Err(Objection::Other(kind, failure)) => Err((kind, failure)),
        };
        minted.secret.settled.set(true);
        let Err((kind, failure)) = checked else {
            return Ok(Delivered {
                id: minted.id,
                fields: minted.fields,
                expiry_date: minted.expiry_date,
            });
        };
        match self.undo(minted.id, recorded.parts().0, &failure).await {
            Failure::RolledBack(error) if kind == ErrorKind::Attention => {
                Err(Failure::Unresolved(error))
            }
            // What the key is gone for decides, not that it is gone.
            Failure::RolledBack(_) if kind != ErrorKind::Undelivered => {
                let message = format!(
                    "{failure}; the key `{}` (ID {}) was deleted again",
                    minted.name, minted.id
                );
                Err(Failure::RolledBack(
                    Error::new(kind, message).key(minted.id),
                ))
            }
            end => Err(end),
        }
    }

    /// The record says that the secret may be in use before a sink has it, and that it is delivered after all have it: `recover` is not
    /// to kill it then.
    async fn deliver_to_sinks(
        &mut self,
        minted: &Minted,
        recorded: &mut RunRecord,
    ) -> Result<(), (ErrorKind, String)> {
        if let Err(error) = recorded.mark(Stage::Delivering) {
            let failure = format!(
                "the record of this run in {} could not be brought up to date: {error}",
                journal::place()
            );
            return Err((ErrorKind::Undelivered, failure));
        }
        let next_step = recorded.next_step_in_use(minted.id);
        if let Some(pending) = &self.pending {
            pending.set_next_step(next_step);
        }
        let payload = Payload {
            secret: &minted.secret.secret,
            fields: &minted.fields,
            meta: self.meta,
        };
        // A key that existed before has lost its old secret: no signal keeps the new one from its place.
        let deaf = Signals::default();
        let signals = if recorded.parts().0.work == Work::Rekey {
            &deaf
        } else {
            &self.context.signals
        };
        let delivered = deliver(&mut self.prepared.sinks, &payload, signals).await;
        let stage = match &delivered {
            Ok(()) => Stage::Delivered,
            Err(failure) if failure.all_withdrawn => Stage::Begun,
            Err(_) => Stage::Delivering,
        };
        if stage == Stage::Begun
            && let Some(pending) = &self.pending
        {
            pending.clear_next_step();
        }
        if let Err(error) = recorded.mark(stage) {
            log::info!("the record of this run could not be brought up to date: {error}");
        }
        // A command that takes the secret ends early when a signal comes.
        let kind = signals
            .received()
            .map_or(ErrorKind::Undelivered, ErrorKind::Interrupted);
        delivered.map_err(|failure| (kind, failure.message))
    }

    /// Everything that may stand against delivering: a signal, another key of the name, a secret that does not work.
    async fn check(&self, minted: &Minted, record: &Record) -> Result<(), Objection> {
        // A key that existed before has lost its old secret already: it is finished, not left.
        if record.work == Work::Create {
            self.stands_alone(minted, record).await?;
        }
        // Another run may have given a key that existed before a newer secret, and so may a request of this run whose answer was lost.
        let in_doubt = minted.uncertain || record.work == Work::Rekey;
        let idle = is_idle(minted.active, minted.expiry_date, self.signed_in);
        if self.verify || in_doubt && !idle {
            self.works(minted).await?;
        }
        match self.context.signals.received() {
            Some(signal) if record.work == Work::Create => {
                Err((ErrorKind::Interrupted(signal), "interrupted".to_owned()).into())
            }
            _ => Ok(()),
        }
    }

    /// The rule of the module's documentation: the lowest ID of a name stays. Twins go in any case.
    async fn stands_alone(&self, minted: &Minted, record: &Record) -> Result<(), Objection> {
        if !record.unique && !self.verify && !self.recovering {
            return Ok(());
        }
        let found = match self.shown_beside(minted).await {
            Ok(found) => found,
            Err(error) if record.unique => {
                let what = "whether the name is borne by one key alone could not be seen";
                return Err((ErrorKind::Undelivered, format!("{what}: {error}")).into());
            }
            Err(error) => {
                log::info!("whether a request was worked on twice could not be seen: {error}");
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
        // What a run was delivering had been alone.
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

    /// The keys that bear the name which the manager gave to this one, as soon as this one is among them: a search that lags shows then what
    /// was created before it.
    async fn shown_beside(&self, minted: &Minted) -> Result<Vec<ApiKey>, ManagerError> {
        let mut poll = Poll::new(self.context.settings.settle_timeout);
        loop {
            let found = self.signed_in.api_keys_named(&minted.name).await?;
            let shown = found.iter().any(|key| key.id == minted.id);
            if shown || self.context.signals.received().is_some() {
                return Ok(found);
            }
            if !poll.wait().await {
                self.context.output.warn(&format!(
                    "the manager's search does not show the new key `{}` (ID {}), so whether another run made one of this name is not known",
                    minted.name, minted.id
                ));
                return Ok(found);
            }
        }
    }

    /// Whether the manager shows that the key is locked or expired, which its answer to the new secret may have left out.
    async fn may_not_sign_in(&self, minted: &Minted) -> bool {
        let shown = self.signed_in.api_key(minted.id).await;
        shown.is_ok_and(|key| {
            key.id == minted.id && is_idle(key.active(), key.expiry_date(), self.signed_in)
        })
    }

    async fn works(&self, minted: &Minted) -> Result<(), Objection> {
        let secret = minted.secret.secret.clone();
        let header = sign_in::key_header(self.context, &secret);
        let manager = self
            .context
            .manager()
            .map_err(|error| (ErrorKind::Undelivered, error.to_string()))?;
        match try_key(&manager.with(Credentials::ApiKey { secret, header })).await {
            Tried::Works(Some(key)) if key.id != minted.id => Err((
                ErrorKind::Undelivered,
                format!(
                    "the new secret is that of another key, with the ID {}",
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
            // Nothing tells whether a request that was lost has killed the secret.
            Tried::Unproven(error) if minted.uncertain && !is_about_a_right(&error) => {
                Err(Objection::Doubtful(format!(
                    "whether the new secret works could not be seen, so it was not delivered: {error}"
                )))
            }
            Tried::Unproven(error) => {
                let message = format!("that the new secret works could not be proven: {error}");
                if self.verify || minted.uncertain {
                    self.context.output.warn(&message);
                } else {
                    log::info!("{message}");
                }
                Ok(())
            }
        }
    }
}

/// The record stays, and the key as well.
fn left_open(minted: &Minted, failure: String) -> Failure {
    minted.secret.settled.set(true);
    Failure::Unresolved(Error::new(ErrorKind::Attention, failure).key(minted.id))
}

/// Whether the manager refused something to a key, as it does after it has accepted its secret. A limit, a failure of the manager, and what
/// comes from something in between say nothing about the secret.
fn is_about_a_right(error: &ManagerError) -> bool {
    error.is_from_manager()
        && match error.cause() {
            Cause::Forbidden | Cause::NotFound => true,
            Cause::Rejected(status) => (400..500).contains(status),
            _ => false,
        }
}

/// The IDs of what the request that made this key made beside it, of keys that one search showed. A key with our mark that is no twin has
/// the description of ours, as somebody has copied it; it stays.
///
/// # Errors
/// Returns an objection if the other one bears our mark, and this one does not.
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
            "the manager's answer is about the key with the ID {}, and the one with the ID {} bears the mark of this run: no secret is delivered, \
             and nothing is deleted",
            minted.id, other.id
        )));
    }
    let twins = found
        .iter()
        .filter(|key| is_other(key) && is_twin_of_answer(made, key));
    Ok(twins.map(|key| key.id).collect())
}

/// Whether a key is known to be locked or expired: it is refused whatever its secret.
fn is_idle(active: Option<bool>, expiry_date: Option<i64>, signed_in: &SignedIn) -> bool {
    let now = signed_in.time().timestamp_millis();
    active == Some(false) || expiry_date.is_some_and(|end| end <= now)
}

/// The key existed before, the manager answered, and does not accept its answer's secret: another run has given the key a newer one, on
/// another machine. That one may be in use, so `recover` is not to kill it without being asked.
fn superseded(minted: &Minted, recorded: &mut RunRecord, failure: &str) -> Failure {
    if let Err(error) = recorded.mark(Stage::Delivering) {
        log::info!("the record of this run could not be brought up to date: {error}");
    }
    let message = format!(
        "{failure}; another run may have given the key `{}` (ID {}) a newer one, and this one was not delivered",
        minted.name, minted.id
    );
    Failure::Unresolved(Error::new(ErrorKind::Attention, message).key(minted.id))
}

/// Why a secret was not delivered.
struct Undelivered {
    message: String,
    /// No sink has it.
    all_withdrawn: bool,
}

/// Delivers to all sinks, or to none: where one fails, the earlier ones are withdrawn, and named where that cannot be done.
async fn deliver(
    sinks: &mut [Box<dyn Sink>],
    payload: &Payload<'_>,
    signals: &Signals,
) -> Result<(), Undelivered> {
    for index in 0..sinks.len() {
        let Err(reason) = sinks[index].deliver(payload, signals).await else {
            continue;
        };
        let mut message = format!(
            "the secret could not be delivered to {}: {reason}",
            sinks[index].place()
        );
        let mut all_withdrawn = true;
        for sink in sinks[..index].iter_mut().rev() {
            if let Err(reason) = sink.withdraw().await {
                all_withdrawn = false;
                message.push_str(&format!(
                    "; {} was written before and not withdrawn: {reason}",
                    sink.place()
                ));
            }
        }
        return Err(Undelivered {
            message,
            all_withdrawn,
        });
    }
    for sink in sinks {
        sink.settle();
    }
    Ok(())
}

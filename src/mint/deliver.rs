//! Delivery of a secret to all sinks, or to none.

use super::delivery_check::Objection;
use super::record::RunRecord;
use super::state::{Delivered, Failure, Minted, Transaction};
use crate::delivery::{Payload, Sink};
use crate::error::{Error, ErrorKind};
use crate::journal::{self, Stage, Work};
use crate::process::signals::Signals;

/// So many new secrets take the place of one that a lost request killed.
const MOST_RESETS: usize = 2;

impl Transaction<'_> {
    /// From minted to delivered. Until a sink has the secret, every way out undoes the key.
    pub(super) async fn deliver(
        &mut self,
        mut minted: Minted,
        recorded: &mut RunRecord,
    ) -> Result<Delivered, Failure> {
        let mut checked = self.check(&minted, recorded.record()).await;
        for _ in 0..MOST_RESETS {
            if !minted.uncertain || !matches!(checked, Err(Objection::Refused(_))) {
                break;
            }
            log::warn!("a request that was lost was worked on late; making another secret");
            minted.secret.settled.set(true);
            minted = self.request_secret(minted.id, recorded.record()).await?;
            minted.uncertain = true;
            checked = self.check(&minted, recorded.record()).await;
        }
        let checked = match checked {
            Ok(()) => self.deliver_to_sinks(&minted, recorded).await,
            Err(Objection::Refused(failure)) if recorded.record().work == Work::Rekey => {
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
        match self.undo(minted.id, recorded.record(), &failure).await {
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
        let signals = if recorded.record().work == Work::Rekey {
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
}

/// The record stays, and the key as well.
fn left_open(minted: &Minted, failure: String) -> Failure {
    minted.secret.settled.set(true);
    Failure::Unresolved(Error::new(ErrorKind::Attention, failure).key(minted.id))
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

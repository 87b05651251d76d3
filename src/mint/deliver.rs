//! Delivery of a secret to all sinks, or to none.

use super::delivery_check::Objection;
use super::record::RunRecord;
use super::state::{Delivered, Failure, Minted, Transaction};
use crate::delivery::{Payload, Sink};
use crate::error::{Error, ErrorKind};
use crate::journal::{self, Stage, Work};
use crate::process::signals::Signals;

/// How many times a secret is replaced after a lost request has invalidated it.
const MOST_RESETS: usize = 2;

impl Transaction<'_> {
    /// Delivers the secret. If a check or a sink fails and no sink has the secret, the key is deleted.
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
            log::warn!("a lost request was processed late; creating another secret");
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
            // `recover` does not delete a key because the manager is busy.
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
            // The exit code reports why the key was deleted.
            Failure::RolledBack(_) if kind != ErrorKind::Undelivered => {
                let message = format!(
                    "{failure}; the key `{}` (ID {}) was deleted",
                    minted.name, minted.id
                );
                Err(Failure::RolledBack(
                    Error::new(kind, message).key(minted.id),
                ))
            }
            end => Err(end),
        }
    }

    /// Marks the record as `delivering` before a sink gets the secret, and as `delivered` after all sinks have it. `recover` does
    /// not invalidate such a secret unless the user asks for it.
    async fn deliver_to_sinks(
        &mut self,
        minted: &Minted,
        recorded: &mut RunRecord,
    ) -> Result<(), (ErrorKind, String)> {
        if let Err(error) = recorded.mark(Stage::Delivering) {
            let failure = format!(
                "could not update the record of this run in {}: {error}",
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
        // The old secret of an existing key is already invalid, so a signal does not stop the delivery of the new one.
        let deaf = Signals::default();
        let signals = if recorded.record().work == Work::Rekey {
            &deaf
        } else {
            &self.access.context.signals
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
            log::info!("could not update the record of this run: {error}");
        }
        // A command that receives the secret exits early on a signal.
        let kind = signals
            .received()
            .map_or(ErrorKind::Undelivered, ErrorKind::Interrupted);
        delivered.map_err(|failure| (kind, failure.message))
    }
}

/// Returns a failure that keeps the record and the key.
fn left_open(minted: &Minted, failure: String) -> Failure {
    minted.secret.settled.set(true);
    Failure::Unresolved(Error::new(ErrorKind::Attention, failure).key(minted.id))
}

/// Returns the failure for a secret that the manager does not accept although it has just created it for an existing key. A run
/// on another machine has created a newer secret, which may be in use. So `recover` does not replace it unless the user asks for
/// it.
fn superseded(minted: &Minted, recorded: &mut RunRecord, failure: &str) -> Failure {
    if let Err(error) = recorded.mark(Stage::Delivering) {
        log::info!("could not update the record of this run: {error}");
    }
    let message = format!(
        "{failure}; another run may have created a newer secret for the key `{}` (ID {}), so this one was not delivered",
        minted.name, minted.id
    );
    Failure::Unresolved(Error::new(ErrorKind::Attention, message).key(minted.id))
}

/// Why a secret was not delivered.
struct Undelivered {
    message: String,
    /// All sinks withdrew the secret.
    all_withdrawn: bool,
}

/// Delivers to all sinks or to none. If a sink fails, the earlier ones withdraw the secret, and the message names those that
/// could not.
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
            "could not deliver the secret to {}: {reason}",
            sinks[index].place()
        );
        let mut all_withdrawn = true;
        for sink in sinks[..index].iter_mut().rev() {
            if let Err(reason) = sink.withdraw().await {
                all_withdrawn = false;
                message.push_str(&format!(
                    "; the secret was not withdrawn from {}: {reason}",
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

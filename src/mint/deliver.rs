//! Delivers a secret to all of its destinations, or to none.

use serde_json::Value;

use super::delivery_check::Objection;
use super::record::RunRecord;
use super::state::{Delivered, Failure, Minted, Transaction};
use crate::delivery::{Payload, Sink};
use crate::error::{Error, ErrorKind};
use crate::journal::{self, Stage, Work};
use crate::process::signals::Signals;
use crate::terminal::status_line;

/// If the manager rejects the new secret, the run creates another secret, at most this number of times. The new secret becomes invalid if the manager
/// processes an earlier reset request late.
const MOST_RESETS: usize = 2;

impl Transaction<'_> {
    /// Delivers the secret. If a check or a delivery fails and no destination has the secret, the key is deleted.
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
            log::warn!(
                "the new secret does not work, perhaps because the manager processed an earlier request late; creating another secret"
            );
            minted.secret.settled.set(true);
            minted = self
                .request_secret(minted.id, recorded.record(), true)
                .await?;
            checked = self.check(&minted, recorded.record()).await;
        }
        let checked = match checked {
            Ok(verified) => self.deliver_to_sinks(&minted, verified, recorded).await,
            Err(Objection::Refused(failure)) if recorded.record().work == Work::Rekey => {
                minted.secret.settled.set(true);
                return Err(superseded(&minted, recorded, &failure));
            }
            Err(Objection::Exchanged(failure)) => return Err(left_open(&minted, failure)),
            // The check has no result, for example because the manager is busy. The secret may still be valid, so a recovery does not delete the key.
            Err(Objection::Doubtful(failure)) if self.recovering => {
                return Err(left_open(&minted, failure));
            }
            Err(Objection::Refused(failure) | Objection::Doubtful(failure)) => {
                Err((ErrorKind::Undelivered, failure))
            }
            Err(Objection::Other(kind, failure)) => Err((kind, failure)),
        };
        minted.secret.settled.set(true);
        let (kind, failure) = match checked {
            Ok(meta) => return Ok(minted.delivered(meta)),
            Err(failure) => failure,
        };
        match self.undo(minted.id, recorded.record(), &failure).await {
            Failure::RolledBack(error) if kind == ErrorKind::Attention => {
                Err(Failure::Unresolved(error))
            }
            // The error has the same kind as the failure that led to the deletion.
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

    /// Delivers the secret to all destinations. The record's stage is set to `delivering` before the first delivery, and to `delivered` after the
    /// last delivery. In the stages `delivering` and `delivered`, `recover` invalidates the secret only if the user requests it.
    ///
    /// Returns the `meta` object of the JSON output. `verified` is true if the secret was used and works.
    async fn deliver_to_sinks(
        &mut self,
        minted: &Minted,
        verified: bool,
        recorded: &mut RunRecord,
    ) -> Result<Value, (ErrorKind, String)> {
        if let Err(error) = recorded.mark(Stage::Delivering) {
            let failure = format!(
                "could not update the record of this run in {}: {error}",
                journal::place()
            );
            return Err((ErrorKind::Undelivered, failure));
        }
        let next_step = recorded.next_step_in_use(minted.id, self.access.context);
        if let Some(pending) = &self.pending {
            pending.set_next_step(next_step);
        }
        let mut meta = (self.meta_of)(&minted.fields);
        if self.verify {
            meta["verified"] = verified.then_some(true).into();
        }
        let payload = Payload {
            secret: &minted.secret.secret,
            fields: &minted.fields,
            meta: &meta,
        };
        // If the key existed before this run, its old secret is already invalid. So a signal does not stop the delivery of the new secret.
        let deaf = Signals::default();
        let signals = if recorded.record().work == Work::Rekey || self.delivers_after_signal {
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
        // A signal also ends the command of `--deliver-cmd`. So if a signal was received, a failed delivery is reported as an interruption.
        let kind = signals
            .received()
            .map_or(ErrorKind::Undelivered, ErrorKind::Interrupted);
        delivered
            .map(|()| meta)
            .map_err(|failure| (kind, failure.message))
    }
}

/// Returns a failure. After this failure, the record stays on disk and the key stays on the manager.
fn left_open(minted: &Minted, failure: String) -> Failure {
    minted.secret.settled.set(true);
    Failure::Unresolved(Error::new(ErrorKind::Attention, failure).key(minted.id))
}

/// Returns the failure for an existing key whose new secret the manager rejects. A run on a different machine may have created a newer secret for the
/// key, and the newer secret may be in use. So this function sets the record's stage to `delivering`. In this stage, `recover` replaces the secret
/// only if the user requests it.
fn superseded(minted: &Minted, recorded: &mut RunRecord, failure: &str) -> Failure {
    if let Err(error) = recorded.mark(Stage::Delivering) {
        log::info!("could not update the record of this run: {error}");
    }
    let message = format!(
        "{failure}; another run may have created a newer secret for the key `{}` (ID {}), so the secret of this run was not delivered",
        minted.name, minted.id
    );
    Failure::Unresolved(Error::new(ErrorKind::Attention, message).key(minted.id))
}

/// A failed delivery.
struct Undelivered {
    message: String,
    /// True if the secret was withdrawn from all destinations that had received it.
    all_withdrawn: bool,
}

/// Delivers to all destinations or to none. If a delivery fails, the secret is withdrawn from the destinations that already have it. The
/// error names the destinations from which the secret could not be withdrawn.
async fn deliver(
    sinks: &mut [Box<dyn Sink>],
    payload: &Payload<'_>,
    signals: &Signals,
) -> Result<(), Undelivered> {
    // The progress line is hidden during the delivery, because the secret may be printed on the terminal, and because a command that receives the
    // secret may use the terminal.
    let _hold = status_line::hold();
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

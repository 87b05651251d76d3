//! Sends the reset request, which creates a new secret for a key, and determines its outcome.

use super::reconcile::{self, ResetOutcome};
use super::state::{Failure, Minted, Transaction};
use crate::auth::key_check::{Tried, try_key};
use crate::error::{Error, ErrorKind, Signal};
use crate::journal::{Record, Work};
use crate::manager::{Cause, ManagerError};

impl Transaction<'_> {
    /// Sends the reset request, and returns the key with its new secret. `uncertain` is true if an earlier reset request may have created a secret.
    pub(super) async fn request_secret(
        &self,
        id: i64,
        record: &Record,
        uncertain: bool,
    ) -> Result<Minted, Failure> {
        let wait = self.access.target.settle_timeout;
        // If this run continues an interrupted run, the manager may still process a reset request of the interrupted run.
        let uncertain = uncertain || self.recovering;
        let signals = &self.access.context.signals;
        let outcome =
            reconcile::of_reset(self.access.signed_in, record, id, wait, uncertain, signals).await;
        let failure = match outcome {
            ResetOutcome::Made { key, uncertain } => {
                let minted = self.accept(*key, record).await?;
                return Ok(Minted {
                    uncertain,
                    ..minted
                });
            }
            ResetOutcome::Refused(error) if *error.cause() == Cause::NotFound => {
                return Err(Failure::RolledBack(Error::from(error).key(id)));
            }
            // A run may reset the secret of the API key that authenticates the run. If this request arrives twice, the first copy invalidates the
            // secret, and the manager rejects the second copy. So a rejection does not show that the old secret still works.
            ResetOutcome::Refused(error)
                if record.work == Work::Rekey && !self.still_signs(&error).await =>
            {
                error.to_string()
            }
            // The manager rejected the reset request, so the old secret of the existing key still works.
            ResetOutcome::Refused(error) if record.work == Work::Rekey => {
                return Err(Failure::RolledBack(Error::from(error).key(id)));
            }
            ResetOutcome::Interrupted(signal) => {
                return Err(self.undo_interrupted(id, record, signal).await);
            }
            ResetOutcome::Refused(error) => error.to_string(),
            ResetOutcome::Unknown(why) => why,
        };
        if self.recovering {
            // This run finishes the work of an interrupted run. The user decides whether to delete the key, so it is not deleted here.
            let message = format!(
                "could not create a new secret for the key `{}` (ID {id}): {failure}",
                record.key_name
            );
            return Err(Failure::Unresolved(
                Error::new(ErrorKind::Attention, message).key(id),
            ));
        }
        Err(self.undo(id, record, &failure).await)
    }

    /// Deletes a new key whose secret was lost, because a signal arrived before the manager processed the reset request.
    async fn undo_interrupted(&self, id: i64, record: &Record, signal: Signal) -> Failure {
        match self.undo(id, record, "interrupted").await {
            Failure::RolledBack(error) => Failure::RolledBack(
                Error::new(ErrorKind::Interrupted(signal), error.to_string()).key(id),
            ),
            failure => failure,
        }
    }

    /// Returns true if this run's credential still works after a rejected reset request. If `refused` says that the API key was rejected, the API key
    /// is not sent again.
    async fn still_signs(&self, refused: &ManagerError) -> bool {
        if self.access.signed_in.session().is_some() {
            return true;
        }
        *refused.cause() != Cause::Unauthorized
            && match try_key(self.access.signed_in).await {
                Tried::Works(_) => true,
                Tried::Refused(_) => false,
                Tried::Unproven(error) => error.is_from_manager(),
            }
    }
}

//! Sends the reset request, which creates a new secret for a key, and determines its outcome.

use super::reconcile::{self, ResetOutcome};
use super::state::{Failure, Minted, Transaction};
use crate::auth::key_check::{Tried, try_key};
use crate::error::{Error, ErrorKind};
use crate::journal::{Record, Work};
use crate::manager::{Cause, ManagerError};

impl Transaction<'_> {
    /// Sends the reset request, and returns the key with its new secret.
    pub(super) async fn request_secret(&self, id: i64, record: &Record) -> Result<Minted, Failure> {
        let wait = self.access.target.settle_timeout;
        // If this run continues an interrupted run, a reset request of the interrupted run may still be in flight.
        let uncertain = self.recovering;
        let failure =
            match reconcile::of_reset(self.access.signed_in, record, id, wait, uncertain).await {
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

    /// Returns true if the manager still accepts this run's credential after it has rejected a reset request. If the manager rejected the
    /// credential itself, the credential is not sent again.
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

//! The request for a new secret of a key, and what became of it.

use super::reconcile::{self, ResetOutcome};
use super::state::{Failure, Minted, Transaction};
use crate::auth::key_check::{Tried, try_key};
use crate::error::{Error, ErrorKind};
use crate::journal::{Record, Work};
use crate::manager::{Cause, ManagerError};

impl Transaction<'_> {
    /// Asks the manager for a new secret, and finds out what became of the request.
    pub(super) async fn request_secret(&self, id: i64, record: &Record) -> Result<Minted, Failure> {
        let wait = self.access.target.settle_timeout;
        // The interrupted run may have made a secret that was not delivered.
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
                // The key itself may have signed the request. Then a request that arrived twice succeeded, and the second copy found
                // the old secret invalid.
                ResetOutcome::Refused(error)
                    if record.work == Work::Rekey && !self.still_signs(&error).await =>
                {
                    error.to_string()
                }
                // The old secret of a key that existed before still works.
                ResetOutcome::Refused(error) if record.work == Work::Rekey => {
                    return Err(Failure::RolledBack(Error::from(error).key(id)));
                }
                ResetOutcome::Refused(error) => error.to_string(),
                ResetOutcome::Unknown(why) => why,
            };
        if self.recovering {
            // A recovery that fails deletes nothing unless it was told to.
            let message = format!(
                "the key `{}` (ID {id}) got no new secret: {failure}",
                record.key_name
            );
            return Err(Failure::Unresolved(
                Error::new(ErrorKind::Attention, message).key(id),
            ));
        }
        Err(self.undo(id, record, &failure).await)
    }

    /// Returns whether the credentials of this run are still accepted after a refused reset. A secret that was refused is not
    /// tried again.
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

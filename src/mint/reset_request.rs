//! The request for a new secret of a key, and its outcome.

use super::reconcile::{self, ResetOutcome};
use super::state::{Failure, Minted, Transaction};
use crate::auth::key_check::{Tried, try_key};
use crate::error::{Error, ErrorKind};
use crate::journal::{Record, Work};
use crate::manager::{Cause, ManagerError};

impl Transaction<'_> {
    /// Sends the request, and returns when its outcome is known.
    pub(super) async fn request_secret(&self, id: i64, record: &Record) -> Result<Minted, Failure> {
        let wait = self.access.target.settle_timeout;
        // The interrupted run may have created a secret that was not delivered.
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
                // The key itself may have signed the request. If the request arrived twice, the first copy invalidated the secret
                // that the second copy was signed with.
                ResetOutcome::Refused(error)
                    if record.work == Work::Rekey && !self.still_signs(&error).await =>
                {
                    error.to_string()
                }
                // The old secret of an existing key still works.
                ResetOutcome::Refused(error) if record.work == Work::Rekey => {
                    return Err(Failure::RolledBack(Error::from(error).key(id)));
                }
                ResetOutcome::Refused(error) => error.to_string(),
                ResetOutcome::Unknown(why) => why,
            };
        if self.recovering {
            // A failed `recover` deletes nothing unless the user asks for it.
            let message = format!(
                "the key `{}` (ID {id}) did not get a new secret: {failure}",
                record.key_name
            );
            return Err(Failure::Unresolved(
                Error::new(ErrorKind::Attention, message).key(id),
            ));
        }
        Err(self.undo(id, record, &failure).await)
    }

    /// Returns true if the manager still accepts the credentials of this run after it rejected a reset. A rejected secret is not
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

//! Asking for a new secret of a key, and what became of that.

use super::reconcile::{self, Reset};
use super::state::{Failure, Minted, Transaction};
use crate::auth::key_check::{Tried, try_key};
use crate::error::{Error, ErrorKind};
use crate::journal::{Record, Work};
use crate::manager::{Cause, ManagerError};

impl Transaction<'_> {
    /// Gives the key a new secret, until the answer to that is here.
    pub(super) async fn request_secret(&self, id: i64, record: &Record) -> Result<Minted, Failure> {
        let wait = self.context.settings.settle_timeout;
        // The run that left a record may have made a secret that nobody has.
        let uncertain = self.recovering;
        let failure = match reconcile::of_reset(self.signed_in, record, id, wait, uncertain).await {
            Reset::Made { key, uncertain } => {
                let minted = self.accept(*key, record).await?;
                return Ok(Minted {
                    uncertain,
                    ..minted
                });
            }
            Reset::Refused(error) if *error.cause() == Cause::NotFound => {
                return Err(Failure::RolledBack(Error::from(error).key(id)));
            }
            // What signs may be the key itself: then a request that came in twice was done, and the second found the secret dead.
            Reset::Refused(error)
                if record.work == Work::Rekey && !self.still_signs(&error).await =>
            {
                error.to_string()
            }
            // The old secret of a key that existed before still works.
            Reset::Refused(error) if record.work == Work::Rekey => {
                return Err(Failure::RolledBack(Error::from(error).key(id)));
            }
            Reset::Refused(error) => error.to_string(),
            Reset::Unknown(why) => why,
        };
        if self.recovering {
            // What recovers nothing deletes nothing that it was not told to.
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

    /// Whether what signs the calls is accepted after it was refused a new secret for a key. A secret that was refused is not tried again.
    async fn still_signs(&self, refused: &ManagerError) -> bool {
        if self.signed_in.session().is_some() {
            return true;
        }
        *refused.cause() != Cause::Unauthorized
            && match try_key(self.signed_in).await {
                Tried::Works(_) => true,
                Tried::Refused(_) => false,
                Tried::Unproven(error) => error.is_from_manager(),
            }
    }
}

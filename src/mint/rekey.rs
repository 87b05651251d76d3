//! New secrets for keys that exist: alone with the key, and until it is known what became of the request.

use super::reconcile;
use super::reconcile::Reset;
use super::{
    Delivered, Failure, Minted, RunRecord, Transaction, Tried, other_runs, pending_hint, try_key,
};
use crate::error::{Error, ErrorKind};
use crate::journal::{self, Entry, Record, Work};
use crate::manager::{ApiKey, Cause, ManagerError};
use crate::process::pending::PendingWork;

impl Transaction<'_> {
    /// Gives a key that exists a new secret and delivers that.
    ///
    /// # Errors
    /// After each the record says whether the old secret may be dead.
    pub(crate) async fn rekey(self, key: &ApiKey, record: Record) -> Result<Delivered, Error> {
        let context = self.context;
        let recorded = RunRecord::put(record, context)?;
        let recorded = self.alone(key, recorded)?;
        let (delivered, recorded) = self.rekey_recorded(key.id, recorded).await?;
        recorded.settle(context);
        Ok(delivered)
    }

    /// Looks for other runs at work on the key, now that they see this one, and takes over what earlier ones left. Of several that look
    /// at once all but the last see another and go.
    fn alone(&self, key: &ApiKey, mut recorded: RunRecord) -> Result<RunRecord, Error> {
        let turn = journal::turn();
        match other_runs::take_over(key.id, Some(key), recorded.parts().0, self.signed_in) {
            Ok(older) => recorded.supersede(older),
            Err(error) => {
                recorded.withdraw(self.context);
                return Err(error);
            }
        }
        drop(turn);
        Ok(recorded)
    }

    /// The same for a key whose record a run left. The record stays.
    pub(crate) async fn finish(
        self,
        id: i64,
        entry: Entry,
    ) -> Result<(Delivered, RunRecord), Error> {
        let older = other_runs::take_over(id, None, &entry.record, self.signed_in)?;
        let mut recorded = RunRecord::kept(entry);
        recorded.supersede(older);
        self.rekey_recorded(id, recorded).await
    }

    async fn rekey_recorded(
        mut self,
        id: i64,
        mut recorded: RunRecord,
    ) -> Result<(Delivered, RunRecord), Error> {
        let (record, kept) = recorded.parts();
        let what = format!(
            "the key `{}` (ID {id}) may have a new secret that nobody has",
            record.key_name
        );
        let hint = if kept {
            pending_hint(true)
        } else {
            recorded.next_step()
        };
        let work = PendingWork::secret(what, Some(id), hint);
        self.pending = Some(self.context.pending.add(work));
        let result = match self.reset(id, record).await {
            Ok(minted) => self.deliver(minted, &mut recorded).await,
            Err(end) => Err(end),
        };
        self.close(recorded, result).await
    }

    /// Gives the key a new secret, until the answer to that is here.
    pub(super) async fn reset(&self, id: i64, record: &Record) -> Result<Minted, Failure> {
        let wait = self.context.settings.settle_timeout;
        // The run that left a record may have made a secret that nobody has.
        let uncertain = self.recovering;
        let failure = match reconcile::of_reset(self.signed_in, record, id, wait, uncertain).await {
            Reset::Made { key, uncertain } => {
                let minted = self.minted(*key, record).await?;
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

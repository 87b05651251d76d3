//! The transaction. Each method goes through the states of `docs/transaction.md` in order.

use super::other_runs;
use super::record::{RunRecord, UnusedRecord, pending_hint};
use super::rotation;
use super::state::{Delivered, Failure, Transaction};
use crate::context::Context;
use crate::error::Error;
use crate::journal::{self, Entry, Record};
use crate::manager::{ApiKey, NewApiKey};
use crate::process::pending::PendingWork;

/// Writes the record of a create while `search` asks the manager for what the create needs. If the search fails, the record is
/// removed.
///
/// # Errors
/// Returns the error of the search. Returns a usage error if no record could be written and one is required.
pub(crate) async fn record_during<T>(
    search: impl Future<Output = Result<T, Error>>,
    record: Record,
    context: &Context,
) -> Result<(T, UnusedRecord<'_>), Error> {
    let written = async { Ok(UnusedRecord::write(record, context).await) };
    let (found, written) = tokio::try_join!(search, written)?;
    Ok((found, written?))
}

impl Transaction<'_> {
    /// Creates a key and delivers its secret. `written` is the record if [`record_during`] has written it.
    ///
    /// # Errors
    /// If an error is returned, the key was deleted, or the error and the record say that it may exist.
    pub(crate) async fn create(
        self,
        key: &NewApiKey,
        record: Record,
        written: Option<UnusedRecord<'_>>,
    ) -> Result<Delivered, Error> {
        let context = self.access.context;
        // Recorded: the record is on disk, fsynced, before the request is sent.
        let written = match written {
            Some(written) => written,
            None => UnusedRecord::write(record.clone(), context).await?,
        };
        let recorded = written.begin(record)?;
        // Asked, minted, delivered.
        let (delivered, recorded) = self.create_recorded(key, recorded).await?;
        // Settled: the record is removed. The end of the session waits until that is flushed.
        recorded.settle(context);
        Ok(delivered)
    }

    /// Creates a key and delivers its secret. The work continues after that, so the caller settles the record.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub(crate) async fn create_open(
        self,
        key: &NewApiKey,
        record: Record,
    ) -> Result<(Delivered, RunRecord), Error> {
        let written = UnusedRecord::write(record.clone(), self.access.context).await?;
        let recorded = written.begin(record)?;
        self.create_recorded(key, recorded).await
    }

    /// Creates the key of an interrupted run that did not create one. The caller settles the record.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub(crate) async fn create_again(
        self,
        key: &NewApiKey,
        mut entry: Entry,
    ) -> Result<(Delivered, RunRecord), Error> {
        if let Err(error) = entry.change(Record::begin_again) {
            return Err(rotation::not_noted(&error));
        }
        self.create_recorded(key, RunRecord::written(entry)).await
    }

    /// Creates a new secret for an existing key and delivers it.
    ///
    /// # Errors
    /// If an error is returned, the record says whether the old secret may be invalid.
    pub(crate) async fn rekey(self, key: &ApiKey, record: Record) -> Result<Delivered, Error> {
        let context = self.access.context;
        // Recorded: the record is on disk, fsynced, before the request is sent.
        let written = UnusedRecord::write(record.clone(), context).await?;
        let recorded = written.begin(record)?;
        let recorded = self.exclude_other_runs(key, recorded)?;
        // Asked, minted, delivered.
        let (delivered, recorded) = self.rekey_recorded(key.id, recorded).await?;
        // Settled: the record is removed. The end of the session waits until that is flushed.
        recorded.settle(context);
        Ok(delivered)
    }

    /// Creates a new secret for the key of an interrupted run and delivers it. The caller settles the record.
    ///
    /// # Errors
    /// As [`Self::rekey`].
    pub(crate) async fn resume(
        self,
        id: i64,
        entry: Entry,
    ) -> Result<(Delivered, RunRecord), Error> {
        let older = other_runs::take_over(id, None, &entry.record, self.access.signed_in)?;
        let mut recorded = RunRecord::written(entry);
        recorded.supersede(older);
        self.rekey_recorded(id, recorded).await
    }

    async fn create_recorded(
        mut self,
        key: &NewApiKey,
        mut recorded: RunRecord,
    ) -> Result<(Delivered, RunRecord), Error> {
        let pending = PendingWork::secret(
            format!("the key `{}` may have been created", key.key_name),
            None,
            pending_hint(recorded.is_written()),
        );
        self.pending = Some(self.access.context.pending.add(pending));
        let mut minted = self.request_key(key, &mut recorded).await;
        if rotation::name_is_taken(&minted, recorded.record()) {
            minted = match self.rename_predecessor(&mut recorded).await {
                Ok(()) => self.request_key(key, &mut recorded).await,
                Err(failure) => Err(failure),
            };
        }
        let delivered = match minted {
            Ok(minted) => self.deliver(minted, &mut recorded).await,
            Err(failure) => Err(failure),
        };
        self.close(recorded, delivered).await
    }

    async fn rekey_recorded(
        mut self,
        id: i64,
        mut recorded: RunRecord,
    ) -> Result<(Delivered, RunRecord), Error> {
        let pending = PendingWork::secret(
            format!(
                "the key `{}` (ID {id}) may have a new secret that was not delivered",
                recorded.record().key_name
            ),
            Some(id),
            recorded.next_step_if_aborted(),
        );
        self.pending = Some(self.access.context.pending.add(pending));
        let delivered = match self.request_secret(id, recorded.record()).await {
            Ok(minted) => self.deliver(minted, &mut recorded).await,
            Err(failure) => Err(failure),
        };
        self.close(recorded, delivered).await
    }

    /// Checks that no other run works on the key, and takes over the records of interrupted runs. Other runs see the record of
    /// this one. Of several runs that check at once, all but the last find another run and fail.
    fn exclude_other_runs(
        &self,
        key: &ApiKey,
        mut recorded: RunRecord,
    ) -> Result<RunRecord, Error> {
        // The lock is kept until the record is removed. Otherwise another run might see this record and fail as well.
        let _turn = journal::turn();
        let own = recorded.record();
        match other_runs::take_over(key.id, Some(key), own, self.access.signed_in) {
            Ok(older) => {
                recorded.supersede(older);
                Ok(recorded)
            }
            Err(error) => {
                recorded.withdraw(self.access.context);
                Err(error)
            }
        }
    }

    /// Handles a failure. The record is removed if nothing is left of the work. Otherwise the record stays, and the error
    /// contains the next step.
    async fn close(
        &self,
        recorded: RunRecord,
        delivered: Result<Delivered, Failure>,
    ) -> Result<(Delivered, RunRecord), Error> {
        let failure = match delivered {
            Ok(delivered) => return Ok((delivered, recorded)),
            Err(Failure::RolledBack(error)) => {
                self.restore_predecessor(recorded.record(), error).await
            }
            Err(failure) => failure,
        };
        match failure {
            Failure::RolledBack(error) => {
                recorded.withdraw(self.access.context);
                Err(error)
            }
            Failure::Unresolved(error) => Err(error.hint(recorded.next_step())),
        }
    }
}

//! The methods that run a transaction. Each method goes through the states in `docs/transaction.md` in order.

use super::other_runs;
use super::record::RunRecord;
use super::rotation;
use super::state::{Delivered, Failure, Minted, Transaction};
use super::unused_record::{StartedRecord, UnusedRecord};
use crate::error::Error;
use crate::journal::{self, Entry, Record};
use crate::manager::{ApiKey, NewApiKey};
use crate::process::pending::PendingWork;

/// Runs `search` while the journal record is written to disk. `search` performs all searches before the create request. If `search` fails, the record
/// is removed.
///
/// # Errors
/// Returns the error of `search`, or a usage error if the record cannot be written and `--require-journal` is set.
pub(crate) async fn record_during<'c, T>(
    search: impl Future<Output = Result<T, Error>>,
    record: StartedRecord<'c>,
) -> Result<(T, UnusedRecord<'c>), Error> {
    let written = async { Ok(record.finish().await) };
    let (found, written) = tokio::try_join!(search, written)?;
    Ok((found, written?))
}

impl Transaction<'_> {
    /// Creates a key and delivers its secret. If `written` is `None`, this function first writes the record to disk.
    ///
    /// # Errors
    /// If the key may exist after an error, the error states this, and the record is not removed.
    pub(crate) async fn create(
        self,
        key: &NewApiKey,
        record: Record,
        written: Option<UnusedRecord<'_>>,
    ) -> Result<Delivered, Error> {
        let context = self.access.context;
        // State `recorded`: the record is on disk and fsynced before the request is sent.
        let written = match written {
            Some(written) => written,
            None => UnusedRecord::write(record.clone(), context).await?,
        };
        let recorded = written.begin(record)?;
        // States `asked`, `minted`, `delivering` and `delivered`.
        let (delivered, recorded) = self.create_recorded(key, recorded).await?;
        // State `settled`: the record is removed. The removal is flushed to disk before the run ends.
        recorded.settle(context);
        Ok(delivered)
    }

    /// Creates a key and delivers its secret. When the caller has finished its own work, it must remove the record with [`RunRecord::settle`].
    ///
    /// # Errors
    /// Returns the same errors as [`Self::create`].
    pub(crate) async fn create_open(
        self,
        key: &NewApiKey,
        record: Record,
    ) -> Result<(Delivered, RunRecord), Error> {
        let written = UnusedRecord::write(record.clone(), self.access.context).await?;
        let recorded = written.begin(record)?;
        self.create_recorded(key, recorded).await
    }

    /// Creates the key that an interrupted run did not create. The caller must remove the record with [`RunRecord::settle`].
    ///
    /// # Errors
    /// Returns the same errors as [`Self::create`].
    pub(crate) async fn create_again(
        mut self,
        key: &NewApiKey,
        mut entry: Entry,
    ) -> Result<(Delivered, RunRecord), Error> {
        if let Err(error) = entry.change(Record::begin_again) {
            return Err(rotation::not_noted(&error));
        }
        self.again = true;
        self.create_recorded(key, RunRecord::written(entry)).await
    }

    /// Creates a new secret for an existing key and delivers it.
    ///
    /// # Errors
    /// Returns the error of the failed step. If the old secret may be invalid, the error message says so, and the record is not removed.
    pub(crate) async fn rekey(self, key: &ApiKey, record: Record) -> Result<Delivered, Error> {
        let context = self.access.context;
        // State `recorded`: the record is on disk and fsynced before the request is sent.
        let written = UnusedRecord::write(record.clone(), context).await?;
        let recorded = written.begin(record)?;
        let recorded = self.exclude_other_runs(key, recorded)?;
        // States `asked`, `minted`, `delivering` and `delivered`.
        let (delivered, recorded) = self.rekey_recorded(key.id, recorded).await?;
        // State `settled`: the record is removed. The removal is flushed to disk before the run ends.
        recorded.settle(context);
        Ok(delivered)
    }

    /// Creates a new secret for the key of an interrupted run and delivers the secret. The caller must remove the record with [`RunRecord::settle`].
    ///
    /// # Errors
    /// Returns the same errors as [`Self::rekey`].
    pub(crate) async fn resume(
        self,
        id: i64,
        entry: Entry,
    ) -> Result<(Delivered, RunRecord), Error> {
        let older = other_runs::take_over(id, None, &entry.record, self.access)?;
        let mut recorded = RunRecord::written(entry);
        recorded.supersede(older);
        self.rekey_recorded(id, recorded).await
    }

    async fn create_recorded(
        mut self,
        key: &NewApiKey,
        mut recorded: RunRecord,
    ) -> Result<(Delivered, RunRecord), Error> {
        let minted = self.ask(key, &mut recorded).await;
        self.deliver_and_close(minted, recorded).await
    }

    /// Sends the create request. If the old key of a rotation has the name, renames it and repeats the request.
    pub(super) async fn ask(
        &mut self,
        key: &NewApiKey,
        recorded: &mut RunRecord,
    ) -> Result<Minted, Failure> {
        let pending = PendingWork::secret(
            format!("the key `{}` may have been created", key.key_name),
            None,
            recorded.abort_hint(),
        );
        self.pending = Some(self.access.context.pending.add(pending));
        let minted = self.request_key(key, recorded).await;
        if !rotation::name_is_taken(&minted, recorded.record()) {
            return minted;
        }
        self.rename_predecessor(recorded).await?;
        self.request_key(key, recorded).await
    }

    /// Delivers the secret, or handles the failure.
    pub(super) async fn deliver_and_close(
        mut self,
        minted: Result<Minted, Failure>,
        mut recorded: RunRecord,
    ) -> Result<(Delivered, RunRecord), Error> {
        let delivered = match minted {
            Ok(minted) => self.deliver(minted, &mut recorded).await,
            Err(failure) => Err(failure),
        };
        self.close(recorded, delivered).await
    }

    async fn rekey_recorded(
        mut self,
        id: i64,
        recorded: RunRecord,
    ) -> Result<(Delivered, RunRecord), Error> {
        let pending = PendingWork::secret(
            format!(
                "the key `{}` (ID {id}) may have a new secret that was not delivered",
                recorded.record().key_name
            ),
            Some(id),
            recorded.next_step_if_aborted(self.access.context),
        );
        self.pending = Some(self.access.context.pending.add(pending));
        let minted = self.request_secret(id, recorded.record(), false).await;
        self.deliver_and_close(minted, recorded).await
    }

    /// Checks that no other run is working on the key, and takes over the records of interrupted runs. Concurrent runs first write their records, and
    /// then make this check one at a time. A run that finds the record of another running process removes its own record and fails. The last run
    /// finds no such record, and continues.
    fn exclude_other_runs(
        &self,
        key: &ApiKey,
        mut recorded: RunRecord,
    ) -> Result<RunRecord, Error> {
        // If this run fails, it first removes its record and then releases the lock. In the reverse order, another run could find this run's record
        // and fail too.
        let _turn = journal::turn();
        let own = recorded.record();
        match other_runs::take_over(key.id, Some(key), own, self.access) {
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

    /// Handles a failure. If the work was rolled back, removes the record. If not, leaves the record on disk and adds the next step to the
    /// error as a hint.
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
            Failure::Unresolved(error) => Err(error.hint(recorded.next_step(self.access.context))),
        }
    }
}

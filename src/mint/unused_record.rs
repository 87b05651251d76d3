//! Writes the journal record of a run before the run sends its request. If the request is not sent, the record is removed.

use std::io;

use tokio::sync::oneshot;

use super::record::{Own, RunRecord, remove};
use crate::context::Context;
use crate::error::Error;
use crate::journal::{self, Entry, Record};
use crate::process::concurrency::run_on_thread;

/// A record that is being written to disk while the run does other work. Dropping this value removes the record.
pub(crate) struct StartedRecord<'a> {
    writing: Writing<'a>,
    /// The record. The run of a group of keys has one record for each key.
    records: Vec<Record>,
    context: &'a Context,
}

impl<'a> StartedRecord<'a> {
    /// Starts to write a record to disk, and returns at once. The file and its folder are fsynced.
    ///
    /// # Errors
    /// Returns an interruption if a signal was received.
    pub(crate) fn start(record: Record, context: &'a Context) -> Result<Self, Error> {
        Self::start_all(vec![record], context)
    }

    /// Starts to write the records of several keys like [`Self::start`], with one fsync of the folder.
    ///
    /// # Errors
    /// Returns an interruption if a signal was received.
    fn start_all(records: Vec<Record>, context: &'a Context) -> Result<Self, Error> {
        if let Some(signal) = context.signals.received() {
            return Err(Error::interrupted(signal));
        }
        Ok(Self {
            writing: Writing::start(records.clone(), context),
            records,
            context,
        })
    }

    /// Waits until the record is on disk. If the record cannot be written, prints a warning.
    ///
    /// # Errors
    /// Returns a usage error if the record is too long, or if a partly written record cannot be removed. With `--require-journal`, every failed write
    /// is a usage error. Returns an interruption if a signal was received.
    pub(super) async fn finish(self) -> Result<UnusedRecord<'a>, Error> {
        let unused = self.finish_all().await?.pop();
        unused.ok_or_else(|| Error::unexpected("the record was not written"))
    }

    /// Waits like [`Self::finish`] until the records of several keys are on disk. After an error, none of the records is on disk.
    ///
    /// # Errors
    /// Returns the same errors as [`Self::finish`].
    async fn finish_all(mut self) -> Result<Vec<UnusedRecord<'a>>, Error> {
        let context = self.context;
        let written = async { Ok(self.writing.done().await) };
        let own: Vec<Own> = match context.signals.cancel(written).await? {
            Ok(entries) => entries.into_iter().map(Own::Written).collect(),
            Err(error) => {
                warn_unavailable(&error, context)?;
                self.records.into_iter().map(Own::Unavailable).collect()
            }
        };
        let unused = own.into_iter().map(|own| UnusedRecord {
            own: Some(own),
            context,
        });
        Ok(unused.collect())
    }
}

/// The record of a run that has not sent its request yet. Dropping this value removes the record.
pub(crate) struct UnusedRecord<'a> {
    own: Option<Own>,
    context: &'a Context,
}

impl<'a> UnusedRecord<'a> {
    /// Writes a record to disk, and waits until the file and its folder are fsynced.
    ///
    /// # Errors
    /// Returns the errors of [`StartedRecord::start`] and [`StartedRecord::finish`].
    pub(super) async fn write(record: Record, context: &'a Context) -> Result<Self, Error> {
        StartedRecord::start(record, context)?.finish().await
    }

    /// Writes the records of several keys like [`Self::write`], with one fsync of the folder.
    ///
    /// # Errors
    /// Returns the same errors as [`Self::write`]. After an error, none of the records is on disk.
    pub(super) async fn write_all(
        records: Vec<Record>,
        context: &'a Context,
    ) -> Result<Vec<Self>, Error> {
        let started = StartedRecord::start_all(records, context)?;
        started.finish_all().await
    }

    /// Turns the unused record into the record of the run, with the content `record`. Call this function directly before sending the request.
    ///
    /// # Errors
    /// Returns an interruption if a signal was received. The record is removed before the interruption is returned.
    pub(super) fn begin(mut self, record: Record) -> Result<RunRecord, Error> {
        if let Some(signal) = self.context.signals.received() {
            return Err(Error::interrupted(signal));
        }
        let own = match self.own.take() {
            Some(Own::Written(mut entry)) => {
                entry.begin(record);
                Own::Written(entry)
            }
            _ => Own::Unavailable(record),
        };
        Ok(RunRecord::new(own))
    }
}

impl Drop for UnusedRecord<'_> {
    fn drop(&mut self) {
        if let Some(Own::Written(entry)) = self.own.take() {
            remove(entry, self.context);
            self.context.flushes.start();
        }
    }
}

/// Records that a separate thread is writing. If this value is dropped early, the records are removed. The removal may take longer than the drop. It is
/// one of the flushes for which the run waits at its end.
struct Writing<'a> {
    written: oneshot::Receiver<io::Result<Vec<Unclaimed>>>,
    /// The end of the thread, or `None` after the run has claimed the records.
    ended: Option<oneshot::Receiver<io::Result<()>>>,
    context: &'a Context,
}

/// A written record that the run has not claimed yet. If this value is dropped, the record is removed.
struct Unclaimed(Option<Entry>);

impl<'a> Writing<'a> {
    fn start(records: Vec<Record>, context: &'a Context) -> Self {
        let (sender, written) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        run_on_thread(Box::new(move || {
            let unclaimed = |entry| Unclaimed(Some(entry));
            let written = Entry::write_all(records);
            let written = written.map(|entries| entries.into_iter().map(unclaimed).collect());
            let flushed = match sender.send(written) {
                Err(Ok(unclaimed)) => {
                    drop::<Vec<Unclaimed>>(unclaimed);
                    journal::flush()
                }
                Ok(()) | Err(Err(_)) => Ok(()),
            };
            let _ = end.send(flushed);
        }));
        Self {
            written,
            ended: Some(ended),
            context,
        }
    }

    async fn done(&mut self) -> io::Result<Vec<Entry>> {
        let written = (&mut self.written).await;
        self.ended = None;
        let mut written = written.map_err(io::Error::other)??;
        Ok((written.iter_mut())
            .filter_map(|one| one.0.take())
            .collect())
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let Some(ended) = self.ended.take() else {
            return;
        };
        self.written.close();
        let mut written = match self.written.try_recv() {
            Ok(Ok(written)) => written,
            _ => Vec::new(),
        };
        for entry in written.iter_mut().filter_map(|one| one.0.take()) {
            remove(entry, self.context);
        }
        if !written.is_empty() {
            self.context.flushes.start();
        }
        self.context.flushes.wait_for(ended);
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some(entry) = self.0.take()
            && let Err(error) = entry.remove()
        {
            log::warn!("this run sent no request, but its record could not be removed: {error}");
        }
    }
}

fn warn_unavailable(error: &io::Error, context: &Context) -> Result<(), Error> {
    let message = format!(
        "could not write a record of this run in {} ({}): {error}",
        journal::place(),
        crate::storage::locations::state_variable()
    );
    if journal::is_too_long(error) {
        let hint = "use a shorter key name or fewer targets for the secret";
        return Err(Error::usage(message, hint));
    }
    let refused = match context.require_journal {
        true => Some(format!(
            "{message}; nothing was changed on the manager, because `--require-journal` requires a record"
        )),
        // If an incomplete record is left on disk, the run must stop. If the run delivered a secret, a later `recover` would find the record and
        // invalidate the secret.
        false => journal::is_left_on_disk(error).then(|| message.clone()),
    };
    if let Some(refused) = refused {
        let hint = "set SWP_STATE_DIR to a writable folder";
        return Err(Error::usage(refused, hint));
    }
    context.output.insist(&format!(
        "{message}; if this run is killed, run `swp-keys list-keys` to find a key that the run left behind"
    ));
    Ok(())
}

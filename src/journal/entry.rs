//! The record that this process works on.

use std::fs::{File, TryLockError};
use std::io;
use std::time::{Duration, Instant};

use super::folder::{flush, folder, is_at, overwrite, read, replace};
use super::progress::Stage;
use super::record::{Record, TooLong};
use super::refresh::refresh;
use crate::error::Error;
use crate::storage::permissions::untrusted_or;

/// A record on disk, locked by this process.
pub(crate) struct Entry {
    pub(crate) record: Record,
    /// The open file, which holds the lock.
    file: File,
    /// When this process locked the record.
    since: Instant,
}

/// How a change was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Noted {
    /// The head was overwritten, and not flushed.
    InPlace,
    /// The whole record was replaced and flushed.
    Replaced,
}

/// The error of a record that may not survive a power cut and cannot be removed. A run can continue neither with it nor without it.
#[derive(Debug, thiserror::Error)]
#[error("{0}; what is there of it could not be removed")]
struct LeftOnDisk(io::Error);

/// Whether a record that could not be written completely remains on disk.
pub(crate) fn is_left_on_disk(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|error| error.is::<LeftOnDisk>())
}

/// Whether a record was not written because it is too long to be read back.
pub(crate) fn is_too_long(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<TooLong>())
}

impl Entry {
    /// Writes the record to disk and locks it.
    ///
    /// # Errors
    /// Returns the system's error. If the record may be on disk nevertheless, [`is_left_on_disk`] is true.
    pub(crate) fn write(mut record: Record) -> io::Result<Self> {
        let folder =
            folder().ok_or_else(|| io::Error::other("this machine has no folder for state"))?;
        let content = record.content()?;
        let name = record.file_name();
        match folder.write_locked(&name, &content) {
            Ok(file) => {
                record.progress.in_place = true;
                Ok(Self::of(record, file))
            }
            // If only the folder could not be flushed, the file already exists. A run that continues without a record must not leave one
            // behind: `recover` would revoke a secret that was delivered. Another run's record is kept.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            Err(error) => {
                let _ = folder.remove(&name);
                // A read-only folder cannot remove the file, but does not have it either.
                Err(match folder.path().join(&name).exists() {
                    true => io::Error::other(LeftOnDisk(error)),
                    false => error,
                })
            }
        }
    }

    fn of(record: Record, file: File) -> Self {
        Self {
            record,
            file,
            since: Instant::now(),
        }
    }

    /// Changes the record on disk and flushes it. The key ID and the stage are overwritten in place. For any other change the whole
    /// record is replaced, and stays locked meanwhile.
    ///
    /// # Errors
    /// Returns the system's error.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Record)) -> io::Result<()> {
        match self.write_change(change)? {
            Noted::InPlace => self.file.sync_data(),
            Noted::Replaced => Ok(()),
        }
    }

    /// Like [`Entry::change`], but does not flush what is overwritten in place. That is enough if the process is killed; after a power
    /// cut, the record may be older.
    ///
    /// # Errors
    /// Returns the system's error.
    pub(crate) fn note(&mut self, change: impl FnOnce(&mut Record)) -> io::Result<()> {
        self.write_change(change).map(|_| ())
    }

    fn write_change(&mut self, change: impl FnOnce(&mut Record)) -> io::Result<Noted> {
        let mut record = self.record.clone();
        change(&mut record);
        let noted = if record.progress.in_place && record.has_rest_of(&self.record) {
            overwrite(&self.file, &record.head())?;
            Noted::InPlace
        } else {
            self.file = replace(&record)?;
            record.progress.in_place = true;
            Noted::Replaced
        };
        self.record = record;
        Ok(noted)
    }

    /// Writes the stage of the work, like [`Entry::note`].
    ///
    /// # Errors
    /// Returns the system's error.
    pub(crate) fn mark(&mut self, stage: Stage) -> io::Result<()> {
        self.note(|record| record.progress.stage = stage)
    }

    /// Starts the work with a record that has more information than the one on disk.
    pub(crate) fn begin(&mut self, record: Record) {
        let progress = self.record.progress.clone();
        self.record = Record { progress, ..record };
        refresh(&self.record);
    }

    /// Locks a record that another run left behind. Returns `None` if it no longer exists or another process works on it.
    ///
    /// # Errors
    /// Returns an error if the record cannot be read, or if other users can change it.
    pub(crate) fn take_over(operation: &str) -> Result<Option<Self>, Error> {
        let Some(folder) = folder() else {
            return Ok(None);
        };
        let name = format!("{operation}.json");
        let path = folder.path().join(&name);
        let failed = |error: &dyn std::fmt::Display| {
            Error::unexpected(format!(
                "could not read the record {}: {error}",
                path.display()
            ))
        };
        let mut file = match folder.open(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| untrusted_or(&error, || failed(&error)))?,
        };
        // A process that only lists the records holds the lock for a moment.
        for _ in 0..40 {
            match file.try_lock() {
                Ok(()) => {
                    let record = read(&mut file).map_err(|error| failed(&error))?;
                    // The run may have settled or replaced the record between the opening and the lock.
                    return Ok(is_at(&file, &path).then(|| Self::of(record, file)));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(25)),
                Err(TryLockError::Error(error)) => return Err(failed(&error)),
            }
        }
        Ok(None)
    }

    /// The minimum time since the run last asked the manager for a secret.
    pub(crate) fn age(&self) -> Duration {
        let known = self.record.progress.age();
        known.unwrap_or_else(|| self.since.elapsed())
    }

    /// Removes the record of settled work and flushes the removal.
    ///
    /// # Errors
    /// Returns the system's error.
    pub(crate) fn settle(self) -> io::Result<()> {
        self.remove()?;
        flush()
    }

    /// Removes the record of settled work without flushing the removal. A file that cannot be removed is marked as settled.
    ///
    /// # Errors
    /// Returns the system's error. If the file could not be marked either, [`is_unmarked`] is true.
    pub(crate) fn remove(mut self) -> io::Result<()> {
        let Some(folder) = folder() else {
            return Ok(());
        };
        let name = self.record.file_name();
        let marked = self.mark(Stage::Settled);
        if cfg!(windows) {
            // Windows cannot remove an open file. On other systems the lock is held until the end, so that no other process takes the
            // record for an abandoned one.
            drop(self);
            return folder.remove_unflushed(&name);
        }
        let Err(error) = folder.remove_unflushed(&name) else {
            return Ok(());
        };
        match marked.and_then(|()| self.file.sync_data()) {
            Ok(()) => Err(error),
            Err(_) => Err(io::Error::other(Unmarked(error))),
        }
    }
}

/// The error of a record that can neither be removed nor marked as settled.
#[derive(Debug, thiserror::Error)]
#[error("{0}, nor marked as settled")]
struct Unmarked(io::Error);

/// Whether a record that could not be removed will be taken for unfinished.
pub(crate) fn is_unmarked(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<Unmarked>())
}

//! The record of an operation that this process is executing.

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
    /// The time on the monotonic clock when this process locked the record.
    since: Instant,
}

/// How a change of a record was written to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Noted {
    /// The header was overwritten and not flushed.
    InPlace,
    /// The whole record was replaced and flushed.
    Replaced,
}

/// The error for a record that was written incompletely and could not be removed. The run must stop. The run cannot rely on the record, because a
/// power failure could remove the record. The run cannot ignore the record, because a later `recover` would act on the record.
#[derive(Debug, thiserror::Error)]
#[error("{0}; the incomplete record could not be removed")]
struct LeftOnDisk(io::Error);

/// Returns true for a `LeftOnDisk` error: an incomplete record could not be removed.
pub(crate) fn is_left_on_disk(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|error| error.is::<LeftOnDisk>())
}

/// Returns true if the error means that the record was too large to write.
pub(crate) fn is_too_long(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<TooLong>())
}

impl Entry {
    /// Writes the records to disk and locks them. The folder is flushed once. After an error, none of the records is on disk.
    ///
    /// # Errors
    /// Returns the system's error. If a record may still be on disk, [`is_left_on_disk`] returns true for the error.
    pub(crate) fn write_all(records: Vec<Record>) -> io::Result<Vec<Self>> {
        let folder =
            folder().ok_or_else(|| io::Error::other("the state folder could not be determined"))?;
        let mut files = Vec::with_capacity(records.len());
        for record in &records {
            files.push((record.file_name(), record.content()?));
        }
        let mut written = Vec::with_capacity(records.len());
        let Err(error) = folder.write_all_locked(&files, &mut written) else {
            let entries = records.into_iter().zip(written).map(|(mut record, file)| {
                record.progress.in_place = true;
                Self::of(record, file)
            });
            return Ok(entries.collect());
        };
        // The files may exist, for example if only the flush of the folder failed. They are removed, because the run may continue without a record. If
        // a file stayed, a later `recover` would find it and invalidate the secret that the run has delivered. A file that already existed belongs to a
        // different run, so it is not removed.
        let own = match error.kind() {
            io::ErrorKind::AlreadyExists => written.len(),
            _ => files.len().min(written.len() + 1),
        };
        let own = files.iter().take(own).map(|(name, _)| name);
        for name in own.clone() {
            let _ = folder.remove_unflushed(name);
        }
        let _ = folder.flush();
        // In a read-only folder, the removal fails. This is harmless, because the write cannot have created a file there.
        let mut left = own.filter(|name| folder.path().join(name).exists());
        Err(match left.next() {
            Some(_) => io::Error::other(LeftOnDisk(error)),
            None => error,
        })
    }

    fn of(record: Record, file: File) -> Self {
        Self {
            record,
            file,
            since: Instant::now(),
        }
    }

    /// Changes the record on disk and flushes it. The key ID and the stage are overwritten in place. For any other change, a new file replaces the
    /// old file. The record stays locked during the replacement.
    ///
    /// # Errors
    /// Returns the system's error.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Record)) -> io::Result<()> {
        match self.write_change(change)? {
            Noted::InPlace => self.file.sync_data(),
            Noted::Replaced => Ok(()),
        }
    }

    /// Changes the record on disk like [`Entry::change`], but does not flush fields that are overwritten in place. The change survives if
    /// the process is killed, but a power failure may undo it.
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

    /// Writes the stage of the operation without flushing it, like [`Entry::note`].
    ///
    /// # Errors
    /// Returns the system's error.
    pub(crate) fn mark(&mut self, stage: Stage) -> io::Result<()> {
        self.note(|record| record.progress.stage = stage)
    }

    /// Replaces the record in memory with a more complete record of the same operation. The record on disk is not changed.
    pub(crate) fn begin(&mut self, record: Record) {
        let progress = self.record.progress.clone();
        self.record = Record { progress, ..record };
        refresh(&self.record);
    }

    /// Locks a record that an earlier run left behind. Returns `None` if the record does not exist or another process has locked the
    /// record.
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
        // Locking is retried, because a process that lists the records also locks each record briefly.
        for _ in 0..40 {
            match file.try_lock() {
                Ok(()) => {
                    let record = read(&mut file).map_err(|error| failed(&error))?;
                    // Another run may have removed or replaced the record before this run locked the file. In this case, the result is `None`.
                    return Ok(is_at(&file, &path).then(|| Self::of(record, file)));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(25)),
                Err(TryLockError::Error(error)) => return Err(failed(&error)),
            }
        }
        Ok(None)
    }

    /// Returns a lower bound of the time since the interrupted run last requested a secret from the manager.
    pub(crate) fn age(&self) -> Duration {
        let known = self.record.progress.age();
        known.unwrap_or_else(|| self.since.elapsed())
    }

    /// Removes the record of a finished operation, and flushes the removal to disk.
    ///
    /// # Errors
    /// Returns the system's error.
    pub(crate) fn settle(self) -> io::Result<()> {
        let _file = self.remove()?;
        flush()
    }

    /// Removes the record of a finished operation without flushing the removal. If the record cannot be removed, it is marked as complete.
    ///
    /// Returns the removed file if it is still open, so that the caller can choose when to close it. When the file is closed, the system frees its
    /// disk space, which may take as long as a flush.
    ///
    /// # Errors
    /// Returns the system's error. If the record could not be marked as complete, [`is_unmarked`] returns true for the error.
    pub(crate) fn remove(mut self) -> io::Result<Option<File>> {
        let Some(folder) = folder() else {
            return Ok(None);
        };
        let name = self.record.file_name();
        let marked = self.mark(Stage::Settled);
        if cfg!(windows) {
            // Windows cannot remove an open file, so the file is closed first. On other systems, the lock is held until the file is
            // removed, so that no other process treats the record as abandoned.
            drop(self);
            return folder.remove_unflushed(&name).map(|()| None);
        }
        let Err(error) = folder.remove_unflushed(&name) else {
            return Ok(Some(self.file));
        };
        match marked.and_then(|()| self.file.sync_data()) {
            Ok(()) => Err(error),
            Err(_) => Err(io::Error::other(Unmarked(error))),
        }
    }
}

/// The error for a record that can neither be removed nor marked as complete.
#[derive(Debug, thiserror::Error)]
#[error("{0}; the record could not be marked as complete either")]
struct Unmarked(io::Error);

/// Returns true if the error means that the record is still on disk and that later runs will treat the operation as unfinished.
pub(crate) fn is_unmarked(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<Unmarked>())
}

//! Locks that prevent several processes from changing a file at the same time. A process that replaces a file locks the folder of the file.
//! A process that overwrites a file in place locks the file itself.
//!
//! A lock belongs to an open file descriptor (flock). When a process ends, the operating system releases its locks. There are no lock
//! files. The locks are advisory: an editor ignores them. On a network file system, a lock on a folder has an effect only on processes of
//! the same machine.

use std::fs::{File, TryLockError};
use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::open_folder::OpenFolder;
use crate::error::{Error, Signal};
use crate::process::signals::Signals;

/// The maximum time to wait for a lock. A process holds the lock only while it writes a file and flushes it to disk, so many processes can
/// hold the lock one after the other in this time.
const WAIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);
/// A process that waits longer than this time for a lock logs that it is waiting.
const SILENCE: Duration = Duration::from_secs(1);

/// A lock. It is released when this value is dropped.
#[derive(Debug)]
pub(crate) struct FileLock {
    held: Option<File>,
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // The lock is released explicitly. Closing the file descriptor would not release the lock if a copy of the descriptor is still
        // open.
        if let Some(file) = &self.held {
            let _ = file.unlock();
        }
    }
}

/// The reason why a lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockFailure {
    /// A signal arrived before the lock was taken.
    #[error("interrupted while waiting to lock {place}")]
    Interrupted { place: String, signal: Signal },
    /// Another process still held the lock after the maximum time to wait.
    #[error("timed out after {} s waiting for another process to unlock {place}", waited.as_secs())]
    Held { place: String, waited: Duration },
    /// The operating system could not open the file or folder to lock.
    #[error(transparent)]
    Unavailable(#[from] io::Error),
}

impl From<LockFailure> for io::Error {
    fn from(failure: LockFailure) -> Self {
        match failure {
            LockFailure::Unavailable(error) => error,
            other => Self::other(other),
        }
    }
}

impl LockFailure {
    /// Returns the error for a run that has changed nothing yet. `flag` is the flag with the path of the file.
    pub(crate) fn into_error(self, flag: &str) -> Error {
        match self {
            Self::Interrupted { signal, .. } => Error::interrupted(signal),
            other => Error::usage(
                format!("`{flag}`: {other}"),
                "run the command again when the other process has finished; nothing was created on the manager",
            ),
        }
    }
}

/// Locks a folder, so that this process can change a file in it.
///
/// # Errors
/// Returns an error if another process holds the lock for too long, or if a signal arrives first.
pub(crate) async fn lock_folder(
    folder: &OpenFolder,
    signals: &Signals,
) -> Result<FileLock, LockFailure> {
    lock_folder_within(WAIT, folder, signals).await
}

/// Locks a folder. If another process holds the lock, waits for at most `wait`.
///
/// # Errors
/// Returns an error if another process holds the lock for longer than `wait`, or if a signal arrives first.
pub(crate) async fn lock_folder_within(
    wait: Duration,
    folder: &OpenFolder,
    signals: &Signals,
) -> Result<FileLock, LockFailure> {
    let place = format!("the folder {}", folder.path().display());
    lock(folder.lockable()?, place, wait, signals).await
}

/// Locks a file, so that this process can overwrite it in place. `place` describes the file in error messages.
///
/// # Errors
/// Returns an error if another process holds the lock for too long, or if a signal arrives first.
pub(crate) async fn lock_file(
    file: &File,
    place: String,
    signals: &Signals,
) -> Result<FileLock, LockFailure> {
    lock(file.try_clone()?, place, WAIT, signals).await
}

async fn lock(
    file: File,
    place: String,
    wait: Duration,
    signals: &Signals,
) -> Result<FileLock, LockFailure> {
    let begun = Instant::now();
    let mut announced = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(FileLock { held: Some(file) }),
            Err(TryLockError::WouldBlock) if begun.elapsed() >= wait => {
                return Err(LockFailure::Held {
                    place,
                    waited: wait,
                });
            }
            Err(TryLockError::WouldBlock) if !announced && begun.elapsed() >= SILENCE => {
                log::warn!("waiting for another process to unlock {place}");
                announced = true;
            }
            Err(TryLockError::WouldBlock) => {}
            // If the file system does not support locks, the run continues without a lock. The lock matters only if several processes
            // change the file at the same time.
            Err(TryLockError::Error(error)) => {
                log::warn!(
                    "could not lock {place} ({error}); several runs at once may overwrite each other's changes"
                );
                return Ok(FileLock { held: None });
            }
        }
        tokio::select! {
            biased;
            signal = signals.first_signal() => {
                return Err(LockFailure::Interrupted { place, signal });
            }
            () = sleep(PAUSE) => {}
        }
    }
}

/// Locks a file. If another process holds the lock, waits for at most two seconds. Processes normally hold this lock only briefly. But a stopped
/// process could hold the lock forever, and so could any user who can read the file.
///
/// # Errors
/// Returns an error if another process still holds the lock after two seconds, or if the file system does not support locks.
pub(crate) fn lock_within_limit(file: &File) -> io::Result<()> {
    for _ in 0..200 {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::other("another process has locked the file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocking<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap_or_else(|error| panic!("{error}"));
        runtime.block_on(work)
    }

    #[test]
    fn a_folder_lock_excludes_other_locks_until_it_is_dropped() -> io::Result<()> {
        let parent = tempfile::tempdir()?;
        let folder = OpenFolder::open(parent.path())?;
        let nothing = Signals::default();
        let take = || {
            let lockable = folder.lockable()?;
            let wait = Duration::from_millis(20);
            Ok::<_, io::Error>(blocking(lock(lockable, "it".to_owned(), wait, &nothing)))
        };
        let first = take()?;
        assert!(first.is_ok(), "{first:?}");
        let second = take()?;
        assert!(
            matches!(second, Err(LockFailure::Held { .. })),
            "{second:?}"
        );
        drop(first);
        assert!(take()?.is_ok());
        assert_eq!(
            std::fs::read_dir(parent.path())?.count(),
            usize::from(cfg!(windows)),
            "no lock file is left"
        );
        Ok(())
    }
}

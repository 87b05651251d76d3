//! Locks on what several runs change: the folder of a file that is replaced, or the file itself if it is written in place.
//!
//! They are locks on open descriptors (flock), so the system lifts them when a process ends, however it ends, and no lock file is
//! left. They bind programs that ask for them; an editor does not. A lock on a folder of a network file system counts on one machine.

use std::fs::{File, TryLockError};
use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::open_folder::OpenFolder;
use crate::error::{Error, Signal};
use crate::process::signals::Signals;

/// How long to wait for a lock. Other runs hold it for as long as a disk takes to flush three times, so this is enough for many of them.
const WAIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);
/// After this, the user reads what the run waits for.
const SILENCE: Duration = Duration::from_secs(1);

/// A lock, until it is dropped.
#[derive(Debug)]
pub(crate) struct FileLock {
    held: Option<File>,
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // The descriptor of a file may be a copy of one that stays open.
        if let Some(file) = &self.held {
            let _ = file.unlock();
        }
    }
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockFailure {
    /// A signal came first.
    #[error("interrupted while waiting for the lock of {place}")]
    Interrupted { place: String, signal: Signal },
    /// Another process holds it.
    #[error("another process has locked {place} and still held the lock after {} s", waited.as_secs())]
    Held { place: String, waited: Duration },
    /// The system refuses to open what is to be locked.
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
    /// The program's error before anything was asked of the manager: nothing can be written to what `flag` names.
    pub(crate) fn into_error(self, flag: &str) -> Error {
        match self {
            Self::Interrupted { signal, .. } => Error::interrupted(signal),
            other => Error::usage(
                format!("`{flag}`: {other}"),
                "run it again when the other process has ended (`flock` on the same folder is one); nothing was created on the manager",
            ),
        }
    }
}

/// Locks a folder, for whatever changes a file in it.
///
/// # Errors
/// Returns an error if another process holds the lock for too long, or if a signal comes first.
pub(crate) async fn lock_folder(
    folder: &OpenFolder,
    signals: &Signals,
) -> Result<FileLock, LockFailure> {
    lock_folder_within(WAIT, folder, signals).await
}

/// The same for what is not worth so long a wait.
///
/// # Errors
/// Returns an error if another process holds the lock for longer, or if a signal comes first.
pub(crate) async fn lock_folder_within(
    wait: Duration,
    folder: &OpenFolder,
    signals: &Signals,
) -> Result<FileLock, LockFailure> {
    let place = format!("the folder {}", folder.path().display());
    lock(folder.lockable()?, place, wait, signals).await
}

/// Locks a file that is changed in place. `place` names it in errors.
///
/// # Errors
/// Returns an error if another process holds the lock for too long, or if a signal comes first.
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
            // A single run does no harm without one, and that is what most runs are.
            Err(TryLockError::Error(error)) => {
                log::warn!(
                    "{place} cannot be locked ({error}); several runs at once may overwrite each other's changes in it"
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
    fn one_lock_of_a_folder_excludes_another_until_it_is_dropped() -> io::Result<()> {
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

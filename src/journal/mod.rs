//! The record of unfinished work on disk: what a run that was killed leaves behind, for `recover` to finish.
//!
//! One file an operation, in `unfinished/` of the state folder; never a secret in it. It is on disk, fsynced, folder included, before
//! the manager is asked for anything, and removed when the work is settled. For as long as its run lives the file is locked, which
//! the operating system lifts when the process dies: that is how a record that was left is told from one that is being worked on.
//! How far the work has come is overwritten in place ([`progress`]).

pub(crate) mod notice;
mod progress;
mod record;

use std::fs::{File, TryLockError};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::storage::permissions::{trust_file, untrusted_or};
use crate::storage::state_dir::{Folder, lock_in_time};

pub(crate) use progress::Stage;
use record::{LIMIT, TooLong, parse};
pub(crate) use record::{Operation, Predecessor, Record, Work, has_room};

const FOLDER: &str = "unfinished";

/// A record on disk that this process works on.
pub(crate) struct Entry {
    pub(crate) record: Record,
    /// Holds the lock.
    file: File,
    /// Since when this process works on it.
    since: Instant,
}

/// How something was noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noted {
    /// Overwritten, and not flushed.
    InPlace,
    /// The record was replaced, and flushed.
    Replaced,
}

/// What a file among the records is.
pub(crate) enum JournalEntry {
    /// A record that nobody works on.
    Record(Record),
    /// The record of a run that lives.
    InProgress(Record),
    /// A file that cannot be read as one: its name, and why.
    Unreadable(String, String),
}

/// A record that may not last, and that is there all the same: a run must not go on without it, and not with it.
#[derive(Debug, thiserror::Error)]
#[error("{0}; and what is there of it cannot be removed")]
struct Stays(io::Error);

/// Whether a record that could not be put on disk stays there.
pub(crate) fn stays(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<Stays>())
}

/// Whether a record was not put on disk because it could not be read again.
pub(crate) fn is_too_long(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<TooLong>())
}

impl Entry {
    /// Puts the record on disk.
    pub(crate) fn write(mut record: Record) -> io::Result<Self> {
        let folder =
            folder().ok_or_else(|| io::Error::other("this machine names no place for state"))?;
        let content = record.content()?;
        let name = record.file_name();
        match folder.write_locked(&name, &content) {
            Ok(file) => {
                record.progress.in_place = true;
                Ok(Self::of(record, file))
            }
            // Where only the folder could not be flushed, the file is there already; a run that goes on without a record must not
            // leave one for `recover` to find, which would kill a secret that was delivered. Another run's stays.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            Err(error) => {
                let _ = folder.remove(&name);
                // A folder that cannot be written to removes nothing, and has nothing either.
                Err(match folder.path().join(&name).exists() {
                    true => io::Error::other(Stays(error)),
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

    /// Notes on disk what is known by now, and flushes that. The ID of the key and the stage are overwritten in place; for anything else
    /// the record is replaced as a whole, and stays locked meanwhile.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Record)) -> io::Result<()> {
        match self.note(change)? {
            Noted::InPlace => self.file.sync_data(),
            Noted::Replaced => Ok(()),
        }
    }

    /// The same for whoever looks after this process was killed: what is overwritten in place is not flushed, so that what a power cut
    /// leaves may be older.
    pub(crate) fn note(&mut self, change: impl FnOnce(&mut Record)) -> io::Result<Noted> {
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

    /// Notes how far the work has come, as [`Entry::note`] does.
    pub(crate) fn mark(&mut self, stage: Stage) -> io::Result<()> {
        self.note(|record| record.progress.stage = stage)
            .map(|_| ())
    }

    /// What is asked in its name from now on is this, of which less was known when it was written.
    pub(crate) fn begin(&mut self, record: Record) {
        let progress = self.record.progress.clone();
        self.record = Record { progress, ..record };
        asked_again(&self.record);
    }

    /// Takes over a record that a run left. `None` where it is gone, or another process works on it.
    pub(crate) fn take_over(operation: &str) -> Result<Option<Self>, Error> {
        let Some(folder) = folder() else {
            return Ok(None);
        };
        let name = format!("{operation}.json");
        let path = folder.path().join(&name);
        let failed = |error: &dyn std::fmt::Display| {
            Error::unexpected(format!(
                "the record {} cannot be read: {error}",
                path.display()
            ))
        };
        let mut file = match folder.open(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| untrusted_or(&error, || failed(&error)))?,
        };
        // Whoever only looks holds the lock for a moment.
        for _ in 0..40 {
            match file.try_lock() {
                Ok(()) => {
                    let record = read(&mut file).map_err(|error| failed(&error))?;
                    // Its run may have settled or replaced it between the opening and the lock.
                    return Ok(is_at(&file, &path).then(|| Self::of(record, file)));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(25)),
                Err(TryLockError::Error(error)) => return Err(failed(&error)),
            }
        }
        Ok(None)
    }

    /// How long ago its run last asked the manager for a secret: so long at least.
    pub(crate) fn age(&self) -> Duration {
        let known = self.record.progress.age();
        known.unwrap_or_else(|| self.since.elapsed())
    }

    /// The work is settled: nothing is left to be finished.
    pub(crate) fn settle(self) -> io::Result<()> {
        self.remove()?;
        flush()
    }

    /// The same, and that it is so is still to be flushed. A file that cannot be removed says that nothing is left to be done.
    pub(crate) fn remove(mut self) -> io::Result<()> {
        let Some(folder) = folder() else {
            return Ok(());
        };
        let name = self.record.file_name();
        let marked = self.mark(Stage::Settled);
        if cfg!(windows) {
            // A file that is open cannot be removed there. Elsewhere the lock is held to the end, so that nobody takes the record for
            // one that was left.
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

/// A record that can neither be removed nor marked as settled.
#[derive(Debug, thiserror::Error)]
#[error("{0}, nor marked as settled")]
struct Unmarked(io::Error);

/// Whether a record that could not be removed is taken for unfinished.
pub(crate) fn is_unmarked(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<Unmarked>())
}

fn replace(record: &Record) -> io::Result<File> {
    let folder =
        folder().ok_or_else(|| io::Error::other("this machine names no place for state"))?;
    folder.replace_locked(&record.file_name(), &record.content()?)
}

/// Writes a head where one stands already, in one call.
#[cfg(unix)]
fn overwrite(file: &File, head: &str) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, head.as_bytes(), 0)
}

/// Writes a head where one stands already.
#[cfg(not(unix))]
fn overwrite(mut file: &File, head: &str) -> io::Result<()> {
    use std::io::{Seek as _, SeekFrom, Write as _};
    file.seek(SeekFrom::Start(0))?;
    file.write_all(head.as_bytes())
}

/// Lets runs look at each other's records one after another: of several that look at once, one is the last. If the system has no lock for
/// it, all may see each other and go, which does no harm.
pub(crate) fn turn() -> Option<File> {
    let folder = File::open(folder()?.path()).ok()?;
    lock_in_time(&folder).ok().map(|()| folder)
}

/// Makes last what was removed.
pub(crate) fn flush() -> io::Result<()> {
    folder().map_or(Ok(()), |folder| folder.flush())
}

/// All records, oldest first. A file that is no record is told of and hides no other.
pub(crate) fn unfinished() -> io::Result<Vec<JournalEntry>> {
    folder().map_or_else(|| Ok(Vec::new()), |folder| unfinished_in(&folder))
}

fn unfinished_in(folder: &Folder) -> io::Result<Vec<JournalEntry>> {
    let mut found = Vec::new();
    for name in folder.names()? {
        let path = folder.path().join(&name);
        // Opening a pipe would wait for its other end.
        if path
            .symlink_metadata()
            .is_ok_and(|metadata| !metadata.is_file())
        {
            found.push(JournalEntry::Unreadable(name, "it is no file".to_owned()));
            continue;
        }
        let mut file = match trust_file(&path, false).and_then(|()| File::open(path)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                found.push(JournalEntry::Unreadable(name, error.to_string()));
                continue;
            }
        };
        if matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
            // Where a lock keeps others from reading too (Windows), a run that lives is not seen.
            found.extend(read(&mut file).ok().map(JournalEntry::InProgress));
            continue;
        }
        // A record that was settled since its name was read is none any more.
        if !folder.path().join(&name).exists() {
            continue;
        }
        found.push(match read(&mut file) {
            Ok(record) if record.file_name() == name => JournalEntry::Record(record),
            Ok(_) => JournalEntry::Unreadable(name, "it is another operation's record".to_owned()),
            Err(error) => JournalEntry::Unreadable(name, error.to_string()),
        });
    }
    found.sort_by_key(|found| match found {
        JournalEntry::Record(record) | JournalEntry::InProgress(record) => record.started,
        JournalEntry::Unreadable(..) => i64::MAX,
    });
    Ok(found)
}

/// Does what asks the manager for a secret, and keeps the record young meanwhile: a request may be sent again within it (after a 429,
/// say), and `recover` counts from the last.
pub(crate) async fn kept_young<T>(record: &Record, asking: impl Future<Output = T>) -> T {
    let mut asking = std::pin::pin!(asking);
    loop {
        tokio::select! {
            biased;
            answer = &mut asking => return answer,
            () = tokio::time::sleep(Duration::from_secs(1)) => asked_again(record),
        }
    }
}

/// Notes on the record that the manager is asked once more: `recover` counts from there. If that cannot be noted, it waits less than it
/// could.
pub(crate) fn asked_again(record: &Record) {
    if !record.progress.in_place {
        return;
    }
    let Some(folder) = folder() else { return };
    let noted = File::options()
        .write(true)
        .open(folder.path().join(record.file_name()))
        .and_then(|file| overwrite(&file, &record.head()));
    if let Err(error) = noted {
        log::info!("the record of this run could not be brought up to date: {error}");
    }
}

/// Where the records are, for messages.
pub(crate) fn place() -> String {
    folder().map_or_else(
        || "no folder".to_owned(),
        |folder| folder.path().display().to_string(),
    )
}

/// Whether the file is still what the path leads to.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let of_file = file.metadata().map(identity);
    let of_path = path.metadata().map(identity);
    matches!((of_file, of_path), (Ok(file), Ok(there)) if file == there)
}

#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

fn folder() -> Option<Folder> {
    Folder::of_state(FOLDER)
}

fn read(file: &mut File) -> io::Result<Record> {
    let mut content = Vec::new();
    file.take(LIMIT).read_to_end(&mut content)?;
    parse(&content)
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;

#[cfg(test)]
mod tests;

//! The record of unfinished work on disk: what a run that was killed leaves behind, for `recover` to finish.
//!
//! One file an operation, in `unfinished/` of the state folder; never a secret in it. It is on disk, fsynced, folder included, before
//! the manager is asked for anything, and removed when the work is settled. For as long as its run lives the file is locked, which
//! the operating system lifts when the process dies: that is how a record that was left is told from one that is being worked on.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::file_mode::{trust_file, untrusted_or};
use crate::ordered;
use crate::parser_words::json_problem;
use crate::store::Folder;

const FOLDER: &str = "unfinished";
/// A record is a few hundred bytes; a file that is larger is none.
const LIMIT: u64 = 64 * 1024;

/// What was under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Work {
    /// A key was being created.
    Create,
    /// A key that existed was being given a new secret.
    Rekey,
}

/// What a run was about to do. No field may ever hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Record {
    /// The random digits that name this operation, here and on the manager.
    pub(crate) operation: String,
    /// What was under way.
    pub(crate) work: Work,
    /// The manager's address.
    pub(crate) manager: String,
    /// The tenant; none for the primary one.
    pub(crate) tenant: Option<String>,
    /// The name of the key.
    pub(crate) key_name: String,
    /// The ID of its role, where the work sets one.
    #[serde(rename = "roleID")]
    pub(crate) role_id: Option<i64>,
    /// The ID of the key, where it was known.
    #[serde(rename = "keyID")]
    pub(crate) key_id: Option<i64>,
    /// The keys that bore the name before: none of them is this operation's.
    #[serde(rename = "existingIDs")]
    pub(crate) existing_ids: Vec<i64>,
    /// Whether the operation stands in the key's name or description, which proves whose it is.
    pub(crate) marked: bool,
    /// Whether the name is to be borne by one key alone.
    pub(crate) unique: bool,
    /// Which API key signed, as [`crate::manager::SignedIn::signer_print`] has it; none for a session. The secret alone selects the
    /// tenant (manager-api.md, section 7), so another key may not see what this one made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signer: Option<String>,
    /// The key that this one is to take the place of, in a rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) predecessor: Option<Predecessor>,
    /// The key is to live as long as its run, so that what is left of it is deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) temporary: bool,
    /// The key is the one that signs: its own secret is what is made anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) current: bool,
    /// Where the secret was to go.
    pub(crate) sinks: Vec<String>,
    /// When it began, in milliseconds since 1970 by this machine's clock.
    pub(crate) started: i64,
}

/// A key that is to retire once its successor is delivered, and how far that has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Predecessor {
    /// Its ID.
    #[serde(rename = "ID")]
    pub(crate) id: i64,
    /// How long it lives on after its successor is delivered, in milliseconds.
    pub(crate) overlap: i64,
    /// The name that it is given to make way for its successor, from before it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) given_name: Option<String>,
    /// The secret of its successor is where it was to go.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) succeeded: bool,
}

impl Record {
    /// What it made is gone, and is to be made once more.
    pub(crate) fn begin_again(&mut self) {
        self.key_id = None;
        if let Some(predecessor) = &mut self.predecessor {
            predecessor.succeeded = false;
        }
    }

    fn file_name(&self) -> String {
        format!("{}.json", self.operation)
    }
}

/// A record on disk that this process works on.
pub(crate) struct Entry {
    pub(crate) record: Record,
    /// Holds the lock.
    file: File,
}

/// What a file among the records is.
pub(crate) enum Found {
    /// A record that nobody works on.
    Record(Record),
    /// The record of a run that lives.
    UnderWay(Record),
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

impl Entry {
    /// Puts the record on disk.
    pub(crate) fn write(record: Record) -> io::Result<Self> {
        let folder =
            folder().ok_or_else(|| io::Error::other("this machine names no place for state"))?;
        let content = serde_json::to_vec_pretty(&record).map_err(io::Error::other)?;
        let name = record.file_name();
        match folder.write_locked(&name, &content) {
            Ok(file) => Ok(Self { record, file }),
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

    /// Notes on disk how far the work has come: the record is replaced as a whole, and stays locked meanwhile.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Record)) -> io::Result<()> {
        let folder =
            folder().ok_or_else(|| io::Error::other("this machine names no place for state"))?;
        let mut record = self.record.clone();
        change(&mut record);
        let content = serde_json::to_vec_pretty(&record).map_err(io::Error::other)?;
        self.file = folder.replace_locked(&record.file_name(), &content)?;
        self.record = record;
        Ok(())
    }

    /// Notes how far the work has come in the file that is there, and does not wait for the disk: a kill does not take it away, and after a
    /// power cut the record is as it was before.
    pub(crate) fn note(&mut self, change: impl FnOnce(&mut Record)) -> io::Result<()> {
        change(&mut self.record);
        let mut content = serde_json::to_vec_pretty(&self.record).map_err(io::Error::other)?;
        let length = usize::try_from(self.file.metadata()?.len()).map_err(io::Error::other)?;
        content.resize(content.len().max(length), b' ');
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&content)
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
                    return Ok(is_at(&file, &path).then_some(Self { record, file }));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(25)),
                Err(TryLockError::Error(error)) => return Err(failed(&error)),
            }
        }
        Ok(None)
    }

    /// When its run last asked the manager for a secret, in milliseconds since 1970, as far as that is known.
    pub(crate) fn last_asked(&self) -> i64 {
        let changed = self
            .file
            .metadata()
            .and_then(|metadata| metadata.modified());
        let changed = changed.map_or(0, |time| DateTime::<Utc>::from(time).timestamp_millis());
        changed.max(self.record.started)
    }

    /// The work is settled: nothing is left to be finished.
    pub(crate) fn settle(self) -> io::Result<()> {
        self.remove()?;
        flush()
    }

    /// The same, and that it is so is still to be flushed.
    pub(crate) fn remove(self) -> io::Result<()> {
        let Some(folder) = folder() else {
            return Ok(());
        };
        let name = self.record.file_name();
        if cfg!(windows) {
            // A file that is open cannot be removed there. Elsewhere the lock is held to the end, so that nobody takes the record for
            // one that was left.
            drop(self);
        }
        folder.remove_unflushed(&name)
    }
}

/// Makes last what was removed.
pub(crate) fn flush() -> io::Result<()> {
    folder().map_or(Ok(()), |folder| folder.flush())
}

/// All records, oldest first. A file that is no record is told of and hides no other.
pub(crate) fn unfinished() -> io::Result<Vec<Found>> {
    folder().map_or_else(|| Ok(Vec::new()), |folder| unfinished_in(&folder))
}

fn unfinished_in(folder: &Folder) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for name in folder.names()? {
        let path = folder.path().join(&name);
        // Opening a pipe would wait for its other end.
        if path
            .symlink_metadata()
            .is_ok_and(|metadata| !metadata.is_file())
        {
            found.push(Found::Unreadable(name, "it is no file".to_owned()));
            continue;
        }
        let mut file = match trust_file(&path, false).and_then(|()| File::open(path)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                found.push(Found::Unreadable(name, error.to_string()));
                continue;
            }
        };
        if matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
            // Where a lock keeps others from reading too (Windows), a run that lives is not seen.
            found.extend(read(&mut file).ok().map(Found::UnderWay));
            continue;
        }
        // A record that was settled since its name was read is none any more.
        if !folder.path().join(&name).exists() {
            continue;
        }
        found.push(match read(&mut file) {
            Ok(record) if record.file_name() == name => Found::Record(record),
            Ok(_) => Found::Unreadable(name, "it is another operation's record".to_owned()),
            Err(error) => Found::Unreadable(name, error.to_string()),
        });
    }
    ordered::by_number(&mut found, |found| match found {
        Found::Record(record) | Found::UnderWay(record) => record.started,
        Found::Unreadable(..) => i64::MAX,
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

/// Notes on the record that the manager is asked once more, by the time at which the file was last changed: `recover` counts from
/// there. Where that cannot be noted, it counts from the record's own time.
pub(crate) fn asked_again(record: &Record) {
    let Some(folder) = folder() else { return };
    let noted = File::options()
        .write(true)
        .open(folder.path().join(record.file_name()))
        .and_then(|file| file.set_modified(SystemTime::now()));
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

/// Any bytes are a record or an error.
fn parse(content: &[u8]) -> io::Result<Record> {
    let record: Record =
        serde_json::from_slice(content).map_err(|error| io::Error::other(json_problem(&error)))?;
    let named = !record.operation.is_empty()
        && record
            .operation
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit());
    if named {
        Ok(record)
    } else {
        Err(io::Error::other(
            "line 1: its operation is not a hex number",
        ))
    }
}

#[cfg(any(test, fuzzing))]
#[path = "fuzzing/record.rs"]
pub(crate) mod fuzzing;

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;

//! Lists the records of unfinished operations.

use std::fs::{File, TryLockError};
use std::io;

use super::folder::{folder, read};
use super::record::Record;
use crate::storage::permissions::trust_file;
use crate::storage::state_dir::Folder;

/// A file in the journal folder.
pub(crate) enum JournalEntry {
    /// The record of a run whose process has ended.
    Record(Record),
    /// The record of a run that is still in progress.
    InProgress(Record),
    /// The name of a file that is not a valid record, and the reason.
    Unreadable(String, String),
}

/// Returns all records, oldest first, and all files that are not valid records.
///
/// # Errors
/// Returns an error if the folder cannot be read, or if other users can change it.
pub(crate) fn unfinished() -> io::Result<Vec<JournalEntry>> {
    folder().map_or_else(|| Ok(Vec::new()), |folder| unfinished_in(&folder))
}

pub(super) fn unfinished_in(folder: &Folder) -> io::Result<Vec<JournalEntry>> {
    let mut found = Vec::new();
    for name in folder.names()? {
        let path = folder.path().join(&name);
        // The file type is checked before the file is opened, because opening a pipe would block.
        if path
            .symlink_metadata()
            .is_ok_and(|metadata| !metadata.is_file())
        {
            found.push(JournalEntry::Unreadable(
                name,
                "the path is not a regular file".to_owned(),
            ));
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
            // On Windows, a record that another process has locked cannot be read, so the list does not contain this record.
            found.extend(read(&mut file).ok().map(JournalEntry::InProgress));
            continue;
        }
        // Another run may have removed the record after the folder was listed.
        if !folder.path().join(&name).exists() {
            continue;
        }
        found.push(match read(&mut file) {
            Ok(record) if record.file_name() == name => JournalEntry::Record(record),
            Ok(_) => JournalEntry::Unreadable(
                name,
                "the file is the record of a different operation".to_owned(),
            ),
            Err(error) => JournalEntry::Unreadable(name, error.to_string()),
        });
    }
    found.sort_by_cached_key(|found| match found {
        JournalEntry::Record(record) | JournalEntry::InProgress(record) => record.started,
        JournalEntry::Unreadable(..) => i64::MAX,
    });
    Ok(found)
}

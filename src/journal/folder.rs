//! Reads and writes the files in the journal folder.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::record::{LIMIT, Record, parse};
use crate::storage::file_lock::lock_within_limit;
use crate::storage::state_dir::Folder;

const FOLDER: &str = "unfinished";

/// Returns the journal folder, or `None` if the state folder cannot be determined.
pub(super) fn folder() -> Option<Folder> {
    Folder::of_state(FOLDER)
}

/// Reads and parses the record in the open file.
pub(super) fn read(file: &mut File) -> io::Result<Record> {
    let mut content = Vec::new();
    file.take(LIMIT).read_to_end(&mut content)?;
    parse(&content)
}

/// Returns the path of the journal folder, for messages.
pub(crate) fn place() -> String {
    folder().map_or_else(
        || "no folder".to_owned(),
        |folder| folder.path().display().to_string(),
    )
}

/// Locks the journal folder. A run fails if it finds the record of a concurrent run on the same key. The caller checks for such records while it
/// holds the lock, so that of several concurrent runs, the last one to check finds none and continues. Returns `None` if the folder cannot be locked.
pub(crate) fn turn() -> Option<File> {
    let folder = File::open(folder()?.path()).ok()?;
    lock_within_limit(&folder).ok().map(|()| folder)
}

/// Flushes the journal folder, so that the removal of records survives a power failure.
pub(crate) fn flush() -> io::Result<()> {
    folder().map_or(Ok(()), |folder| folder.flush())
}

/// Writes a record to a new file, which replaces the old file of the record. Returns the new file, which is locked.
pub(super) fn replace(record: &Record) -> io::Result<File> {
    let folder =
        folder().ok_or_else(|| io::Error::other("the state folder could not be determined"))?;
    folder.replace_locked(&record.file_name(), &record.content()?)
}

/// Overwrites the header of a record in one system call.
#[cfg(unix)]
pub(super) fn overwrite(file: &File, head: &str) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, head.as_bytes(), 0)
}

/// Overwrites the header of a record.
#[cfg(not(unix))]
pub(super) fn overwrite(mut file: &File, head: &str) -> io::Result<()> {
    use std::io::{Seek as _, SeekFrom, Write as _};
    file.seek(SeekFrom::Start(0))?;
    file.write_all(head.as_bytes())
}

/// Returns true if the file at this path is still the open file.
#[cfg(unix)]
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let of_file = file.metadata().map(identity);
    let of_path = path.metadata().map(identity);
    matches!((of_file, of_path), (Ok(file), Ok(there)) if file == there)
}

#[cfg(not(unix))]
pub(super) fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

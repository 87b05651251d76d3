//! What several sinks ask of a path before they write there.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Error;
use crate::process::signals::Signals;
use crate::storage::atomic_file::file_name;
use crate::storage::file_lock::{FileLock, LockFailure, lock_file};
use crate::storage::open_folder::{OpenFolder, folder_of};
use crate::storage::replaced_file::ReplacedFile;
use crate::storage::write_mode::{WriteMode, write_mode};

/// What is at the path: nothing, or a plain file.
///
/// # Errors
/// Of usage, where it is something else: a secret does not go where a link leads.
pub(super) fn plain_file(flag: &str, path: &Path) -> Result<Option<Metadata>, Error> {
    if !names_a_file(path) {
        return Err(Error::usage(
            format!("`{flag}` {} names a folder", path.display()),
            "name the file itself; nothing was created on the manager",
        ));
    }
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(Some(metadata)),
        Ok(_) => Err(Error::usage(
            format!("`{flag}` {} is not a plain file", path.display()),
            "links, folders, pipes and devices are not written to; leave the flag out for stdout",
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unwritable(flag, path, &error)),
    }
}

/// `key/` and `key/.` are folders to the system, and files to Rust, which reads past what follows the last name.
fn names_a_file(path: &Path) -> bool {
    let whole = path.as_os_str().as_encoded_bytes();
    path.file_name()
        .is_some_and(|name| whole.ends_with(name.as_encoded_bytes()))
}

/// The place does not do, and nothing is lost yet.
pub(super) fn unwritable(flag: &str, path: &Path, error: &io::Error) -> Error {
    Error::usage(
        format!("`{flag}` {} cannot be written: {error}", path.display()),
        "name a file in a folder that exists and that you may write to; nothing was created on the manager",
    )
}

/// Opens the folder of a file that is to be written, and finds out how that can be done.
///
/// # Errors
/// Of usage, if it cannot: the system would let no other file take its place.
pub(super) fn open_target(flag: &str, path: &Path) -> Result<(Arc<OpenFolder>, WriteMode), Error> {
    let failed = |error: io::Error| unwritable(flag, path, &error);
    let name = file_name(path).map_err(failed)?;
    let folder = OpenFolder::of_file(path).map_err(failed)?;
    match write_mode(&folder, name) {
        Ok(mode) => Ok((Arc::new(folder), mode)),
        Err(error) => Err(Error::usage(
            format!("`{flag}` {} cannot be replaced: {error}", path.display()),
            "change that, or name another file; nothing was created on the manager",
        )),
    }
}

/// Opens a plain file, and nothing that has taken its place in the meantime.
///
/// # Errors
/// Of the system, or that it is no plain file.
pub(super) fn open_plain(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
    }
    #[cfg(not(unix))]
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(io::Error::other("it is a link"));
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is no plain file"))
    }
}

/// Locks a file that is written in place. It may be mounted in several places, so its folder is not what others lock.
///
/// # Errors
/// Returns an error if another process holds the lock for too long, or if a signal comes first.
pub(super) async fn lock_in_place(
    file: &File,
    path: &Path,
    signals: &Signals,
) -> Result<FileLock, LockFailure> {
    lock_file(file, path.display().to_string(), signals).await
}

/// The same to undo what was written, if that was done in place. No signal ends the wait: what is undone is undone.
///
/// # Errors
/// Returns an error if another process holds the lock for too long.
pub(super) async fn lock_overwritten(
    placed: &ReplacedFile,
    path: &Path,
) -> Result<Option<FileLock>, LockFailure> {
    match placed.overwritten() {
        Some(file) => lock_in_place(file, path, &Signals::default())
            .await
            .map(Some),
        None => Ok(None),
    }
}

/// The path by which two ways of writing it can be told to be one.
pub(super) fn identity(path: &Path) -> PathBuf {
    let folder = fs::canonicalize(folder_of(path)).unwrap_or_else(|_| folder_of(path).to_owned());
    path.file_name()
        .map_or_else(|| path.to_owned(), |name| folder.join(name))
}

/// A name that a shell can give to a variable.
///
/// # Errors
/// In words.
pub(crate) fn variable_name(text: &str) -> Result<String, &'static str> {
    let good = |character: char| character.is_ascii_alphanumeric() || character == '_';
    if text.chars().all(good) && text.starts_with(|first: char| !first.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err(
            "a variable's name is made of letters, digits and underscores, and begins with no digit",
        )
    }
}

//! Checks and opens the files that the secret will be written to.

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

/// Returns the metadata of the regular file at this path, or `None` if the file does not exist.
///
/// # Errors
/// Returns a usage error if the path exists and is not a regular file. A symbolic link is also rejected, because a secret must not be
/// written through a link.
pub(super) fn plain_file(flag: &str, path: &Path) -> Result<Option<Metadata>, Error> {
    if !names_a_file(path) {
        return Err(Error::usage(
            format!("`{flag}`: {} is a folder", path.display()),
            "pass the path of a file (nothing was created on the manager)",
        ));
    }
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(Some(metadata)),
        Ok(metadata) if metadata.is_symlink() => Err(Error::usage(
            format!("`{flag}`: {} is a symbolic link", path.display()),
            "pass the path of the file to which the link points (nothing was created on the manager)",
        )),
        Ok(_) => Err(Error::usage(
            format!("`{flag}`: {} is not a regular file", path.display()),
            "pass the path of a regular file, or omit the flag to print the secret to stdout",
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unwritable(flag, path, &error)),
    }
}

/// Returns true if the path ends with a file name. The system treats `key/` and `key/.` as folders, although `Path::file_name` returns
/// `key` for both paths.
fn names_a_file(path: &Path) -> bool {
    let whole = path.as_os_str().as_encoded_bytes();
    path.file_name()
        .is_some_and(|name| whole.ends_with(name.as_encoded_bytes()))
}

/// Returns the usage error for a file that cannot be written. Only for use before a secret is created: the hint states that nothing was created.
pub(super) fn unwritable(flag: &str, path: &Path, error: &io::Error) -> Error {
    Error::usage(
        format!("`{flag}`: could not write {}: {error}", path.display()),
        "choose a file in an existing, writable folder (nothing was created on the manager)",
    )
}

/// Opens the folder of a file that will be written. Also returns how the file can be written: by replacing it or by overwriting it in
/// place.
///
/// # Errors
/// Returns a usage error if the folder cannot be opened, or if the file can be neither replaced nor overwritten.
pub(super) fn open_target(flag: &str, path: &Path) -> Result<(Arc<OpenFolder>, WriteMode), Error> {
    let failed = |error: io::Error| unwritable(flag, path, &error);
    let name = file_name(path).map_err(failed)?;
    let folder = OpenFolder::of_file(path).map_err(failed)?;
    match write_mode(&folder, name) {
        Ok(mode) => Ok((Arc::new(folder), mode)),
        Err(error) => Err(Error::usage(
            format!("`{flag}`: could not replace {}: {error}", path.display()),
            "fix the cause or choose a different file (nothing was created on the manager)",
        )),
    }
}

/// Opens a regular file. The file type is checked again, because another process may have replaced the file since the first check.
///
/// # Errors
/// Returns the system's error, or an error if the file is not a regular file.
pub(super) fn open_plain(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
    }
    #[cfg(not(unix))]
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(io::Error::other("the file is a symbolic link"));
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("the path is not a regular file"))
    }
}

/// Locks the file itself before it is overwritten in place. A lock on the file's folder is not sufficient, because the same file may be mounted in
/// several folders.
///
/// # Errors
/// Returns an error if another process holds the lock for too long, or if a signal arrives.
pub(super) async fn lock_in_place(
    file: &File,
    path: &Path,
    signals: &Signals,
) -> Result<FileLock, LockFailure> {
    lock_file(file, path.display().to_string(), signals).await
}

/// Locks a file that was overwritten in place, so that its content can be restored. The wait for the lock ignores the first signal, because
/// the rollback must not be interrupted.
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

/// Returns the canonical form of the path, to compare it with other paths.
pub(super) fn identity(path: &Path) -> PathBuf {
    let folder = fs::canonicalize(folder_of(path)).unwrap_or_else(|_| folder_of(path).to_owned());
    path.file_name()
        .map_or_else(|| path.to_owned(), |name| folder.join(name))
}

/// Parses the name of an environment variable for the secret.
///
/// # Errors
/// Returns the rule for names if `text` is not a valid name in a shell. Also rejects names such as `PATH`. The dynamic linker and shells read these
/// variables, and may print their values in error messages (ld.so(8), bash(1)).
pub(crate) fn variable_name(text: &str) -> Result<String, &'static str> {
    let is_of_system = ["PATH", "IFS", "ENV", "BASH_ENV"].contains(&text)
        || ["LD_", "DYLD_"]
            .iter()
            .any(|prefix| text.starts_with(prefix));
    if is_of_system {
        return Err(
            "PATH, IFS, ENV, BASH_ENV, LD_* and DYLD_* are not allowed, because the system reads these variables and may print the secret",
        );
    }
    let good = |character: char| character.is_ascii_alphanumeric() || character == '_';
    if text.chars().all(good) && text.starts_with(|first: char| !first.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("expected letters, digits and underscores, not starting with a digit")
    }
}

//! Checks who can read or change files with secrets, files with commands to run, and files in the state folder.

use std::fs::Metadata;
use std::io;
use std::path::Path;

#[cfg(unix)]
use super::locations::is_absent;
use crate::error::Error;

/// Rejects a file that a secret will be written to if other users can read or write it.
///
/// # Errors
/// Returns a usage error whose hint is the command that fixes the permissions. `origin` is the flag or environment variable that contains
/// the path of the file.
pub(crate) fn require_private(origin: &str, path: &Path, metadata: &Metadata) -> Result<(), Error> {
    if !is_loose(metadata) {
        return Ok(());
    }
    let path = path.display();
    Err(Error::usage(
        format!("{origin}: other users of this machine can read {path}"),
        format!("run `chmod 600 {path}`, or add `--allow-loose-permissions`"),
    ))
}

/// Returns true if users other than the owner can read, write or execute the file.
#[cfg(unix)]
pub(crate) fn is_loose(metadata: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o077 != 0
}

/// Returns false. On Windows, other users have no access to the files in a user's profile, because the files inherit the permissions of the
/// profile.
#[cfg(not(unix))]
pub(crate) fn is_loose(_metadata: &Metadata) -> bool {
    false
}

/// Rejects a file that other users can change or replace. `consequence` is the last clause of the error message, for example "commands in
/// it would be run as you".
///
/// # Errors
/// Returns a usage error whose hint is the command that fixes the permissions.
#[cfg(unix)]
pub(crate) fn require_trusted_owner(
    path: &Path,
    metadata: &Metadata,
    consequence: &str,
) -> Result<(), Error> {
    refuse_other_writers(path, metadata, false, consequence)?;
    path.parent()
        .map_or(Ok(()), |folder| require_trusted_folder(folder, consequence))
}

/// Rejects the folder of a trusted file if other users can replace the file. A folder with the sticky bit is accepted, because the sticky
/// bit lets other users add files but not replace files.
///
/// # Errors
/// Returns a usage error whose hint is the command that fixes the permissions.
#[cfg(unix)]
pub(crate) fn require_trusted_folder(folder: &Path, consequence: &str) -> Result<(), Error> {
    match std::fs::metadata(folder) {
        Ok(metadata) => refuse_other_writers(folder, &metadata, true, consequence),
        Err(_) => Ok(()),
    }
}

#[cfg(unix)]
fn refuse_other_writers(
    path: &Path,
    metadata: &Metadata,
    allow_sticky: bool,
    consequence: &str,
) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt as _;
    let user = rustix::process::geteuid().as_raw();
    let path = path.display();
    if metadata.uid() != user && metadata.uid() != 0 {
        return Err(Error::usage(
            format!("{path} belongs to another user, and {consequence}"),
            format!("run `chown \"$USER\" {path}`, or set SWP_CONFIG_DIR to a different folder"),
        ));
    }
    let is_sticky = metadata.mode() & 0o1000 != 0;
    if metadata.mode() & 0o022 == 0 || (is_sticky && allow_sticky) {
        return Ok(());
    }
    Err(Error::usage(
        format!("other users of this machine can write to {path}, and {consequence}"),
        format!("check the content of {path}, then run `chmod go-w {path}`"),
    ))
}

/// Accepts every path on Windows, because files and folders inherit the permissions of the folder that contains them.
#[cfg(not(unix))]
pub(crate) fn require_trusted_owner(
    _path: &Path,
    _metadata: &Metadata,
    _consequence: &str,
) -> Result<(), Error> {
    Ok(())
}

/// Accepts every path on Windows, because files and folders inherit the permissions of the folder that contains them.
#[cfg(not(unix))]
pub(crate) fn require_trusted_folder(_folder: &Path, _consequence: &str) -> Result<(), Error> {
    Ok(())
}

/// Rejects a file that every user can write. A file that only its group can write is accepted, because the user may be the only member of
/// the group.
///
/// # Errors
/// Returns a usage error whose hint is the command that fixes the permissions. `origin` is the flag or environment variable that contains
/// the path of the file.
#[cfg(unix)]
pub(crate) fn refuse_world_writable(
    origin: &str,
    path: &Path,
    consequence: &str,
) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt as _;
    let is_open = |metadata: Metadata| metadata.is_file() && metadata.mode() & 0o002 != 0;
    if !std::fs::metadata(path).is_ok_and(is_open) {
        return Ok(());
    }
    let path = path.display();
    Err(Error::usage(
        format!("{origin}: everyone on this machine can write to {path}, and {consequence}"),
        format!(
            "check the content of {path}, then run `chmod o-w {path}`, or add `--allow-loose-permissions`"
        ),
    ))
}

/// Accepts every path on Windows, because files and folders inherit the permissions of the folder that contains them.
#[cfg(not(unix))]
pub(crate) fn refuse_world_writable(
    _origin: &str,
    _path: &Path,
    _consequence: &str,
) -> Result<(), Error> {
    Ok(())
}

/// The reason why a state folder or a file in it is not trusted, and a hint on how to fix the problem.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{problem}; {hint}")]
pub(crate) struct UntrustedPath {
    problem: String,
    hint: String,
}

impl UntrustedPath {
    /// If the error contains an [`UntrustedPath`], returns it.
    pub(crate) fn cause_of(error: &io::Error) -> Option<Self> {
        let inner = error.get_ref()?;
        inner.downcast_ref::<Self>().cloned()
    }
}

/// If the error contains an [`UntrustedPath`], returns the usage error for it. For any other error, returns the result of `otherwise`.
pub(crate) fn untrusted_or(error: &io::Error, otherwise: impl FnOnce() -> Error) -> Error {
    UntrustedPath::cause_of(error).map_or_else(otherwise, Error::from)
}

impl From<UntrustedPath> for Error {
    fn from(untrusted: UntrustedPath) -> Self {
        Self::usage(untrusted.problem, untrusted.hint)
    }
}

impl From<UntrustedPath> for io::Error {
    fn from(untrusted: UntrustedPath) -> Self {
        Self::other(untrusted)
    }
}

/// How a folder is used. The use decides whether other users may write to the folder.
///
/// A folder that contains state files must not be writable for other users. A parent of the state folder may be writable if it has the
/// sticky bit, like `/tmp`: other users cannot replace the state folder in it. If another user created the state folder first, the program
/// would reject that folder because of its owner.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// The folder is a parent of the state folder.
    Above,
    /// The folder contains state files.
    Contains,
}

/// Rejects a folder in which other users can change files. If the path is a symbolic link, the folder that it leads to is checked. A
/// missing folder is accepted.
///
/// # Errors
/// Returns [`UntrustedPath`], or an error if the metadata cannot be read.
#[cfg(unix)]
pub(crate) fn trust_folder(path: &Path, used_as: Use) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = match path.metadata() {
        Err(error) if is_absent(&error) => return Ok(()),
        other => other?,
    };
    // A path that is not a folder, such as `/dev/null`, is accepted, because it contains no files.
    if !metadata.is_dir() {
        return Ok(());
    }
    trust_owner(path, &metadata, "folder")?;
    let sticky = metadata.mode() & 0o1000 != 0 && used_as == Use::Above;
    if metadata.mode() & 0o022 == 0 || sticky {
        return Ok(());
    }
    let path = path.display();
    Err(UntrustedPath {
        problem: format!(
            "other users of this machine can write to the folder {path}, so its content is not trusted"
        ),
        hint: format!("run `chmod go-w {path}`, or set SWP_STATE_DIR to a different folder"),
    }
    .into())
}

/// Rejects a state file that other users can write to. If `private` is true, also rejects a file that other users can read.
///
/// # Errors
/// Returns [`UntrustedPath`], or an error if the metadata cannot be read.
#[cfg(unix)]
pub(crate) fn trust_file(path: &Path, private: bool) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = path.metadata()?;
    trust_owner(path, &metadata, "file")?;
    let access = if metadata.mode() & 0o022 != 0 {
        "write to"
    } else if private && is_loose(&metadata) {
        "read"
    } else {
        return Ok(());
    };
    let path = path.display();
    Err(UntrustedPath {
        problem: format!("other users of this machine can {access} {path}, so it is not trusted"),
        hint: format!("run `chmod 600 {path}`, or delete the file"),
    }
    .into())
}

/// Rejects a file or folder that belongs to a different user. Root is accepted as the owner, because root can change any file anyway.
#[cfg(unix)]
fn trust_owner(path: &Path, metadata: &Metadata, what: &str) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let own = rustix::process::geteuid().as_raw();
    if metadata.uid() == own || metadata.uid() == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(UntrustedPath {
        problem: format!(
            "the {what} {path} belongs to another user (ID {}), so it is not trusted",
            metadata.uid()
        ),
        hint: format!(
            "if the {what} should be yours, run `chown {own} {path}` as root; if not, set SWP_STATE_DIR to a different folder"
        ),
    }
    .into())
}

/// Accepts every folder. On Windows, other users have no access to the folders in a user's profile, because the folders inherit the
/// permissions of the profile.
#[cfg(not(unix))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "this function can fail on other systems"
)]
pub(crate) fn trust_folder(_path: &Path, _used_as: Use) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "this function can fail on other systems"
)]
pub(crate) fn trust_file(_path: &Path, _private: bool) -> io::Result<()> {
    Ok(())
}

//! Permission checks: who can read a file with a secret, who can write to a file whose commands are run, and who could have written a file
//! in the state folder.

use std::fs::Metadata;
use std::io;
use std::path::Path;

#[cfg(unix)]
use super::locations::is_absent;
use crate::error::Error;

/// Rejects a file that other users can read or write, because they could read a secret in it or choose its content.
///
/// # Errors
/// Returns a usage error with the command that fixes it. `origin` is the flag or variable that names the file.
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

/// Returns true if anyone but the owner has access to the file.
#[cfg(unix)]
pub(crate) fn is_loose(metadata: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o077 != 0
}

/// Returns false: on Windows, permissions are inherited, and files in the user's profile are private.
#[cfg(not(unix))]
pub(crate) fn is_loose(_metadata: &Metadata) -> bool {
    false
}

/// Rejects a file that other users can change or replace. `consequence` completes the error message, for example "commands in it would be
/// run as you".
///
/// # Errors
/// Returns a usage error with the command that fixes it.
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

/// Rejects the folder of a trusted file if other users can replace files in it. If the folder has the sticky bit, other users can only add
/// files.
///
/// # Errors
/// Returns a usage error with the command that fixes it.
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
        format!("check its content, then run `chmod go-w {path}`"),
    ))
}

/// On Windows, permissions are inherited.
#[cfg(not(unix))]
pub(crate) fn require_trusted_owner(
    _path: &Path,
    _metadata: &Metadata,
    _consequence: &str,
) -> Result<(), Error> {
    Ok(())
}

/// On Windows, permissions are inherited.
#[cfg(not(unix))]
pub(crate) fn require_trusted_folder(_folder: &Path, _consequence: &str) -> Result<(), Error> {
    Ok(())
}

/// Rejects a file that everyone can write to. Write access for the group is accepted, because the user may be its only member.
///
/// # Errors
/// Returns a usage error with the command that fixes it. `origin` is the flag or variable that names the file.
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
            "check its content, then run `chmod o-w {path}`, or add `--allow-loose-permissions`"
        ),
    ))
}

/// On Windows, permissions are inherited.
#[cfg(not(unix))]
pub(crate) fn refuse_world_writable(
    _origin: &str,
    _path: &Path,
    _consequence: &str,
) -> Result<(), Error> {
    Ok(())
}

/// The reason why a file or folder in the state folder is not trusted, and a hint on how to fix it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{problem}; {hint}")]
pub(crate) struct UntrustedPath {
    problem: String,
    hint: String,
}

impl UntrustedPath {
    /// Returns the [`UntrustedPath`] in the error, if it contains one.
    pub(crate) fn cause_of(error: &io::Error) -> Option<Self> {
        let inner = error.get_ref()?;
        inner.downcast_ref::<Self>().cloned()
    }
}

/// Returns the error for an untrusted file or folder, or else the result of `otherwise`.
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

/// The role of a folder for the state folder. Other users may write to a parent of the state folder if it has the sticky bit, like `/tmp`.
/// They cannot replace an existing folder there, and a folder that they created has a different owner.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// It is a parent of the state folder.
    Above,
    /// It contains state files.
    Contains,
}

/// Rejects a folder in which other users can change files. Links are followed. A missing folder is trusted.
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
    // A path that is not a folder contains no files, for example SWP_STATE_DIR=/dev/null.
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

/// Rejects a state file that other users can write. If it is `private`, a file that they can read is rejected as well.
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

/// Rejects a file or folder that belongs to another user. Root is trusted, because root can change everything anyway.
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
            "run `chown {own} {path}` as root if it should be yours, or set SWP_STATE_DIR to a different folder"
        ),
    }
    .into())
}

/// Trusts every folder: on Windows, permissions are inherited, and folders in the user's profile are private.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same form on every system")]
pub(crate) fn trust_folder(_path: &Path, _used_as: Use) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same form on every system")]
pub(crate) fn trust_file(_path: &Path, _private: bool) -> io::Result<()> {
    Ok(())
}

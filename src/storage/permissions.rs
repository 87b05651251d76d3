//! Checks of permissions: who can read a file that holds a secret, who can write to a file whose commands are run, and who could have
//! written a file in the state folder.

use std::fs::Metadata;
use std::io;
use std::path::Path;

#[cfg(unix)]
use super::state_dir::is_absent;
use crate::error::Error;

/// Refuses a file that others may read, or write: they could read what is written to it, or choose what is read.
///
/// # Errors
/// Of usage, with the command that mends it. `origin` is the flag or variable that names the file.
pub(crate) fn require_private(origin: &str, path: &Path, metadata: &Metadata) -> Result<(), Error> {
    if !is_loose(metadata) {
        return Ok(());
    }
    let path = path.display();
    Err(Error::usage(
        format!("{origin}: others on this machine may read {path}"),
        format!("run `chmod 600 {path}`, or say `--allow-loose-permissions`"),
    ))
}

/// Whether anybody but the owner has a right to it.
#[cfg(unix)]
pub(crate) fn is_loose(metadata: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o077 != 0
}

/// The lists of who may read are inherited there, and a file in one's own profile is private.
#[cfg(not(unix))]
pub(crate) fn is_loose(_metadata: &Metadata) -> bool {
    false
}

/// Refuses a file that somebody else may write to, or put another one in its place. `stake` is what hangs on that, as in "commands in it
/// would be run in your name".
///
/// # Errors
/// Of usage, with the command that mends it.
#[cfg(unix)]
pub(crate) fn require_trusted_owner(
    path: &Path,
    metadata: &Metadata,
    stake: &str,
) -> Result<(), Error> {
    refuse_others(path, metadata, false, stake)?;
    path.parent()
        .map_or(Ok(()), |folder| refuse_foreign_folder(folder, stake))
}

/// The same for the folder that such a file is in, or is to be. In one with the sticky bit, others may add files and not replace one.
///
/// # Errors
/// As of [`require_trusted_owner`].
#[cfg(unix)]
pub(crate) fn refuse_foreign_folder(folder: &Path, stake: &str) -> Result<(), Error> {
    match std::fs::metadata(folder) {
        Ok(metadata) => refuse_others(folder, &metadata, true, stake),
        Err(_) => Ok(()),
    }
}

#[cfg(unix)]
fn refuse_others(
    path: &Path,
    metadata: &Metadata,
    sticky_will_do: bool,
    stake: &str,
) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt as _;
    let user = rustix::process::geteuid().as_raw();
    let path = path.display();
    if metadata.uid() != user && metadata.uid() != 0 {
        return Err(Error::usage(
            format!("{path} belongs to somebody else, and {stake}"),
            format!(
                "make it yours, as in `chown \"$USER\" {path}`, or name another folder in SWP_CONFIG_DIR"
            ),
        ));
    }
    let is_sticky = metadata.mode() & 0o1000 != 0;
    if metadata.mode() & 0o022 == 0 || (is_sticky && sticky_will_do) {
        return Ok(());
    }
    Err(Error::usage(
        format!("others on this machine may write to {path}, and {stake}"),
        format!("look at what is in it, then run `chmod go-w {path}`"),
    ))
}

/// As with reading: the lists of rights are inherited there.
#[cfg(not(unix))]
pub(crate) fn require_trusted_owner(
    _path: &Path,
    _metadata: &Metadata,
    _stake: &str,
) -> Result<(), Error> {
    Ok(())
}

/// The same.
#[cfg(not(unix))]
pub(crate) fn refuse_foreign_folder(_folder: &Path, _stake: &str) -> Result<(), Error> {
    Ok(())
}

/// Refuses a file that anybody may write to. That a group may is left to who names the file: it may be the user's own.
///
/// # Errors
/// Of usage, with the command that mends it. `origin` is the flag or variable that names the file.
#[cfg(unix)]
pub(crate) fn refuse_open_to_all(origin: &str, path: &Path, stake: &str) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt as _;
    let is_open = |metadata: Metadata| metadata.is_file() && metadata.mode() & 0o002 != 0;
    if !std::fs::metadata(path).is_ok_and(is_open) {
        return Ok(());
    }
    let path = path.display();
    Err(Error::usage(
        format!("{origin}: anybody on this machine may write to {path}, and {stake}"),
        format!(
            "look at what is in it, then run `chmod o-w {path}`, or say `--allow-loose-permissions`"
        ),
    ))
}

/// As with reading.
#[cfg(not(unix))]
pub(crate) fn refuse_open_to_all(_origin: &str, _path: &Path, _stake: &str) -> Result<(), Error> {
    Ok(())
}

/// Why something of the state is not trusted, and what mends that.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{problem}; {mend}")]
pub(crate) struct UntrustedPath {
    problem: String,
    mend: String,
}

impl UntrustedPath {
    /// Whether this is why something could not be read or written.
    pub(crate) fn cause_of(error: &io::Error) -> Option<Self> {
        let inner = error.get_ref()?;
        inner.downcast_ref::<Self>().cloned()
    }
}

/// The error of the program for one of the disk: what is not trusted can be mended, anything else is what the caller says it is.
pub(crate) fn untrusted_or(error: &io::Error, otherwise: impl FnOnce() -> Error) -> Error {
    UntrustedPath::cause_of(error).map_or_else(otherwise, Error::from)
}

impl From<UntrustedPath> for Error {
    fn from(untrusted: UntrustedPath) -> Self {
        Self::usage(untrusted.problem, untrusted.mend)
    }
}

impl From<UntrustedPath> for io::Error {
    fn from(untrusted: UntrustedPath) -> Self {
        Self::other(untrusted)
    }
}

/// What a folder is for: others may write to one that holds another of ours, where it is sticky as `/tmp` is, because they cannot put
/// anything in the place of what is there, and what they made first is seen to be theirs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Above,
    Holds,
}

/// Refuses a folder in which others may change what is there. A link is as good as what it leads to; one that leads nowhere, and a
/// folder that is not there yet, are nobody's.
///
/// # Errors
/// [`UntrustedPath`], or where it cannot be looked at.
#[cfg(unix)]
pub(crate) fn trust_folder(path: &Path, what_for: Use) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = match path.metadata() {
        Err(error) if is_absent(&error) => return Ok(()),
        other => other?,
    };
    // Nothing is in what is not a folder, such as SWP_STATE_DIR=/dev/null.
    if !metadata.is_dir() {
        return Ok(());
    }
    trust_owner(path, &metadata, "folder")?;
    let sticky = metadata.mode() & 0o1000 != 0 && what_for == Use::Above;
    if metadata.mode() & 0o022 == 0 || sticky {
        return Ok(());
    }
    let path = path.display();
    Err(UntrustedPath {
        problem: format!(
            "others on this machine may write to the folder {path}, so what is in it is not trusted"
        ),
        mend: format!("run `chmod go-w {path}`, or name another folder in SWP_STATE_DIR"),
    }
    .into())
}

/// Refuses a file of the state that others may have written, or, where it is `private`, read.
///
/// # Errors
/// [`UntrustedPath`], or where it cannot be looked at.
#[cfg(unix)]
pub(crate) fn trust_file(path: &Path, private: bool) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = path.metadata()?;
    trust_owner(path, &metadata, "file")?;
    let may = if metadata.mode() & 0o022 != 0 {
        "write to"
    } else if private && is_loose(&metadata) {
        "read"
    } else {
        return Ok(());
    };
    let path = path.display();
    Err(UntrustedPath {
        problem: format!("others on this machine may {may} {path}, so it is not trusted"),
        mend: format!("run `chmod 600 {path}`, or remove it"),
    }
    .into())
}

/// Root may change everything anyway, so what belongs to root is as good as one's own.
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
        mend: format!(
            "run `chown {own} {path}` as root if it is meant to be yours, or name another folder in SWP_STATE_DIR"
        ),
    }
    .into())
}

/// The lists of who may write are inherited there, and a folder in one's own profile is private.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same form on every system")]
pub(crate) fn trust_folder(_path: &Path, _what_for: Use) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same form on every system")]
pub(crate) fn trust_file(_path: &Path, _private: bool) -> io::Result<()> {
    Ok(())
}

//! Who may read a file that holds a secret (surface.md, promise 6), and who may write to one whose commands are run.

use std::fs::Metadata;
use std::path::Path;

use crate::error::Error;

/// Refuses a file that others may read, or write: they could read what is written to it, or choose what is read.
///
/// # Errors
/// Of usage, with the command that mends it. `origin` is the flag or variable that names the file.
pub(crate) fn refuse_loose(origin: &str, path: &Path, metadata: &Metadata) -> Result<(), Error> {
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

/// Refuses a file that somebody else may write to, or put another one in its place: what it says is done in the user's name.
///
/// # Errors
/// Of usage, with the command that mends it.
#[cfg(unix)]
pub(crate) fn refuse_foreign_writers(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt as _;
    // In a folder with the sticky bit, others may add files and not replace one.
    const STICKY: u32 = 0o1000;
    let user = rustix::process::geteuid().as_raw();
    let writers = |metadata: &Metadata| metadata.mode() & 0o022 != 0;
    let strangers = |metadata: &Metadata| metadata.uid() != user && metadata.uid() != 0;
    let folder = path.parent().and_then(|folder| {
        let metadata = std::fs::metadata(folder).ok()?;
        Some((folder, metadata))
    });
    let refused = |which: &Path, is_foreign: bool| {
        let which = which.display();
        Err(Error::usage(
            if is_foreign {
                format!(
                    "{which} belongs to somebody else, and commands in it would be run in your name"
                )
            } else {
                format!(
                    "others on this machine may write to {which}, and commands in it would be run in your name"
                )
            },
            if is_foreign {
                format!(
                    "make it yours, as in `chown \"$USER\" {which}`, or name another folder in SWP_CONFIG_DIR"
                )
            } else {
                format!("run `chmod go-w {which}`")
            },
        ))
    };
    if strangers(metadata) || writers(metadata) {
        return refused(path, strangers(metadata));
    }
    match folder {
        Some((folder, metadata)) if strangers(&metadata) => refused(folder, true),
        Some((folder, metadata)) if writers(&metadata) && metadata.mode() & STICKY == 0 => {
            refused(folder, false)
        }
        _ => Ok(()),
    }
}

/// As with reading: the lists of rights are inherited there.
#[cfg(not(unix))]
pub(crate) fn refuse_foreign_writers(_path: &Path, _metadata: &Metadata) -> Result<(), Error> {
    Ok(())
}

//! Who may read a file that holds a secret (surface.md, promise 6).

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

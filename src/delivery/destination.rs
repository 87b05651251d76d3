//! Describes in words where a secret was delivered.

use std::path::PathBuf;

/// A destination that received a secret. It holds no secret and no open file.
pub(crate) enum Destination {
    /// The stdout of this run.
    Stdout,
    /// A file, with its description.
    File {
        /// The description of the destination.
        place: String,
        /// The path of the file.
        path: PathBuf,
    },
    /// A command that receives the secret, with its description.
    Command(String),
    /// Any other destination, with its description.
    Other(String),
}

impl Destination {
    /// Describes the destination. The description of a file contains its current mode, because a file that existed before the delivery
    /// keeps its mode.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Stdout => "stdout".to_owned(),
            Self::Command(place) | Self::Other(place) => place.clone(),
            Self::File { place, path } => match mode(path) {
                Some(mode) => format!("{place} (mode {mode:04o})"),
                None => place.clone(),
            },
        }
    }
}

/// Returns the permissions of a file, or `None` if they cannot be read.
#[cfg(unix)]
fn mode(path: &std::path::Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(path).ok()?;
    Some(metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(_path: &std::path::Path) -> Option<u32> {
    None
}

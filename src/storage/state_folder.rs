//! Checks the condition of the state folder, without changing the folder.

use std::io;
use std::path::{Path, PathBuf};

use super::locations::{is_absent, state_folder};
use super::permissions::{Use, is_loose, trust_folder};

/// The condition of the state folder.
pub(crate) enum StateFolder {
    /// The path of the state folder cannot be determined, because neither an environment variable nor a home folder is set.
    Unknown,
    /// The path of the state folder leads to something that is not a folder.
    NotAFolder(PathBuf),
    /// The folder does not exist.
    Missing {
        /// Its path.
        path: PathBuf,
        /// True if this user may create the folder.
        can_be_created: bool,
    },
    /// The folder exists.
    Present {
        /// Its path.
        path: PathBuf,
        /// True if this user may create files in the folder.
        is_writable: bool,
        /// True if other users have no access to the folder.
        is_private: bool,
    },
}

/// Returns the condition of the state folder.
///
/// # Errors
/// Returns an error if the folder cannot be read. Returns [`super::permissions::UntrustedPath`] if other users can change the folder.
pub(crate) fn inspect() -> io::Result<StateFolder> {
    let Some(path) = state_folder() else {
        return Ok(StateFolder::Unknown);
    };
    let metadata = match path.metadata() {
        Err(error) if is_absent(&error) => {
            let existing = path.ancestors().skip(1).find(|folder| folder.exists());
            return Ok(StateFolder::Missing {
                can_be_created: existing
                    .is_some_and(|folder| folder.is_dir() && may_create_files(folder)),
                path,
            });
        }
        other => other?,
    };
    if !metadata.is_dir() {
        return Ok(StateFolder::NotAFolder(path));
    }
    trust_folder(&path, Use::Above)?;
    Ok(StateFolder::Present {
        is_writable: may_create_files(&path),
        is_private: !is_loose(&metadata),
        path,
    })
}

/// Returns true if this user may create files in the folder.
#[cfg(unix)]
fn may_create_files(folder: &Path) -> bool {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    let access = Access::WRITE_OK | Access::EXEC_OK;
    accessat(CWD, folder, access, AtFlags::EACCESS).is_ok()
}

/// Returns true if the folder does not have the read-only attribute of Windows.
#[cfg(not(unix))]
fn may_create_files(folder: &Path) -> bool {
    (folder.metadata()).is_ok_and(|metadata| !metadata.permissions().readonly())
}

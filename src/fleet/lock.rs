//! The lock of a fleet: on one machine, at most one run changes the keys of a fleet.

use std::fs::{File, TryLockError};

use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::storage::state_dir::Folder;

const FOLDER: &str = "fleets";

/// Locks a fleet until the returned file is closed. Returns `None` if the state folder cannot be used. The rules of the transaction also protect
/// runs without this lock.
///
/// # Errors
/// Returns a conflict if another run on this machine changes the keys of the fleet.
pub(crate) fn lock(fleet: &str, context: &Context) -> Result<Option<File>, Error> {
    let Some(folder) = Folder::of_state(FOLDER) else {
        return Ok(None);
    };
    let locked = folder
        .open_lock(&format!("{fleet}.lock"))
        .map_err(TryLockError::Error);
    match locked.and_then(|file| file.try_lock().map(|()| file)) {
        Ok(file) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {
            let message =
                format!("another run on this machine is changing the keys of the fleet `{fleet}`");
            Err(Error::new(ErrorKind::Conflict, message)
                .hint("run the command again when the other run has finished"))
        }
        Err(TryLockError::Error(error)) => {
            context.output.warn(&format!(
                "could not lock the fleet `{fleet}` in {}: {error}",
                folder.path().display()
            ));
            Ok(None)
        }
    }
}

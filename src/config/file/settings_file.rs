//! Finds and reads the settings file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::parser;
use super::profiles::Profiles;
use crate::config::source::Sourced;
use crate::error::Error;
use crate::storage::locations::{config_folder, config_variable, is_absent, is_out_of_reach};
use crate::storage::permissions::require_trusted_owner;

/// The reason why other users must not have write access to the settings file. It is a part of an error message.
pub(super) const STAKE: &str = "the commands in this file run as your user";
/// The maximum size of a settings file.
pub(super) const LIMIT: u64 = 1024 * 1024;

/// Returns the path of the settings file, or `None` if the settings folder cannot be determined.
pub(crate) fn path() -> Option<PathBuf> {
    config_folder().map(|folder| folder.join("config.toml"))
}

/// Returns a note if the settings folder cannot be read because of its permissions.
pub(crate) fn closed_folder() -> Option<String> {
    let path = path()?;
    let folder = path.parent()?;
    let error = folder.symlink_metadata().err()?;
    (error.kind() == std::io::ErrorKind::PermissionDenied).then(|| {
        format!(
            "could not read the settings folder {} ({}): {error}; the settings file and the pins are ignored",
            folder.display(),
            config_variable()
        )
    })
}

/// Reads the file and finds all its problems. Returns `None` if the file does not exist.
///
/// # Errors
/// Returns a usage error if the file cannot be read, or if other users can write to it.
pub(crate) fn read() -> Result<Option<Profiles>, Error> {
    let Some(path) = path() else {
        return Ok(None);
    };
    let Some(bytes) = content(&path)? else {
        return Ok(None);
    };
    Ok(Some(parser::document(path, &bytes)))
}

/// Returns the error if a profile was requested but the settings file does not exist.
pub(crate) fn no_file(wanted: &Sourced<String>) -> Error {
    let Sourced { value, source } = wanted;
    Error::usage(
        match path() {
            Some(path) => format!(
                "{source}: profile `{value}` not found: {} does not exist ({})",
                path.display(),
                config_variable()
            ),
            None => {
                format!(
                    "{source}: profile `{value}` not found: could not determine the settings folder"
                )
            }
        },
        "create the file with a `[profiles.NAME]` table, or set SWP_CONFIG_DIR to a different folder",
    )
}

/// Returns the content of the file, or `None` if the file does not exist.
///
/// # Errors
/// Returns a usage error if the file cannot be read, or if other users can write to it.
pub(super) fn content(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let shown = path.display();
    let failed = |reason: &str| {
        Error::usage(
            format!(
                "could not read the settings file {shown} ({}): {reason}",
                config_variable()
            ),
            "make the file readable, or set SWP_CONFIG_DIR to a different folder",
        )
    };
    let mut file = match File::open(path) {
        // SWP_CONFIG_DIR may name a file such as /dev/null instead of a folder. In this case, the settings file counts as missing.
        Err(error) if is_absent(&error) || is_out_of_reach(path) => return Ok(None),
        other => other.map_err(|error| failed(&error.to_string()))?,
    };
    let metadata = file
        .metadata()
        .map_err(|error| failed(&error.to_string()))?;
    if !metadata.is_file() {
        return Err(failed("the path is not a regular file"));
    }
    require_trusted_owner(path, &metadata, STAKE)?;
    let mut bytes = Vec::new();
    Read::by_ref(&mut file)
        .take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(&error.to_string()))?;
    if bytes.len() as u64 > LIMIT {
        return Err(failed("the file is larger than 1 MiB"));
    }
    Ok(Some(bytes))
}

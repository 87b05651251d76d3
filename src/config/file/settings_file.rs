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

/// What hangs on who may write to it.
const STAKE: &str = "commands in it would be run in your name";
/// A settings file is a page or two; what is larger is another file.
const LIMIT: u64 = 1024 * 1024;

/// Where the settings file is looked for; none where this machine has no place for settings.
pub(crate) fn path() -> Option<PathBuf> {
    config_folder().map(|folder| folder.join("config.toml"))
}

/// What to tell a user whose settings may not be looked at; none if they are there, or cannot be.
pub(crate) fn closed_folder() -> Option<String> {
    let path = path()?;
    let folder = path.parent()?;
    let error = folder.symlink_metadata().err()?;
    (error.kind() == std::io::ErrorKind::PermissionDenied).then(|| {
        format!(
            "no settings file and no pins are used: {} ({}): {error}",
            folder.display(),
            config_variable()
        )
    })
}

/// Reads the file, with all that is wrong in it; none where there is no file.
///
/// # Errors
/// Of usage, where it cannot be read, or others may write to it.
pub(crate) fn read() -> Result<Option<Profiles>, Error> {
    let Some(path) = path() else {
        return Ok(None);
    };
    let Some(bytes) = content(&path)? else {
        return Ok(None);
    };
    Ok(Some(parser::document(path, &bytes)))
}

/// A profile was asked for, and no file is there.
pub(crate) fn no_file(wanted: &Sourced<String>) -> Error {
    let Sourced { value, source } = wanted;
    Error::usage(
        match path() {
            Some(path) => format!(
                "{source}: there is no profile `{value}`, since there is no {} ({})",
                path.display(),
                config_variable()
            ),
            None => format!(
                "{source}: there is no profile `{value}`, since this machine has no place for settings"
            ),
        },
        "write it there under `[profiles.NAME]`, or name another folder in SWP_CONFIG_DIR",
    )
}

fn content(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let shown = path.display();
    let failed = |reason: &str| {
        Error::usage(
            format!(
                "could not read the settings file {shown} ({}): {reason}",
                config_variable()
            ),
            "make the file readable, or name another folder in SWP_CONFIG_DIR",
        )
    };
    let mut file = match File::open(path) {
        // A folder that is none (SWP_CONFIG_DIR=/dev/null) holds no file either.
        Err(error) if is_absent(&error) || is_out_of_reach(path) => return Ok(None),
        other => other.map_err(|error| failed(&error.to_string()))?,
    };
    let metadata = file
        .metadata()
        .map_err(|error| failed(&error.to_string()))?;
    if !metadata.is_file() {
        return Err(failed("it is no file"));
    }
    require_trusted_owner(path, &metadata, STAKE)?;
    let mut bytes = Vec::new();
    Read::by_ref(&mut file)
        .take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(&error.to_string()))?;
    if bytes.len() as u64 > LIMIT {
        return Err(failed("it is larger than 1 MiB"));
    }
    Ok(Some(bytes))
}

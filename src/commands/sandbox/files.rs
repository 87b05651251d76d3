//! The files of the sandbox: `--roles`, `--keys` and `--keys-at-end`.

use std::fs::OpenOptions;
use std::path::Path;

use serde_json::Value;

use crate::error::Error;
use crate::sandbox::Sandbox;
use crate::storage::parse_error::json_problem;

/// Reads `--roles`.
///
/// # Errors
/// Returns a usage error if the file cannot be read or is not a JSON array.
pub(super) fn read_roles(path: &Path) -> Result<Vec<Value>, Error> {
    read_list(path, "roles").map_err(|reason| {
        Error::usage(
            format!("`--roles`: `{}` {reason}", path.display()),
            "write a JSON array of roles to the file, such as [{\"name\": \"Operator\", \"allowWebService\": true}]",
        )
    })
}

/// Adds the keys of `--keys` to the sandbox.
///
/// # Errors
/// Returns a usage error if the file cannot be read, is not a JSON array, or describes a key that cannot exist.
pub(super) fn add_keys(path: &Path, sandbox: &Sandbox) -> Result<(), Error> {
    let problem = |reason: String| {
        Error::usage(
            format!("`--keys`: `{}` {reason}", path.display()),
            "write a JSON array of keys to the file, such as [{\"keyName\": \"ci\", \"created\": \"-61d\"}]",
        )
    };
    let documents = read_list(path, "keys").map_err(problem)?;
    for (index, document) in documents.iter().enumerate() {
        sandbox.add_described_key(document).map_err(|error| {
            problem(format!(
                "has a problem in key number {}: {error:#}",
                index + 1
            ))
        })?;
    }
    Ok(())
}

/// Returns the array in a file, or the reason why it could not be read.
fn read_list(path: &Path, objects: &str) -> Result<Vec<Value>, String> {
    let text = std::fs::read(path).map_err(|error| format!("could not be read: {error}"))?;
    serde_json::from_slice(&text)
        .map_err(|error| format!("is not a JSON array of {objects}: {}", json_problem(&error)))
}

/// Checks that the file of `--keys-at-end` can be written. Its content stays.
///
/// # Errors
/// Returns a usage error if the file cannot be opened.
pub(super) fn check_writable(path: &Path) -> Result<(), Error> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    match opened {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::usage(
            format!(
                "`--keys-at-end`: could not open `{}`: {error}",
                path.display()
            ),
            "set the flag to a file in an existing folder",
        )),
    }
}

/// Writes the keys of the sandbox to the file of `--keys-at-end`, one on each line.
///
/// # Errors
/// Returns an error if the file cannot be written.
pub(super) fn write_keys(path: &Path, sandbox: &Sandbox) -> Result<(), Error> {
    let keys: Vec<String> = sandbox
        .key_documents()
        .iter()
        .map(Value::to_string)
        .collect();
    std::fs::write(path, format!("[{}]\n", keys.join(",\n"))).map_err(|error| {
        Error::unexpected(format!(
            "`--keys-at-end`: could not write `{}`: {error}",
            path.display()
        ))
    })
}

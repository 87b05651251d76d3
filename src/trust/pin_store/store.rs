//! Reads and writes the pin store.
//!
//! The file contains no secret, but its content decides which server receives the password. So the file is written atomically with mode
//! 0600, and is rejected if other users can write to it.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::parser;
use super::pins::PinStore;
use crate::error::Error;
use crate::process::signals::Signals;
use crate::storage::atomic_file::AtomicFile;
use crate::storage::file_lock::{LockFailure, lock_folder_within};
use crate::storage::open_folder::OpenFolder;
use crate::storage::permissions::{require_trusted_folder, require_trusted_owner};
use crate::storage::{locations, state_dir};

const NAME: &str = "trusted.toml";
/// The maximum size of the file. An entry takes about 200 bytes, so this size is enough for 5,000 managers.
const MAX_BYTES: u64 = 1024 * 1024;
/// The maximum time to wait for other runs that are changing the file.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// The last clause of an error message. It states why other users must not be able to write to the file.
const STAKE: &str = "its content decides which server receives the password";
const HEADER: &str = "\
# Known managers and the fingerprints of their public keys (SHA-256 of the SPKI). Written by `swp-keys`; remove a manager with
# `swp-keys trust remove HOST`.

";

impl PinStore {
    /// Returns the path of the file, or `None` if the settings folder cannot be determined.
    pub(crate) fn path() -> Option<PathBuf> {
        locations::config_folder().map(|folder| folder.join(NAME))
    }

    /// Reads the file. If the file does not exist, returns an empty store.
    ///
    /// # Errors
    /// Returns a usage error if the file cannot be read or parsed, or if other users can write to it.
    pub(crate) fn read() -> Result<Self, Error> {
        Self::path().map_or_else(|| Ok(Self::default()), |path| Self::read_at(&path))
    }

    fn read_at(path: &Path) -> Result<Self, Error> {
        let unreadable = |error: &dyn std::fmt::Display| {
            Error::usage(
                format!(
                    "could not read {} ({}): {error}",
                    path.display(),
                    locations::config_variable()
                ),
                "fix the file, or remove it to unpin all managers",
            )
        };
        // The file type is checked first, because opening a pipe would block.
        match fs::metadata(path) {
            Err(error) if locations::is_absent(&error) => return Ok(Self::default()),
            Ok(metadata) if !metadata.is_file() => {
                return Err(unreadable(&"the path is not a regular file"));
            }
            _ => {}
        }
        let file = File::open(path).map_err(|error| unreadable(&error))?;
        let metadata = file.metadata().map_err(|error| unreadable(&error))?;
        require_trusted_owner(path, &metadata, STAKE)?;
        let mut text = String::new();
        file.take(MAX_BYTES)
            .read_to_string(&mut text)
            .map_err(|error| unreadable(&error))?;
        Self::parse(&text).map_err(|error| unreadable(&error))
    }

    /// Parses the text of the file.
    ///
    /// # Errors
    /// Returns the problem and its line number.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        parser::parse(text).map_err(|(offset, reason)| {
            let before = text.get(..offset).unwrap_or_default();
            format!("line {}: {reason}", before.matches('\n').count() + 1)
        })
    }

    /// Locks the store, applies `change` to its content, writes the file, and returns the result of `change`.
    ///
    /// # Errors
    /// Returns a usage error if the file cannot be read or written. Returns an error if a signal arrives before the file is locked. After an error,
    /// the file is unchanged.
    pub(crate) async fn change<T>(
        signals: &Signals,
        change: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, Error> {
        let Some(path) = Self::path() else {
            return Err(unwritable("the settings folder could not be determined"));
        };
        let folder = path.parent().unwrap_or(&path);
        let failed = |error: io::Error| unwritable(&format!("{}: {error}", path.display()));
        state_dir::make_private_folder(folder).map_err(failed)?;
        // The folder is also checked, because a user who can write to the folder could delete the file. Without the file, every manager would be
        // unknown.
        require_trusted_folder(folder, STAKE)?;
        // The folder is locked instead of the file, because the write replaces the file. The lock is held until the end of this function.
        let open = OpenFolder::open(folder).map_err(failed)?;
        let _lock = match lock_folder_within(LOCK_WAIT, &open, signals).await {
            Ok(lock) => lock,
            Err(LockFailure::Interrupted { signal, .. }) => return Err(Error::interrupted(signal)),
            Err(failure) => return Err(failed(failure.into())),
        };
        let mut store = Self::read_at(&path)?;
        let result = change(&mut store);
        let text = toml::to_string(&store).map_err(|error| unwritable(&error.to_string()))?;
        AtomicFile::prepare(&path)
            .and_then(|file| file.commit(format!("{HEADER}{text}").as_bytes(), true))
            .map_err(failed)?;
        Ok(result)
    }
}

fn unwritable(reason: &str) -> Error {
    Error::usage(
        format!("could not store the pin: {reason}"),
        "set SWP_CONFIG_DIR to a writable folder, or pass the pin on each run (`--tls-pin`, SWP_TLS_PIN)",
    )
}

#[cfg(test)]
mod tests {
    use super::super::pins::KnownManager;
    use super::*;
    use crate::manager::Pin;

    const PIN: &str = "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    #[test]
    fn a_written_store_parses_to_the_same_store() {
        let pin: Pin = PIN.parse().unwrap_or_else(|error| panic!("{error}"));
        let known = KnownManager {
            pins: vec![pin],
            added: "2026-11-24T09:00:00Z".to_owned(),
        };
        let mut store = PinStore::default();
        store
            .managers
            .insert("[::1]:4119".to_owned(), known.clone());
        store
            .managers
            .insert("dsm.example.com:4119".to_owned(), known);
        let text = toml::to_string(&store).unwrap_or_default();
        assert_eq!(PinStore::parse(&format!("{HEADER}{text}")), Ok(store));
    }

    #[test]
    fn every_problem_is_reported_with_its_line() {
        let table = "[managers.\"a:1\"]\n";
        for (text, message) in [
            (
                format!("{table}pins = []\nadded = \"\"\n"),
                "line 2: `pins` is empty",
            ),
            (
                format!("{table}pins = [\"md5:00\"]\nadded = \"\"\n"),
                "line 2: invalid pin: ",
            ),
            (
                format!("{table}added = \"\"\n"),
                "line 1: the fields `pins` and `added` are required",
            ),
            (
                format!("{table}pins = [\"{PIN}\"]\nadded = \"\"\npin = 1\n"),
                "line 4: unknown field in an entry of `managers`",
            ),
            (
                format!("{table}pins = \"hunter2\"\n"),
                "line 2: `pins` must be an array of strings",
            ),
            ("x".to_owned(), "line 1: "),
            ("hunter2 = 1".to_owned(), "line 1: unknown field"),
            (
                "managers = 1".to_owned(),
                "line 1: `managers` must be a table",
            ),
            (
                "[managers]\na = 1".to_owned(),
                "line 2: each entry in `managers` must be a table",
            ),
        ] {
            let error = PinStore::parse(&text).err().unwrap_or_default();
            assert!(error.starts_with(message), "{text}: {error}");
            assert!(!error.contains("hunter"), "{text}: {error}");
        }
    }
}

//! The pins that are kept: `trusted.toml` beside the settings, a table a manager. Pure data, no network.
//!
//! It holds no secret, but whoever can write to it decides who gets the password: it is written 0600, whole or not at all, and one that
//! others may write to is not believed.

mod parser;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::error::Error;
use crate::manager::Pin;
use crate::process::signals::Signals;
use crate::storage::atomic_file::AtomicFile;
use crate::storage::file_lock::{LockFailure, lock_folder_within};
use crate::storage::open_folder::OpenFolder;
use crate::storage::permissions::{refuse_foreign_folder, require_trusted_owner};
use crate::storage::state_dir;

const NAME: &str = "trusted.toml";
/// A table is some 200 bytes; a file that is larger than 5,000 of them is another file.
const LIMIT: u64 = 1024 * 1024;
/// How long to wait while other runs change it.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// What hangs on who may write to it.
const STAKE: &str = "it decides who gets the password";
const HEAD: &str = "\
# Managers and the keys they are known by. Written by `swp-keys trust` and at first use; `swp-keys trust remove HOST` takes one out.
# A key is the SHA-256 of the public key (SPKI) in the manager's certificate.

";

/// What is kept of one manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct KnownManager {
    /// The keys it may show; never none.
    #[serde(serialize_with = "as_texts")]
    pub(crate) pins: Vec<Pin>,
    /// When the first was pinned, in RFC 3339.
    pub(crate) added: String,
}

fn as_texts<S: serde::Serializer>(pins: &[Pin], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(pins.iter().map(Pin::to_string))
}

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct PinStore {
    /// By host and port.
    pub(crate) managers: BTreeMap<String, KnownManager>,
}

impl PinStore {
    /// Where the file is; `None` where this machine has no place for it.
    pub(crate) fn path() -> Option<PathBuf> {
        state_dir::config_folder().map(|folder| folder.join(NAME))
    }

    /// Reads the file; nothing is kept where there is none.
    ///
    /// # Errors
    /// Of usage, where it cannot be read, is no such file, or others may write to it.
    pub(crate) fn read() -> Result<Self, Error> {
        Self::path().map_or_else(|| Ok(Self::default()), |path| Self::read_at(&path))
    }

    fn read_at(path: &Path) -> Result<Self, Error> {
        let unreadable = |error: &dyn std::fmt::Display| {
            Error::usage(
                format!(
                    "could not read {} ({}): {error}",
                    path.display(),
                    state_dir::config_variable()
                ),
                "mend it or remove it; without it, each manager is met anew",
            )
        };
        // Looked at before it is opened: whoever opens a pipe waits for its other end.
        match fs::metadata(path) {
            Err(error) if state_dir::is_absent(&error) => return Ok(Self::default()),
            Ok(metadata) if !metadata.is_file() => return Err(unreadable(&"it is no file")),
            _ => {}
        }
        let file = File::open(path).map_err(|error| unreadable(&error))?;
        let metadata = file.metadata().map_err(|error| unreadable(&error))?;
        require_trusted_owner(path, &metadata, STAKE)?;
        let mut text = String::new();
        file.take(LIMIT)
            .read_to_string(&mut text)
            .map_err(|error| unreadable(&error))?;
        Self::parse(&text).map_err(|error| unreadable(&error))
    }

    /// Any text is a file of this kind or an error that says where.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        parser::trusted(text).map_err(|(offset, reason)| {
            let before = text.get(..offset).unwrap_or_default();
            format!("line {}: {reason}", before.matches('\n').count() + 1)
        })
    }

    /// Changes the file, alone among all runs of this machine, and returns what `change` does.
    ///
    /// # Errors
    /// Of usage, where it cannot be read or written; of a signal that came first. Nothing is changed then.
    pub(crate) async fn change<T>(
        signals: &Signals,
        change: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, Error> {
        let Some(path) = Self::path() else {
            return Err(unwritable("this machine names no place for settings"));
        };
        let folder = path.parent().unwrap_or(&path);
        let failed = |error: io::Error| unwritable(&format!("{}: {error}", path.display()));
        state_dir::make_private_folder(folder).map_err(failed)?;
        // Who may take the file away makes every manager unknown again.
        refuse_foreign_folder(folder, STAKE)?;
        // Held to the end: the file itself is replaced, so it cannot carry the lock.
        let open = OpenFolder::open(folder).map_err(failed)?;
        let _lock = match lock_folder_within(LOCK_WAIT, &open, signals).await {
            Ok(lock) => lock,
            Err(LockFailure::Interrupted { signal, .. }) => return Err(Error::interrupted(signal)),
            Err(failure) => return Err(failed(failure.into())),
        };
        let mut trusted = Self::read_at(&path)?;
        let result = change(&mut trusted);
        let text = toml::to_string(&trusted).map_err(|error| unwritable(&error.to_string()))?;
        AtomicFile::prepare(&path)
            .and_then(|file| file.commit(format!("{HEAD}{text}").as_bytes(), true))
            .map_err(failed)?;
        Ok(result)
    }
}

fn unwritable(reason: &str) -> Error {
    Error::usage(
        format!("the pin cannot be kept: {reason}"),
        "name a folder that can be written to in SWP_CONFIG_DIR, or give the pin with each run (`--tls-pin`, SWP_TLS_PIN)",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIN: &str = "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    #[test]
    fn what_is_written_is_read_again() {
        let pin: Pin = PIN.parse().unwrap_or_else(|error| panic!("{error}"));
        let kept = KnownManager {
            pins: vec![pin],
            added: "2026-11-24T09:00:00Z".to_owned(),
        };
        let mut trusted = PinStore::default();
        trusted
            .managers
            .insert("[::1]:4119".to_owned(), kept.clone());
        trusted
            .managers
            .insert("dsm.example.com:4119".to_owned(), kept);
        let text = toml::to_string(&trusted).unwrap_or_default();
        assert_eq!(PinStore::parse(&format!("{HEAD}{text}")), Ok(trusted));
    }

    #[test]
    fn what_does_not_fit_is_said_with_its_line() {
        let table = "[managers.\"a:1\"]\n";
        for (text, said) in [
            (
                format!("{table}pins = []\nadded = \"\"\n"),
                "line 2: no pin is named",
            ),
            (
                format!("{table}pins = [\"md5:00\"]\nadded = \"\"\n"),
                "line 2: a pin is none",
            ),
            (
                format!("{table}added = \"\"\n"),
                "line 1: `pins` and `added` are both needed",
            ),
            (
                format!("{table}pins = [\"{PIN}\"]\nadded = \"\"\npin = 1\n"),
                "line 4: this is no field of a manager",
            ),
            (
                format!("{table}pins = \"hunter2\"\n"),
                "line 2: `pins` is a list of texts in quotes",
            ),
            ("x".to_owned(), "line 1: "),
            (
                "hunter2 = 1".to_owned(),
                "line 1: this is no field of the file",
            ),
            ("managers = 1".to_owned(), "line 1: `managers` is a table"),
            (
                "[managers]\na = 1".to_owned(),
                "line 2: a manager is a table",
            ),
        ] {
            let error = PinStore::parse(&text).err().unwrap_or_default();
            assert!(error.starts_with(said), "{text}: {error}");
            assert!(!error.contains("hunter"), "{text}: {error}");
        }
    }
}

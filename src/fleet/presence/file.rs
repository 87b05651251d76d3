//! Looks for a secret in a file.

use std::fs::File;
use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use super::state::Presence;
use crate::config::credential_check::CredentialKind;
use crate::delivery::dotenv::editor;
use crate::secret::Secret;
use crate::storage::replaced_file::whole;

/// The maximum size of a file that contains only a secret.
const SECRET_LIMIT: u64 = 64 * 1024;
/// The maximum size of a dotenv file.
const DOTENV_LIMIT: u64 = 1024 * 1024;

/// What a destination contains.
pub(crate) enum FoundSecret {
    Secret(Secret),
    Missing,
    /// It is unknown, for this reason.
    NotKnown(String),
}

impl FoundSecret {
    /// Returns whether there is a secret, and the secret.
    pub(super) fn into_presence(self) -> (Presence, Option<Secret>) {
        match self {
            Self::Secret(secret) => (Presence::There, Some(secret)),
            Self::Missing => (Presence::Missing, None),
            Self::NotKnown(reason) => (Presence::NotKnown(reason), None),
        }
    }

    /// Reads the text of a destination that contains only a secret.
    pub(super) fn of_text(text: &[u8]) -> Self {
        if text.trim_ascii().is_empty() {
            return Self::Missing;
        }
        // The text is copied once, into a buffer that is zeroed.
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + 1));
        bytes.extend_from_slice(text);
        match CredentialKind::ApiKey.parse_line(bytes) {
            Ok(secret) => Self::Secret(secret),
            Err(defect) => Self::NotKnown(format!("the content {defect}")),
        }
    }
}

/// Reads a file that contains only a secret.
pub(crate) fn in_file(path: &Path) -> FoundSecret {
    look(path, SECRET_LIMIT, FoundSecret::of_text)
}

/// Reads a variable of a dotenv file.
pub(crate) fn in_variable(path: &Path, variable: &str) -> FoundSecret {
    look(path, DOTENV_LIMIT, |content| {
        match editor::assigned(content, variable) {
            Ok(None) => FoundSecret::Missing,
            Ok(Some(value)) => match unquoted(&value) {
                Some(text) => FoundSecret::of_text(text),
                None => FoundSecret::NotKnown(format!(
                    "the value of {variable} contains an escape or a variable"
                )),
            },
            Err(reason) => FoundSecret::NotKnown(reason),
        }
    })
}

/// Returns the text of a value after its `=`. Returns `None` if programs may read the value differently.
fn unquoted(value: &[u8]) -> Option<&[u8]> {
    let value = value.strip_prefix(b"=").unwrap_or(value).trim_ascii();
    match value {
        [b'\'', text @ .., b'\''] => Some(text),
        [b'"', text @ .., b'"'] if !text.iter().any(|byte| b"\\$`".contains(byte)) => Some(text),
        [b'"', ..] => None,
        text if text.iter().any(|byte| b"\\$`'".contains(byte)) => None,
        text => Some(text),
    }
}

fn look(path: &Path, limit: u64, judge: impl Fn(&[u8]) -> FoundSecret) -> FoundSecret {
    let content = open(path).and_then(|file| whole(&file, limit));
    match content {
        Ok(Some(content)) => judge(&content),
        Ok(None) => FoundSecret::NotKnown("the file is too large".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => FoundSecret::Missing,
        Err(error) => FoundSecret::NotKnown(error.to_string()),
    }
}

/// Opens a regular file. The type is checked first, because opening a pipe would block.
fn open(path: &Path) -> io::Result<File> {
    match path.metadata()?.is_file() {
        true => File::open(path),
        false => Err(io::Error::other("it is not a regular file")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_shows_whether_there_is_a_secret() {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let path = folder.path().join("key");
        assert_eq!(in_file(&path).into_presence().0, Presence::Missing);
        let with = |content: &str| {
            std::fs::write(&path, content).unwrap_or_else(|error| panic!("{error}"));
            (
                in_file(&path).into_presence().0,
                in_variable(&path, "KEY").into_presence().0,
            )
        };
        assert_eq!(with(""), (Presence::Missing, Presence::Missing));
        assert_eq!(with(" \n"), (Presence::Missing, Presence::Missing));
        assert_eq!(with("x\n"), (Presence::There, Presence::Missing));
        assert_eq!(with("KEY=x\n"), (Presence::There, Presence::There));
        assert_eq!(with("KEY=''\n").1, Presence::Missing);
        assert_eq!(with("KEY=\n").1, Presence::Missing);
        assert!(matches!(with("a\nb\n").0, Presence::NotKnown(_)));
        assert!(matches!(with("KEY=a\nKEY=b\n").1, Presence::NotKnown(_)));
        assert!(matches!(
            in_file(folder.path()).into_presence().0,
            Presence::NotKnown(_)
        ));
        let large = "x".repeat(70_000);
        assert!(matches!(with(&large).0, Presence::NotKnown(_)));
    }

    #[test]
    fn a_value_is_read_without_its_quotes() {
        for (value, text) in [
            (&b"=a:b="[..], Some(&b"a:b="[..])),
            (b"='a b'", Some(b"a b")),
            (b"=\"a b\"", Some(b"a b")),
            (b"=\"a$b\"", None),
            (b"=\"a\\nb\"", None),
            (b"=a$b", None),
        ] {
            assert_eq!(unquoted(value), text);
        }
    }
}

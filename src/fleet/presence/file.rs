//! Looks for a secret in a file.

use std::fs::File;
use std::io;
use std::path::Path;

use super::state::Presence;
use crate::delivery::dotenv::editor;
use crate::storage::replaced_file::whole;

/// The maximum size of a file that contains only a secret.
const SECRET_LIMIT: u64 = 64 * 1024;
/// The maximum size of a dotenv file.
const DOTENV_LIMIT: u64 = 1024 * 1024;

/// Looks for a file that contains only a secret.
pub(super) fn of_file(path: &Path) -> Presence {
    look(path, SECRET_LIMIT, |content| {
        let text = content.trim_ascii();
        match (text.is_empty(), text.contains(&b'\n')) {
            (true, _) => Presence::Missing,
            (false, false) => Presence::There,
            (false, true) => Presence::NotKnown("the file has several lines".to_owned()),
        }
    })
}

/// Looks for a variable in a dotenv file.
pub(super) fn of_variable(path: &Path, variable: &str) -> Presence {
    look(path, DOTENV_LIMIT, |content| {
        match editor::assigned(content, variable) {
            Ok(None) => Presence::Missing,
            Ok(Some(value)) => match value.as_slice() {
                b"=" | b"=\"\"" | b"=''" => Presence::Missing,
                _ => Presence::There,
            },
            Err(reason) => Presence::NotKnown(reason),
        }
    })
}

fn look(path: &Path, limit: u64, judge: impl Fn(&[u8]) -> Presence) -> Presence {
    let content = open(path).and_then(|file| whole(&file, limit));
    match content {
        Ok(Some(content)) => judge(&content),
        Ok(None) => Presence::NotKnown("the file is too large".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Presence::Missing,
        Err(error) => Presence::NotKnown(error.to_string()),
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
        assert_eq!(of_file(&path), Presence::Missing);
        assert_eq!(of_file(&path.join("in/a/folder")), Presence::Missing);
        let with = |content: &str| {
            std::fs::write(&path, content).unwrap_or_else(|error| panic!("{error}"));
            (of_file(&path), of_variable(&path, "KEY"))
        };
        assert_eq!(with(""), (Presence::Missing, Presence::Missing));
        assert_eq!(with(" \n"), (Presence::Missing, Presence::Missing));
        assert_eq!(with("x\n"), (Presence::There, Presence::Missing));
        assert_eq!(with("KEY=x\n"), (Presence::There, Presence::There));
        assert_eq!(with("KEY=''\n").1, Presence::Missing);
        assert_eq!(with("KEY=\n").1, Presence::Missing);
        assert!(matches!(with("a\nb\n").0, Presence::NotKnown(_)));
        assert!(matches!(with("KEY=a\nKEY=b\n").1, Presence::NotKnown(_)));
        assert!(matches!(of_file(folder.path()), Presence::NotKnown(_)));
        let large = "x".repeat(70_000);
        assert!(matches!(with(&large).0, Presence::NotKnown(_)));
    }
}

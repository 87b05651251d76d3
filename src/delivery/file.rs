//! A file of its own for the secret: 0600, whole or not at all, never over an existing file unless that is meant.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Parcel, Sink};
use crate::atomic_file::AtomicFile;
use crate::error::Error;

/// `--out-file`.
pub(crate) struct FileSink {
    path: PathBuf,
    replace: bool,
    /// Taken when it is delivered.
    prepared: Option<AtomicFile>,
    /// Whether something was there before, which withdrawing could not bring back.
    replaces: bool,
}

impl FileSink {
    /// Makes sure that the folder can be written to and the file is not there, unless it may be replaced.
    ///
    /// # Errors
    /// Of usage, naming the file.
    pub(crate) fn prepare(path: &Path, replace: bool) -> Result<Self, Error> {
        let shown = path.display();
        if !names_a_file(path) {
            return Err(Error::usage(
                format!("`--out-file` {shown} names a folder"),
                "name the file itself; nothing was created on the manager",
            ));
        }
        let replaces = match fs::symlink_metadata(path) {
            Ok(metadata) if !metadata.is_file() => {
                return Err(Error::usage(
                    format!("`--out-file` {shown} is not a plain file"),
                    "links, folders, pipes and devices are not written to; leave the flag out for stdout",
                ));
            }
            Ok(_) if !replace => {
                return Err(Error::usage(
                    format!("`--out-file` {shown} exists already"),
                    "say `--force` to replace it, or name another file",
                ));
            }
            Ok(_) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(unwritable(path, &error)),
        };
        let prepared = AtomicFile::prepare(path).map_err(|error| unwritable(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            replace,
            prepared: Some(prepared),
            replaces,
        })
    }
}

/// `key/` and `key/.` are folders to the system, and files to Rust, which reads past what follows the last name.
fn names_a_file(path: &Path) -> bool {
    let whole = path.as_os_str().as_encoded_bytes();
    path.file_name()
        .is_some_and(|name| whole.ends_with(name.as_encoded_bytes()))
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::usage(
        format!("`--out-file` {} cannot be written: {error}", path.display()),
        "name a file in a folder that exists and that you may write to; nothing was created on the manager",
    )
}

impl Sink for FileSink {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn deliver(&mut self, parcel: &Parcel<'_>) -> Result<(), String> {
        let file = self.prepared.take().ok_or("it was delivered to already")?;
        let mut content = Zeroizing::new(String::with_capacity(parcel.secret.expose().len() + 1));
        content.push_str(parcel.secret.expose());
        content.push('\n');
        file.commit(content.as_bytes(), self.replace)
            .map(|_| ())
            .map_err(|error| error.to_string())
    }

    fn withdraw(&mut self) -> Result<(), String> {
        fs::remove_file(&self.path).map_err(|error| error.to_string())?;
        if self.replaces {
            return Err("what it held before is gone".to_owned());
        }
        Ok(())
    }
}

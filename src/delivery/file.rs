//! A file of its own for the secret: 0600, whole or not at all, never over an existing file unless that is meant.

use std::future::ready;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::places::{plain_file, unwritable};
use super::{Delivering, Parcel, Sink};
use crate::atomic_file::AtomicFile;
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::replaced_file::ReplacedFile;
use crate::secret::Secret;

const FLAG: &str = "--out-file";

/// `--out-file`.
pub(super) struct FileSink {
    path: PathBuf,
    replace: bool,
    /// Taken when it is delivered.
    prepared: Option<AtomicFile>,
    delivered: Option<ReplacedFile>,
}

impl FileSink {
    /// Makes sure that the folder can be written to and the file is not there, unless it may be replaced.
    ///
    /// # Errors
    /// Of usage, naming the file.
    pub(super) fn prepare(path: &Path, replace: bool) -> Result<Self, Error> {
        if plain_file(FLAG, path)?.is_some() && !replace {
            return Err(Error::usage(
                format!("`{FLAG}` {} exists already", path.display()),
                "say `--force` to replace it, or name another file",
            ));
        }
        let prepared = AtomicFile::prepare(path).map_err(|error| unwritable(FLAG, path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            replace,
            prepared: Some(prepared),
            delivered: None,
        })
    }

    fn write(&mut self, secret: &Secret) -> Result<(), String> {
        let file = self.prepared.take().ok_or("it was delivered to already")?;
        let mut content = Zeroizing::new(Vec::with_capacity(secret.expose().len() + 1));
        content.extend_from_slice(secret.expose().as_bytes());
        content.push(b'\n');
        let placed = ReplacedFile::put(file, content, self.replace);
        self.delivered = Some(placed.map_err(|error| error.to_string())?);
        Ok(())
    }
}

impl Sink for FileSink {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn deliver<'a>(
        &'a mut self,
        parcel: &'a Parcel<'a>,
        _interrupt: &'a Interrupt,
    ) -> Delivering<'a> {
        Box::pin(ready(self.write(parcel.secret)))
    }

    fn withdraw(&mut self) -> Result<(), String> {
        self.delivered
            .take()
            .map_or(Ok(()), ReplacedFile::take_back)
    }

    fn settle(&mut self) {
        self.delivered = None;
    }
}

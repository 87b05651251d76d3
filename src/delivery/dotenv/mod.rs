//! One line of a dotenv file: the name set to the secret, the rest of the file, its order, its comments and its mode kept.
//!
//! What is edited is what the file holds when the secret is there, not what it held when the sink was prepared. It is looked at
//! once more just before the rename, and edited anew where somebody was quicker; between that look and the rename lie
//! microseconds in which another program's edit can still be lost, since dotenv files know no lock.

pub(super) mod text;

use std::fs::{Metadata, OpenOptions};
use std::future::ready;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::places::{open_plain, plain_file, unwritable};
use super::{Delivering, Parcel, Sink};
use crate::atomic_file::AtomicFile;
use crate::error::Error;
use crate::file_mode::{is_loose, refuse_loose};
use crate::interrupt::Interrupt;
use crate::replaced_file::ReplacedFile;
use crate::secret::Secret;

const FLAG: &str = "--dotenv";

/// No file of settings comes near this; one that is larger is another file.
const LIMIT: u64 = 1024 * 1024;

/// So often is an edit begun anew that somebody else's edit has overtaken.
const TRIES: usize = 5;

/// `--dotenv`.
pub(super) struct DotenvSink {
    path: PathBuf,
    name: String,
    allow_loose_permissions: bool,
    delivered: Option<ReplacedFile>,
}

/// A file as it was found.
struct Found {
    content: Zeroizing<Vec<u8>>,
    metadata: Metadata,
}

impl DotenvSink {
    /// Makes sure that the line can be set: the folder can be written to, and a file that is there is a private text of ours
    /// that sets the name once at most.
    ///
    /// # Errors
    /// Of usage, naming the file.
    pub(super) fn prepare(
        path: &Path,
        name: &str,
        allow_loose_permissions: bool,
    ) -> Result<Self, Error> {
        let failed = |error| unwritable(FLAG, path, &error);
        let existing = plain_file(FLAG, path)?;
        if let Some(metadata) = &existing
            && !allow_loose_permissions
        {
            refuse_loose(&format!("`{FLAG}`"), path, metadata)?;
        }
        if let Some(found) = find(path).map_err(failed)? {
            text::check(&found.content, name).map_err(|reason| {
                Error::usage(
                    format!("`{FLAG}` {} cannot be edited: {reason}", path.display()),
                    "mend the file, or name another one; nothing was created on the manager",
                )
            })?;
        }
        // Proves that the folder takes a file, and that it can be given the owner of the one that is there.
        new_file(path, existing.as_ref()).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            name: name.to_owned(),
            allow_loose_permissions,
            delivered: None,
        })
    }

    fn write(&mut self, secret: &Secret) -> Result<(), String> {
        for _ in 0..TRIES {
            match self.try_to_write(secret)? {
                None => {}
                delivered => {
                    self.delivered = delivered;
                    return Ok(());
                }
            }
        }
        Err("somebody else keeps writing to it".to_owned())
    }

    /// `None` where somebody else was quicker.
    fn try_to_write(&self, secret: &Secret) -> Result<Option<ReplacedFile>, String> {
        let words = |error: io::Error| error.to_string();
        let before = find(&self.path).map_err(words)?;
        if let Some(found) = &before
            && !self.allow_loose_permissions
            && is_loose(&found.metadata)
        {
            return Err("others on this machine may read it by now".to_owned());
        }
        let old = before.as_ref().map_or(&[][..], |found| &found.content);
        let content = text::set(old, &self.name, secret.expose())?;
        let metadata = before.as_ref().map(|found| &found.metadata);
        let file = new_file(&self.path, metadata).map_err(words)?;
        let now = find(&self.path).map_err(words)?;
        if now.as_ref().map(|found| &found.content) != before.as_ref().map(|found| &found.content) {
            return Ok(None);
        }
        match ReplacedFile::put(file, content, before.is_some()) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            placed => placed.map(Some).map_err(words),
        }
    }
}

/// What the path holds, and nothing that a link leads to.
fn find(path: &Path) -> io::Result<Option<Found>> {
    let mut file = match open_plain(OpenOptions::new().read(true), path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    if metadata.permissions().readonly() {
        return Err(io::Error::other("it is read-only"));
    }
    if metadata.len() > LIMIT {
        return Err(io::Error::other(
            "it is larger than 1 MiB, so it is no file of settings",
        ));
    }
    let mut content = Zeroizing::new(Vec::with_capacity(metadata.len() as usize + 1));
    file.by_ref().take(LIMIT).read_to_end(&mut content)?;
    Ok(Some(Found { content, metadata }))
}

/// 0600, or as the one it is to replace.
fn new_file(path: &Path, existing: Option<&Metadata>) -> io::Result<AtomicFile> {
    let file = AtomicFile::prepare(path)?;
    if let Some(existing) = existing {
        file.like(existing)?;
    }
    Ok(file)
}

impl Sink for DotenvSink {
    fn place(&self) -> String {
        format!("{} in {}", self.name, self.path.display())
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

//! Writes the secret to a line of a dotenv file (`--dotenv`).

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::editor;
use crate::delivery::destination::Destination;
use crate::delivery::sink::{Delivering, Payload, Sink, Withdrawing};
use crate::delivery::target_path::{
    lock_in_place, lock_overwritten, open_target, plain_file, unwritable,
};
use crate::error::Error;
use crate::process::signals::Signals;
use crate::secret::Secret;
use crate::storage::atomic_file::{AtomicFile, file_name};
use crate::storage::file_lock::{FileLock, LockFailure, lock_folder};
use crate::storage::open_folder::OpenFolder;
use crate::storage::permissions::{is_loose, require_private};
use crate::storage::replaced_file::{ReplacedFile, whole};
use crate::storage::write_mode::{WriteMode, write_mode};

const FLAG: &str = "--dotenv";

/// The maximum size of a dotenv file.
const LIMIT: u64 = 1024 * 1024;

/// The maximum number of attempts to edit the file. An attempt is repeated if another process changes the file during the edit.
const TRIES: usize = 5;

/// `--dotenv`.
pub(crate) struct DotenvSink {
    path: PathBuf,
    name: String,
    allow_loose_permissions: bool,
    delivered: Option<SetLine>,
}

/// The line that was set, and the data that a withdrawal needs.
struct SetLine {
    placed: ReplacedFile,
    secret: Secret,
    /// The old text of the assignment, from the `=` to the end of the value. `None` if the file did not set the name before the delivery.
    before: Option<Zeroizing<Vec<u8>>>,
}

/// The existing file, and its content and metadata.
struct ExistingFile {
    file: File,
    content: Zeroizing<Vec<u8>>,
    metadata: Metadata,
}

impl DotenvSink {
    /// Checks that the line can be set. The folder must be writable and support locks. If the file exists, it must be a writable text file
    /// that other users cannot read, with at most one assignment of the name.
    ///
    /// # Errors
    /// Returns a usage error that names the file.
    pub(crate) async fn prepare(
        path: &Path,
        name: &str,
        allow_loose_permissions: bool,
        signals: &Signals,
    ) -> Result<Self, Error> {
        let failed = |error: &io::Error| unwritable(FLAG, path, error);
        let existing = plain_file(FLAG, path)?;
        if let Some(metadata) = &existing
            && !allow_loose_permissions
        {
            require_private(&format!("`{FLAG}`"), path, metadata)?;
        }
        let (folder, mode) = open_target(FLAG, path)?;
        let sink = Self {
            path: path.to_owned(),
            name: name.to_owned(),
            allow_loose_permissions,
            delivered: None,
        };
        let found = sink.find(&folder, mode).map_err(|error| failed(&error))?;
        if let Some(found) = &found {
            editor::check(&found.content, name).map_err(|reason| {
                Error::usage(
                    format!("`{FLAG}`: could not edit {}: {reason}", path.display()),
                    "fix the file or choose a different file (nothing was created on the manager)",
                )
            })?;
        }
        if mode == WriteMode::Replace {
            // A temporary file is created and removed here. If this succeeds, the folder is writable, and a new file can have the same owner as the
            // existing file.
            sink.new_file(&folder, existing.as_ref())
                .map_err(|error| failed(&error))?;
        }
        let locked = lock_folder(&folder, signals).await;
        locked.map_err(|failure| failure.into_error(FLAG))?;
        Ok(sink)
    }

    async fn write(&mut self, secret: &Secret, signals: &Signals) -> Result<(), String> {
        let folder = OpenFolder::of_file(&self.path).map_err(|error| error.to_string())?;
        let folder = Arc::new(folder);
        let _lock = lock_folder(&folder, signals)
            .await
            .map_err(|failure| failure.to_string())?;
        for _ in 0..TRIES {
            match self.try_to_write(&folder, secret, signals).await? {
                None => {}
                delivered => {
                    self.delivered = delivered;
                    return Ok(());
                }
            }
        }
        Err(format!(
            "another process changed the file during each of the {TRIES} attempts"
        ))
    }

    /// Tries once to set the line. Returns `None` if another process changed the file during the edit.
    async fn try_to_write(
        &self,
        folder: &Arc<OpenFolder>,
        secret: &Secret,
        signals: &Signals,
    ) -> Result<Option<SetLine>, String> {
        let words = |error: io::Error| error.to_string();
        let name = file_name(&self.path).map_err(words)?;
        let mode = write_mode(folder, name).map_err(words)?;
        let mut before = self.find(folder, mode).map_err(words)?;
        let mut lock = None;
        if let Some(found) = &before
            && mode == WriteMode::InPlace
        {
            lock = Some(lock_in_place(&found.file, &self.path, signals).await);
            before = self.find(folder, mode).map_err(words)?;
        }
        let _lock: Option<FileLock> = lock.transpose().map_err(|failure| failure.to_string())?;
        if let Some(found) = &before
            && !self.allow_loose_permissions
            && is_loose(&found.metadata)
        {
            return Err(
                "the mode of the file was changed, and other users can now read it".to_owned(),
            );
        }
        let old = before.as_ref().map_or(&[][..], |found| &found.content);
        let content = editor::set(old, &self.name, secret.expose())?;
        let assigned = editor::assigned(old, &self.name)?;
        let placed = match (mode, before) {
            (WriteMode::InPlace, Some(found)) => {
                folder.check_path().map_err(words)?;
                ReplacedFile::overwrite(folder, name, found.file, found.content, content)
            }
            (_, before) => {
                let metadata = before.as_ref().map(|found| &found.metadata);
                let mut file = self.new_file(folder, metadata).map_err(words)?;
                file.write(&content).map_err(words)?;
                let now = self.find(folder, mode).map_err(words)?;
                if now.map(|found| found.content) != before.as_ref().map(|it| it.content.clone()) {
                    return Ok(None);
                }
                ReplacedFile::put(file, content, before.is_some())
            }
        };
        match placed {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            placed => Ok(Some(SetLine {
                placed: placed.map_err(words)?,
                secret: secret.clone(),
                before: assigned,
            })),
        }
    }

    /// Reads the file at this path. Symbolic links are not followed.
    fn find(&self, folder: &OpenFolder, mode: WriteMode) -> io::Result<Option<ExistingFile>> {
        let name = file_name(&self.path)?;
        let file = match folder.open_regular(name, mode == WriteMode::InPlace) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        if metadata.permissions().readonly() {
            return Err(io::Error::other("it is read-only"));
        }
        let content = whole(&file, LIMIT)?.ok_or_else(too_large)?;
        Ok(Some(ExistingFile {
            file,
            content,
            metadata,
        }))
    }

    /// Creates a temporary file with mode 0600, or with the mode and owner of the existing file.
    fn new_file(
        &self,
        folder: &Arc<OpenFolder>,
        existing: Option<&Metadata>,
    ) -> io::Result<AtomicFile> {
        let file = AtomicFile::prepare_in(folder, file_name(&self.path)?)?;
        if let Some(existing) = existing {
            file.copy_permissions(existing)?;
        }
        Ok(file)
    }

    async fn roll_back(&mut self) -> Result<(), String> {
        let Some(line) = self.delivered.take() else {
            return Ok(());
        };
        let failed = |failure: LockFailure| failure.to_string();
        // A rollback must not be interrupted, so it waits for its locks even after a first signal. A second signal ends the run.
        let no_signals = Signals::default();
        let folder = Arc::clone(line.placed.folder());
        let _folder = lock_folder(&folder, &no_signals).await.map_err(failed)?;
        let file = lock_overwritten(&line.placed, &self.path).await;
        let _file = file.map_err(failed)?;
        line.roll_back(&self.name)
    }
}

impl SetLine {
    /// Restores the old content. If another process has changed the file since the delivery, restores only the line that this run has set.
    fn roll_back(self, name: &str) -> Result<(), String> {
        let words = |error: io::Error| error.to_string();
        match self.placed.is_unchanged() {
            Ok(true) => return self.placed.roll_back(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Ok(false) | Err(_) => {}
        }
        let now = self.placed.current(LIMIT).map_err(words)?;
        let now = now.ok_or_else(|| too_large().to_string())?;
        let before = self.before.as_ref().map(|before| before.as_slice());
        match editor::unset(&now, name, self.secret.expose(), before)? {
            Some(content) => self.placed.revise(&now, &content).map_err(words),
            None => Ok(()),
        }
    }
}

fn too_large() -> io::Error {
    io::Error::other("the file is larger than 1 MiB, the limit for a dotenv file")
}

impl Sink for DotenvSink {
    fn place(&self) -> String {
        format!("{} in {}", self.name, self.path.display())
    }

    fn destination(&self) -> Destination {
        Destination::File {
            place: self.place(),
            path: self.path.clone(),
        }
    }

    fn deliver<'a>(&'a mut self, payload: &'a Payload<'a>, signals: &'a Signals) -> Delivering<'a> {
        Box::pin(self.write(payload.secret, signals))
    }

    fn withdraw(&mut self) -> Withdrawing<'_> {
        Box::pin(self.roll_back())
    }

    fn settle(&mut self) {
        self.delivered = None;
    }
}

//! Delivers the secret to a file that contains only the secret. The file has mode 0600 and is written atomically. An existing file is
//! replaced only with `--force`.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::destination::Destination;
use super::sink::{Delivering, Payload, Sink, Withdrawing};
use super::target_path::{lock_in_place, lock_overwritten, open_target, plain_file, unwritable};
use crate::error::Error;
use crate::process::concurrency::flush_on_thread;
use crate::process::signals::Signals;
use crate::secret::Secret;
use crate::storage::atomic_file::{AtomicFile, file_name};
use crate::storage::file_lock::lock_folder;
use crate::storage::open_folder::OpenFolder;
use crate::storage::permissions::{is_loose, require_private};
use crate::storage::replaced_file::{ReplacedFile, whole};
use crate::storage::write_mode::{WriteMode, write_mode};

const FLAG: &str = "--out-file";

/// The maximum size of a file that is overwritten in place. The old content is stored in memory, so that it can be restored after a
/// failure.
const LIMIT: u64 = 1024 * 1024;

/// `--out-file`.
pub(super) struct FileSink {
    path: PathBuf,
    replace: bool,
    allow_loose_permissions: bool,
    delivered: Option<ReplacedFile>,
}

impl FileSink {
    /// Checks that the folder is writable and can be locked, and that the file does not exist or can be replaced.
    ///
    /// # Errors
    /// Returns a usage error that names the file.
    pub(super) async fn prepare(
        path: &Path,
        replace: bool,
        allow_loose_permissions: bool,
        signals: &Signals,
    ) -> Result<Self, Error> {
        let failed = |error: &io::Error| unwritable(FLAG, path, error);
        let existing = plain_file(FLAG, path)?;
        if existing.is_some() && !replace {
            return Err(Error::usage(
                format!("`{FLAG}`: {} already exists", path.display()),
                "add `--force` to replace the file, or choose a different file",
            ));
        }
        let sink = Self {
            path: path.to_owned(),
            replace,
            allow_loose_permissions,
            delivered: None,
        };
        let (folder, mode) = open_target(FLAG, path)?;
        match (mode, existing) {
            (WriteMode::InPlace, Some(metadata)) => {
                // A file that is overwritten in place keeps its mode. So the current mode must not allow other users to read the file.
                if !allow_loose_permissions {
                    require_private(&format!("`{FLAG}`"), path, &metadata)?;
                }
                sink.open_in_place(&folder)
                    .map_err(|error| failed(&error))?;
            }
            _ => {
                let file = file_name(path).and_then(|name| AtomicFile::prepare_in(&folder, name));
                file.map_err(|error| failed(&error))?;
            }
        }
        let locked = lock_folder(&folder, signals).await;
        locked.map_err(|failure| failure.into_error(FLAG))?;
        Ok(sink)
    }

    async fn write(&mut self, secret: &Secret, signals: &Signals) -> Result<(), String> {
        let words = |error: io::Error| error.to_string();
        let mut content = Zeroizing::new(Vec::with_capacity(secret.expose().len() + 1));
        content.extend_from_slice(secret.expose().as_bytes());
        content.push(b'\n');
        let folder = Arc::new(OpenFolder::of_file(&self.path).map_err(words)?);
        let name = file_name(&self.path).map_err(words)?;
        if self.replace && write_mode(&folder, name).map_err(words)? == WriteMode::InPlace {
            let lock = lock_folder(&folder, signals).await;
            let _lock = lock.map_err(|failure| failure.to_string())?;
            let placed = self.overwrite(&folder, content, signals).await;
            self.delivered = Some(placed.map_err(words)?);
            return Ok(());
        }
        let mut file = AtomicFile::prepare_in(&folder, name).map_err(words)?;
        file.write_unflushed(&content).map_err(words)?;
        let flushed = file.second_handle().map_err(words)?;
        let flushed = flush_on_thread(Box::new(move || flushed.sync_all())).await;
        flushed.map_err(words)?;
        self.put(&folder, file, content, signals).await
    }

    /// Renames the file, and flushes the folder to disk. The folder is not locked during the flush, so that several files can be delivered
    /// to the same folder at the same time.
    async fn put(
        &mut self,
        folder: &Arc<OpenFolder>,
        file: AtomicFile,
        content: Zeroizing<Vec<u8>>,
        signals: &Signals,
    ) -> Result<(), String> {
        let lock = lock_folder(folder, signals).await;
        let lock = lock.map_err(|failure| failure.to_string())?;
        let placed = ReplacedFile::place(file, content, self.replace);
        self.delivered = Some(placed.map_err(|error| error.to_string())?);
        drop(lock);
        let folder = Arc::clone(folder);
        let Err(error) = flush_on_thread(Box::new(move || folder.flush())).await else {
            return Ok(());
        };
        Err(match self.roll_back().await {
            Ok(()) => error.to_string(),
            Err(reason) => format!("{error}; {reason}"),
        })
    }

    async fn overwrite(
        &self,
        folder: &Arc<OpenFolder>,
        content: Zeroizing<Vec<u8>>,
        signals: &Signals,
    ) -> io::Result<ReplacedFile> {
        let file = self.open_in_place(folder)?;
        let _lock = lock_in_place(&file, &self.path, signals).await?;
        if !self.allow_loose_permissions && is_loose(&file.metadata()?) {
            return Err(io::Error::other(
                "the mode of the file was changed, and other users can now read it",
            ));
        }
        let before = whole(&file, LIMIT)?.ok_or_else(too_large)?;
        folder.check_path()?;
        ReplacedFile::overwrite(folder, file_name(&self.path)?, file, before, content)
    }

    fn open_in_place(&self, folder: &OpenFolder) -> io::Result<File> {
        let file = folder.open_regular(file_name(&self.path)?, true)?;
        if file.metadata()?.len() > LIMIT {
            return Err(too_large());
        }
        Ok(file)
    }

    async fn roll_back(&mut self) -> Result<(), String> {
        let Some(delivered) = self.delivered.take() else {
            return Ok(());
        };
        // The first signal does not interrupt the wait for the two locks, because the rollback must be completed. A second signal ends the run.
        let folder = Arc::clone(delivered.folder());
        let lock = lock_folder(&folder, &Signals::default()).await;
        let _lock = lock.map_err(|failure| failure.to_string())?;
        let lock = lock_overwritten(&delivered, &self.path).await;
        let _file = lock.map_err(|failure| failure.to_string())?;
        delivered.roll_back()
    }
}

fn too_large() -> io::Error {
    io::Error::other("the file is larger than 1 MiB, the limit for a file that is a mount point")
}

impl Sink for FileSink {
    fn place(&self) -> String {
        self.path.display().to_string()
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

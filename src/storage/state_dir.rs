//! The state folder and its subfolders: `$SWP_STATE_DIR`, or `swp-keys` in `$XDG_STATE_HOME`. Folders have mode 0700, and files have mode
//! 0600.
//!
//! The program neither reads nor writes files in a folder that other users can write to. Another user could place a forged sign-in session
//! in the folder. The program would then send requests to that user's server, which would receive the next API key. A forged journal record
//! could make `recover` delete an API key.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use zeroize::Zeroizing;

use super::atomic_file::{AtomicFile, sync_folder};
use super::locations::{is_absent, state_folder};
use super::open_folder::OpenFolder;
use super::permissions::{Use, trust_file, trust_folder};

/// The maximum size of a state file that is read. State files are usually only a few kilobytes long.
const LIMIT: u64 = 64 * 1024;

/// The maximum number of new files that are flushed to disk at the same time.
const FLUSHES_AT_ONCE: usize = 4;

/// A subfolder of the state folder. Each file in it is written completely or not at all.
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Returns the subfolder `name` of the state folder, without creating it. Returns `None` if the state folder cannot be determined.
    pub(crate) fn of_state(name: &str) -> Option<Self> {
        Some(Self {
            path: state_folder()?.join(name),
        })
    }

    /// Returns the folder with this path.
    #[cfg(test)]
    pub(crate) fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Returns the path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that other users cannot write to this folder. A folder that does not exist passes the check.
    ///
    /// # Errors
    /// Returns [`crate::storage::permissions::UntrustedPath`] if other users can write to the folder.
    pub(crate) fn trusted(&self) -> io::Result<()> {
        if let Some(above) = self.path.parent() {
            trust_folder(above, Use::Above)?;
        }
        trust_folder(&self.path, Use::Contains)
    }

    /// Writes the file `name` completely or not at all. Creates the folder if it is missing.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.create()?;
        AtomicFile::prepare(&self.path.join(name))?
            .commit(content, true)
            .map(|_| ())
    }

    /// Writes the new file `name`, and returns it locked. If the file already exists, returns an error.
    pub(crate) fn write_locked(&self, name: &str, content: &[u8]) -> io::Result<File> {
        self.create()?;
        self.commit_locked(name, content, false)
    }

    /// Writes new files, and flushes the folder once. Adds each file, locked, to `written` when it has its name, so that the caller can remove
    /// the files after an error.
    ///
    /// # Errors
    /// Returns the system's error. If one of the files already exists, its kind is `AlreadyExists`.
    pub(crate) fn write_all_locked(
        &self,
        files: &[(String, Vec<u8>)],
        written: &mut Vec<File>,
    ) -> io::Result<()> {
        self.create()?;
        let folder = Arc::new(OpenFolder::open(&self.path)?);
        let mut prepared = Vec::with_capacity(files.len());
        for (name, content) in files {
            let mut file = AtomicFile::prepare_in(&folder, name.as_ref())?;
            file.lock()?;
            file.write_unflushed(content)?;
            prepared.push(file);
        }
        flush_all(&prepared)?;
        folder.check_path()?;
        for file in prepared {
            written.push(file.give_name(false)?);
        }
        folder.flush()
    }

    /// Writes the file `name`, and returns it locked. If the file already exists, it is replaced.
    pub(crate) fn replace_locked(&self, name: &str, content: &[u8]) -> io::Result<File> {
        self.commit_locked(name, content, true)
    }

    fn commit_locked(&self, name: &str, content: &[u8], replace: bool) -> io::Result<File> {
        let file = AtomicFile::prepare(&self.path.join(name))?;
        file.lock()?;
        file.commit(content, replace)
    }

    /// Returns the content of the file `name`, or `None` if it does not exist.
    pub(crate) fn read(&self, name: &str) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        let file = match self.plain(name).and_then(File::open) {
            Err(error) if is_absent(&error) => return Ok(None),
            other => other?,
        };
        read_limited(file).map(Some)
    }

    /// Opens the file `name` for reading and writing.
    pub(crate) fn open(&self, name: &str) -> io::Result<File> {
        (File::options().read(true).write(true)).open(self.plain(name)?)
    }

    /// Opens the file `name`, which has no content and is only locked. Creates it if it is missing.
    pub(crate) fn open_lock(&self, name: &str) -> io::Result<File> {
        self.create()?;
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(self.path.join(name))
    }

    /// Returns the path of the file `name`. If it is not a regular file, returns an error, because opening a pipe would block.
    fn plain(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        if !path.symlink_metadata()?.is_file() {
            return Err(io::Error::other(format!("`{name}` is not a regular file")));
        }
        self.trusted()?;
        trust_file(&path, false)?;
        Ok(path)
    }

    /// Returns the names of the files in the folder, sorted. If the folder does not exist, returns an empty list.
    pub(crate) fn names(&self) -> io::Result<Vec<String>> {
        self.trusted()?;
        let entries = match fs::read_dir(&self.path) {
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            other => other?,
        };
        let mut names = Vec::new();
        for entry in entries {
            // A name that begins with a dot is omitted. It belongs to a temporary file whose write is in progress or was interrupted.
            match entry?.file_name().into_string() {
                Ok(name) if !name.starts_with('.') => names.push(name),
                _ => {}
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Returns the names and contents of all files in this folder, which contains secrets. If another process removes a file meanwhile, the
    /// file is left out. If `allow_loose` is false and other users can read a file, returns an error.
    pub(crate) fn read_all(
        &self,
        allow_loose: bool,
    ) -> io::Result<Vec<(String, Zeroizing<Vec<u8>>)>> {
        let mut files = Vec::new();
        for name in self.names()? {
            let path = self.path.join(&name);
            match trust_file(&path, !allow_loose).and_then(|()| read_file(&path, &name)) {
                Ok(content) => files.push((name, content)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(files)
    }

    /// Removes the file `name` if it exists.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        self.remove_unflushed(name)?;
        self.flush()
    }

    /// Removes the file `name` if it exists. The folder is not flushed to disk, so a power failure may undo the removal.
    pub(crate) fn remove_unflushed(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Flushes the folder to disk if it exists, so that created, renamed and removed files survive a power failure.
    pub(crate) fn flush(&self) -> io::Result<()> {
        match sync_folder(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Creates the folder and any missing parent folders. Only the owner has access to the new folders. The parent of each new folder is
    /// flushed to disk.
    fn create(&self) -> io::Result<()> {
        self.trusted()?;
        let missing: Vec<_> = (self.path.ancestors())
            .take_while(|folder| !folder.exists())
            .collect();
        private_folders().create(&self.path)?;
        self.close_to_others()?;
        for above in missing.iter().filter_map(|folder| folder.parent()) {
            sync_folder(above)?;
        }
        Ok(())
    }

    /// Makes the folder inaccessible to other users. The parent folders are not changed, because the user is responsible for them.
    #[cfg(unix)]
    fn close_to_others(&self) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        if fs::metadata(&self.path)?.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(&self.path, fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }

    #[cfg(not(unix))]
    fn close_to_others(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Flushes the files to disk on several threads, because the system writes several files to disk in the time that one file takes.
fn flush_all(files: &[AtomicFile]) -> io::Result<()> {
    let flush_each = |files: &[AtomicFile]| files.iter().try_for_each(AtomicFile::flush);
    if let [_] | [] = files {
        return flush_each(files);
    }
    thread::scope(|scope| {
        let mut flushes = Vec::with_capacity(FLUSHES_AT_ONCE);
        for part in files.chunks(files.len().div_ceil(FLUSHES_AT_ONCE)) {
            let thread = thread::Builder::new();
            match thread.spawn_scoped(scope, move || flush_each(part)) {
                Ok(flush) => flushes.push(flush),
                // The user may have reached the limit of processes.
                Err(_) => flush_each(part)?,
            }
        }
        flushes.into_iter().try_for_each(|flush| {
            let flushed = flush.join();
            flushed.unwrap_or_else(|_| Err(io::Error::other("a flush was aborted")))
        })
    })
}

/// Returns the content of the file at `path`. The file type is checked before the file is opened, because opening a pipe would block.
fn read_file(path: &Path, name: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other(format!("`{name}` is not a regular file")));
    }
    read_limited(File::open(path)?)
}

fn read_limited(file: File) -> io::Result<Zeroizing<Vec<u8>>> {
    // The buffer is allocated once with its full size, because moving the content to a larger buffer would leave a copy of a secret in
    // memory. The extra 32 bytes are needed, because `read_to_end` would enlarge a full buffer before it detects the end of the file.
    let room = file.metadata()?.len().min(LIMIT) + 32;
    let mut content = Zeroizing::new(Vec::with_capacity(
        usize::try_from(room).unwrap_or_default(),
    ));
    file.take(LIMIT).read_to_end(&mut content)?;
    Ok(content)
}

/// Creates a folder that only its owner can access. A folder that already exists is not changed.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    private_folders().create(path)
}

fn private_folders() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

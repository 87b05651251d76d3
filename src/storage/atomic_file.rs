//! Writes files atomically: a file is written completely or not at all. Only the owner can read these files.
//!
//! To write a file, a temporary file with mode 0600 is created in the same folder, written, flushed to disk and renamed. After the rename,
//! the folder is flushed to disk as well, so that the new name survives a power failure. `replaced_file.rs` keeps a backup of the replaced
//! file until the outcome of the run is known.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use super::open_folder::OpenFolder;
use crate::random;

/// A temporary file that will be renamed to its final name when its content is complete.
pub(crate) struct AtomicFile {
    file: File,
    temporary: TemporaryName,
    target: OsString,
}

/// The name of a temporary file. When this value is dropped, the file with this name is removed from its folder.
pub(crate) struct TemporaryName {
    folder: Arc<OpenFolder>,
    name: OsString,
}

impl TemporaryName {
    /// Chooses a new random name, and calls `make` to create the file with this name.
    ///
    /// # Errors
    /// Returns the error of `make`.
    pub(crate) fn make<T>(
        folder: &Arc<OpenFolder>,
        make: impl Fn(&OsStr) -> io::Result<T>,
    ) -> io::Result<(Self, T)> {
        loop {
            let name: OsString = format!(".swp-keys-{}.tmp", random::hex(8)).into();
            match make(&name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => {
                    let folder = Arc::clone(folder);
                    return made.map(|made| (Self { folder, name }, made));
                }
            }
        }
    }

    /// Returns the temporary name.
    pub(crate) fn name(&self) -> &OsStr {
        &self.name
    }

    /// Renames the file to `target`. If `replace` is true, an existing file `target` is replaced.
    ///
    /// # Errors
    /// Returns the system's error. If `replace` is false, an existing file `target` is an error. After an error, the temporary file is removed.
    pub(crate) fn rename_to(mut self, target: &OsStr, replace: bool) -> io::Result<()> {
        if replace {
            self.folder.rename(&self.name, target)?;
        } else {
            self.folder.rename_new(&self.name, target)?;
        }
        self.name.clear();
        Ok(())
    }
}

impl Drop for TemporaryName {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            let _ = self.folder.remove(&self.name);
        }
    }
}

impl AtomicFile {
    /// Creates the temporary file. If the file can be created, the folder is writable. If the returned value is dropped before
    /// [`AtomicFile::commit`], the temporary file is removed.
    ///
    /// # Errors
    /// Returns the system's error, for example if the folder is missing, read-only or full.
    pub(crate) fn prepare(target: &Path) -> io::Result<Self> {
        let folder = Arc::new(OpenFolder::of_file(target)?);
        Self::prepare_in(&folder, file_name(target)?)
    }

    /// Creates the temporary file like [`AtomicFile::prepare`], but in a folder that is already open.
    ///
    /// # Errors
    /// Returns the system's error.
    pub(crate) fn prepare_in(folder: &Arc<OpenFolder>, target: &OsStr) -> io::Result<Self> {
        let (temporary, file) = TemporaryName::make(folder, |name| folder.create_private(name))?;
        Ok(Self {
            file,
            temporary,
            target: target.to_owned(),
        })
    }

    /// Copies the mode and the owner of the old file, which will be replaced, to the temporary file.
    ///
    /// # Errors
    /// Returns an error if the old file belongs to another user and this process cannot change the owner of a file.
    #[cfg(unix)]
    pub(crate) fn copy_permissions(&self, other: &Metadata) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        let own = self.file.metadata()?;
        if (own.uid(), own.gid()) != (other.uid(), other.gid()) {
            let changed = fchown(&self.file, Some(other.uid()), Some(other.gid()));
            // An error of `fchown` is ignored only if the old and the new file have the same owner, and the old file's group has no access.
            if changed.is_err() && (own.uid() != other.uid() || other.mode() & 0o070 != 0) {
                return changed;
            }
        }
        self.file.set_permissions(other.permissions())
    }

    /// Does nothing on Windows, where a file inherits its permissions from the folder.
    #[cfg(not(unix))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the Unix version of this function uses `self` and can fail"
    )]
    pub(crate) fn copy_permissions(&self, _other: &Metadata) -> io::Result<()> {
        Ok(())
    }

    /// Writes `content`, and renames the file to its final name. If a file with that name exists, `replace` decides: true replaces the
    /// existing file, and false returns an error.
    ///
    /// # Errors
    /// Returns the system's error. If the folder could not be flushed to disk, the file already has its final name, but a power failure may
    /// undo the rename. After any other error, no file has changed, and the temporary file is removed.
    pub(crate) fn commit(mut self, content: &[u8], replace: bool) -> io::Result<File> {
        self.write(content)?;
        let folder = Arc::clone(self.folder());
        folder.check_path()?;
        let file = self.give_name(replace)?;
        folder.flush()?;
        Ok(file)
    }

    /// Locks the temporary file. The lock is taken before the rename, so that no other process can open the renamed file while it is not
    /// locked. The lock is released when the file that [`AtomicFile::commit`] returns is closed, or when the process ends.
    ///
    /// # Errors
    /// Returns an error if the file system does not support locks.
    pub(crate) fn lock(&self) -> io::Result<()> {
        self.file.lock()
    }

    /// Writes `content` to the temporary file, and flushes the file to disk.
    pub(crate) fn write(&mut self, content: &[u8]) -> io::Result<()> {
        self.write_unflushed(content)?;
        self.flush()
    }

    /// Writes `content` to the temporary file. The caller must then flush the file to disk.
    pub(crate) fn write_unflushed(&mut self, content: &[u8]) -> io::Result<()> {
        self.file.write_all(content)
    }

    /// Returns a second handle of the temporary file, with which another thread can flush the file to disk.
    pub(crate) fn second_handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Flushes the temporary file to disk.
    pub(crate) fn flush(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Renames the file to its final name. The caller must then flush the folder to disk.
    pub(crate) fn give_name(self, replace: bool) -> io::Result<File> {
        self.temporary.rename_to(&self.target, replace)?;
        Ok(self.file)
    }

    /// Returns the final name of the file.
    pub(crate) fn target(&self) -> &OsStr {
        &self.target
    }

    /// Returns the folder of the file.
    pub(crate) fn folder(&self) -> &Arc<OpenFolder> {
        &self.temporary.folder
    }
}

/// Returns the file name of a path.
///
/// # Errors
/// Returns an error if the path does not end in a file name.
pub(crate) fn file_name(path: &Path) -> io::Result<&OsStr> {
    path.file_name()
        .ok_or_else(|| io::Error::other("the path is a folder"))
}

/// Flushes `folder` to disk, so that created, renamed and removed files survive a power failure.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    OpenFolder::open(folder)?.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A deployment may replace the folder after the temporary file was created.
    #[test]
    #[cfg(unix)]
    fn no_file_remains_in_a_folder_that_was_replaced() -> io::Result<()> {
        for replace in [true, false] {
            let parent = tempfile::tempdir()?;
            let [current, old] = ["current", "old"].map(|name| parent.path().join(name));
            std::fs::create_dir(&current)?;
            let file = AtomicFile::prepare(&current.join("key"))?;
            std::fs::rename(&current, &old)?;
            std::fs::create_dir(&current)?;
            assert!(file.commit(b"secret", replace).is_err());
            for folder in [&current, &old] {
                assert_eq!(std::fs::read_dir(folder)?.count(), 0);
            }
        }
        Ok(())
    }

    #[test]
    fn a_written_file_is_complete_and_private() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("key");
        let file = AtomicFile::prepare(&target)?;
        assert!(!target.exists());
        file.commit(b"secret\n", false)?;
        assert_eq!(std::fs::read(&target)?, b"secret\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                std::fs::metadata(&target)?.permissions().mode() & 0o777,
                0o600
            );
        }
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn an_existing_file_is_replaced_only_if_requested() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("key");
        std::fs::write(&target, "old")?;
        let refused = AtomicFile::prepare(&target)?.commit(b"new", false);
        assert_eq!(
            refused.map(|_| ()).map_err(|error| error.kind()),
            Err(io::ErrorKind::AlreadyExists)
        );
        assert_eq!(std::fs::read(&target)?, b"old");
        AtomicFile::prepare(&target)?.commit(b"new", true)?;
        assert_eq!(std::fs::read(&target)?, b"new");
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }
}

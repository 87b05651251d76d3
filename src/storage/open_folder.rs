//! An open folder. All operations affect the folder that was opened, even if that folder is moved later. A new folder at the old path is
//! not affected.
//!
//! For example, a temporary file that contains a secret can still be removed after the move.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// An open folder.
#[derive(Debug)]
pub(crate) struct OpenFolder {
    path: PathBuf,
    #[cfg(unix)]
    handle: File,
}

/// Returns the path of the folder that contains the file at `path`.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

impl OpenFolder {
    /// Opens the folder of the file at `path`. The file need not exist.
    ///
    /// # Errors
    /// Returns the system's error if the folder does not exist or cannot be read.
    pub(crate) fn of_file(path: &Path) -> io::Result<Self> {
        Self::open(folder_of(path))
    }

    /// Returns the path with which the folder was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates a second name (a hard link) for the file `existing` in this folder. The second name is `name`.
    pub(crate) fn add_name(&self, existing: &OsStr, name: &OsStr) -> io::Result<()> {
        self.link(existing, name)
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for OpenFolder {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

#[cfg(unix)]
impl OpenFolder {
    /// Opens the folder.
    ///
    /// # Errors
    /// Returns the system's error.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::DIRECTORY;
        let mut options = File::options();
        options.read(true).custom_flags(flags.bits().cast_signed());
        Ok(Self {
            path: path.to_owned(),
            handle: options.open(path)?,
        })
    }

    /// Creates a file that only its owner can access.
    pub(crate) fn create_private(&self, name: &OsStr) -> io::Result<File> {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        self.open_with(name, flags, Mode::RUSR | Mode::WUSR)
    }

    /// Opens a regular file for reading, and also for writing if `writable` is true. If `name` is a symbolic link or a pipe, opening it
    /// fails at once.
    pub(crate) fn open_regular(&self, name: &OsStr, writable: bool) -> io::Result<File> {
        use rustix::fs::{Mode, OFlags};
        let access = if writable {
            OFlags::RDWR
        } else {
            OFlags::RDONLY
        };
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = self.open_with(name, flags, Mode::empty())?;
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(io::Error::other("not a regular file"))
        }
    }

    fn open_with(
        &self,
        name: &OsStr,
        flags: rustix::fs::OFlags,
        mode: rustix::fs::Mode,
    ) -> io::Result<File> {
        let flags = flags | rustix::fs::OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.handle, name, flags, mode)?.into())
    }

    /// Returns true if `name` is a regular file. Returns false for a symbolic link, even if it leads to a regular file.
    pub(crate) fn is_regular(&self, name: &OsStr) -> io::Result<bool> {
        use rustix::fs::{AtFlags, FileType, statat};
        let found = statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(FileType::from_raw_mode(found.st_mode) == FileType::RegularFile)
    }

    /// Renames a file. If the file `to` exists, it is replaced.
    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.handle, from, &self.handle, to)?)
    }

    /// Renames a file. If a file with the new name exists, returns an error.
    pub(crate) fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        {
            use rustix::fs::{RenameFlags, renameat_with};
            use rustix::io::Errno;
            let flags = RenameFlags::NOREPLACE;
            match renameat_with(&self.handle, from, &self.handle, to, flags) {
                // Old kernels and some file systems do not support `RENAME_NOREPLACE`. In this case, the code below creates a hard link with the new
                // name, and then removes the old name. Like the rename, the hard link fails if the new name exists.
                Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
                other => return Ok(other?),
            }
        }
        self.link(from, to)?;
        self.remove(from)
    }

    fn link(&self, existing: &OsStr, name: &OsStr) -> io::Result<()> {
        let flags = rustix::fs::AtFlags::empty();
        Ok(rustix::fs::linkat(
            &self.handle,
            existing,
            &self.handle,
            name,
            flags,
        )?)
    }

    /// Removes a file.
    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        let flags = rustix::fs::AtFlags::empty();
        Ok(rustix::fs::unlinkat(&self.handle, name, flags)?)
    }

    /// Flushes the folder to disk, so that created, renamed and removed files survive a power failure.
    pub(crate) fn flush(&self) -> io::Result<()> {
        self.handle.sync_all()
    }

    /// Checks that the folder's path still leads to this folder.
    ///
    /// # Errors
    /// Returns an error if the path now leads to a different folder, because a new file would not appear at the path that the user set.
    pub(crate) fn check_path(&self) -> io::Result<()> {
        use std::os::unix::fs::MetadataExt as _;
        let (here, there) = (self.handle.metadata()?, fs::metadata(&self.path)?);
        if (here.dev(), here.ino()) == (there.dev(), there.ino()) {
            Ok(())
        } else {
            Err(io::Error::other(
                "the folder was replaced by a different folder",
            ))
        }
    }

    /// Returns a file handle of the folder, with which the folder can be locked.
    pub(crate) fn lockable(&self) -> io::Result<File> {
        // Each call opens a separate file descriptor. So two locks that this process takes on the folder exclude each other.
        use rustix::fs::{Mode, OFlags};
        self.open_with(
            OsStr::new("."),
            OFlags::RDONLY | OFlags::DIRECTORY,
            Mode::empty(),
        )
    }
}

/// On Windows, the folder is stored as a path, because Windows cannot open a folder as a file. The path stays correct, because Windows does
/// not allow a folder that contains an open file to be moved.
#[cfg(not(unix))]
impl OpenFolder {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.is_dir() {
            let path = path.to_owned();
            Ok(Self { path })
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    pub(crate) fn create_private(&self, name: &OsStr) -> io::Result<File> {
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        options.open(self.path.join(name))
    }

    pub(crate) fn open_regular(&self, name: &OsStr, writable: bool) -> io::Result<File> {
        if !self.is_regular(name)? {
            return Err(io::Error::other("not a regular file"));
        }
        let mut options = File::options();
        options.read(true).write(writable);
        options.open(self.path.join(name))
    }

    pub(crate) fn is_regular(&self, name: &OsStr) -> io::Result<bool> {
        Ok(fs::symlink_metadata(self.path.join(name))?.is_file())
    }

    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    pub(crate) fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        self.link(from, to)?;
        self.remove(from)
    }

    fn link(&self, existing: &OsStr, name: &OsStr) -> io::Result<()> {
        fs::hard_link(self.path.join(existing), self.path.join(name))
    }

    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the Unix version of this function uses `self` and can fail"
    )]
    pub(crate) fn flush(&self) -> io::Result<()> {
        // Nothing is flushed on Windows, because the journal of the file system already contains the rename.
        Ok(())
    }

    pub(crate) fn check_path(&self) -> io::Result<()> {
        fs::metadata(&self.path).map(|_| ())
    }

    pub(crate) fn lockable(&self) -> io::Result<File> {
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        options.open(self.path.join(".swp-keys.lock"))
    }
}

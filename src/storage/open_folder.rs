//! A folder that is held open: what is done in it is done in this folder, even if its path leads to another one meanwhile.
//!
//! So a temporary file that holds a secret can always be removed again, also after the folder was moved away.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A folder that is held open.
#[derive(Debug)]
pub(crate) struct OpenFolder {
    path: PathBuf,
    #[cfg(unix)]
    handle: File,
}

/// The folder that a path is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

impl OpenFolder {
    /// The folder that the file at `path` is in, or is to be in.
    ///
    /// # Errors
    /// Returns the system's error if there is none, or if it may not be read.
    pub(crate) fn of_file(path: &Path) -> io::Result<Self> {
        Self::open(folder_of(path))
    }

    /// Where it was when it was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes `name` a second name of the file `existing`.
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

    /// Makes a new file for its owner alone.
    pub(crate) fn create_private(&self, name: &OsStr) -> io::Result<File> {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        self.open_with(name, flags, Mode::RUSR | Mode::WUSR)
    }

    /// Opens a plain file for reading, and for writing as well if `writable`; a link is not followed, and a pipe not waited for.
    pub(crate) fn open_plain(&self, name: &OsStr, writable: bool) -> io::Result<File> {
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
            Err(io::Error::other("it is not a plain file"))
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

    /// Whether `name` is a plain file, and not a link to one.
    pub(crate) fn is_plain(&self, name: &OsStr) -> io::Result<bool> {
        use rustix::fs::{AtFlags, FileType, statat};
        let found = statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(FileType::from_raw_mode(found.st_mode) == FileType::RegularFile)
    }

    /// Gives a file another name, in the place of what has that name.
    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.handle, from, &self.handle, to)?)
    }

    /// Gives a file another name, which nothing may have yet.
    pub(crate) fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        {
            use rustix::fs::{RenameFlags, renameat_with};
            use rustix::io::Errno;
            let flags = RenameFlags::NOREPLACE;
            match renameat_with(&self.handle, from, &self.handle, to, flags) {
                // Older kernels, and file systems that do not know it.
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

    /// Makes removals and new names last.
    pub(crate) fn flush(&self) -> io::Result<()> {
        self.handle.sync_all()
    }

    /// Makes sure that the path still leads here.
    ///
    /// # Errors
    /// Returns an error if it does not: what is put here would not be at the path that the user named.
    pub(crate) fn check_place(&self) -> io::Result<()> {
        use std::os::unix::fs::MetadataExt as _;
        let (here, there) = (self.handle.metadata()?, fs::metadata(&self.path)?);
        if (here.dev(), here.ino()) == (there.dev(), there.ino()) {
            Ok(())
        } else {
            Err(io::Error::other(
                "another folder has taken the place of its folder",
            ))
        }
    }

    /// What a lock of the folder is taken on.
    pub(crate) fn lockable(&self) -> io::Result<File> {
        // A descriptor of its own, so that two who lock it in one process exclude each other as well.
        use rustix::fs::{Mode, OFlags};
        self.open_with(
            OsStr::new("."),
            OFlags::RDONLY | OFlags::DIRECTORY,
            Mode::empty(),
        )
    }
}

/// There, a folder in which a file is open cannot be moved away, and a folder cannot be opened as a file.
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

    pub(crate) fn open_plain(&self, name: &OsStr, writable: bool) -> io::Result<File> {
        if !self.is_plain(name)? {
            return Err(io::Error::other("it is not a plain file"));
        }
        let mut options = File::options();
        options.read(true).write(writable);
        options.open(self.path.join(name))
    }

    pub(crate) fn is_plain(&self, name: &OsStr) -> io::Result<bool> {
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
        reason = "the same form on every system"
    )]
    pub(crate) fn flush(&self) -> io::Result<()> {
        // Its rename is in the journal of the file system.
        Ok(())
    }

    pub(crate) fn check_place(&self) -> io::Result<()> {
        fs::metadata(&self.path).map(|_| ())
    }

    pub(crate) fn lockable(&self) -> io::Result<File> {
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        options.open(self.path.join(".swp-keys.lock"))
    }
}

//! Files that are there whole or not at all, and that nobody else can read.
//!
//! A temporary file with mode 0600 is made in the same folder, written and fsynced, and renamed; then the folder is fsynced, so
//! that the name survives a power cut as well. `delivery/` and `store.rs` both write this way;
//! `replaced_file.rs` keeps what a file replaces until that is settled.

use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file that is ready to be written and not there yet.
pub(crate) struct AtomicFile {
    temporary: NamedTempFile,
    target: PathBuf,
}

impl AtomicFile {
    /// Makes the temporary file, which proves that the folder can be written to. Dropped before [`AtomicFile::commit`], it is gone.
    ///
    /// # Errors
    /// Where the folder is missing, read-only, full, or not ours.
    pub(crate) fn prepare(target: &Path) -> io::Result<Self> {
        let folder = folder_of(target);
        let mut builder = tempfile::Builder::new();
        builder.prefix(".swp-keys-").suffix(".tmp");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
        Ok(Self {
            temporary: builder.tempfile_in(folder)?,
            target: target.to_owned(),
        })
    }

    /// Gives it the mode and the owner of the file it is to replace.
    ///
    /// # Errors
    /// Where the other file belongs to somebody else, and giving files away is not allowed to us.
    #[cfg(unix)]
    pub(crate) fn like(&self, other: &Metadata) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        let file = self.temporary.as_file();
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (other.uid(), other.gid()) {
            let given = fchown(file, Some(other.uid()), Some(other.gid()));
            // A group that has no rights does not matter.
            if given.is_err() && (own.uid() != other.uid() || other.mode() & 0o070 != 0) {
                return given;
            }
        }
        file.set_permissions(other.permissions())
    }

    /// There, a new file takes its rights from the folder, as the other one did.
    #[cfg(not(unix))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the same form on every system"
    )]
    pub(crate) fn like(&self, _other: &Metadata) -> io::Result<()> {
        Ok(())
    }

    /// Writes `content` and gives the file its name; an existing one is replaced only with `replace`.
    ///
    /// # Errors
    /// Nothing is at the target then that was not there before, and the temporary file is gone; but where the folder could not be
    /// flushed the file is there, and may be gone again after a power cut.
    pub(crate) fn commit(mut self, content: &[u8], replace: bool) -> io::Result<File> {
        self.write(content)?;
        let folder = folder_of(&self.target).to_owned();
        let file = self.give_name(replace)?;
        sync_folder(&folder)?;
        Ok(file)
    }

    /// Takes the lock of the file before it has its name, so that nobody ever sees it without. It lasts as long as the file that
    /// [`AtomicFile::commit`] returns is held, and the operating system lifts it when a process dies.
    ///
    /// # Errors
    /// Where the file system knows no locks.
    pub(crate) fn lock(&self) -> io::Result<()> {
        self.temporary.as_file().lock()
    }

    /// Writes `content`, still under the temporary name.
    pub(crate) fn write(&mut self, content: &[u8]) -> io::Result<()> {
        self.temporary.write_all(content)?;
        self.temporary.as_file().sync_all()
    }

    /// Gives the file its name. The folder is still to be flushed.
    pub(crate) fn give_name(self, replace: bool) -> io::Result<File> {
        Ok(if replace {
            self.temporary.persist(&self.target)?
        } else {
            self.temporary.persist_noclobber(&self.target)?
        })
    }

    /// Where it is to be.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }
}

/// Makes a removal or a new name in `folder` last.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    // Windows cannot open a folder to flush it; its rename is in the journal of the file system.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The folder that a path is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_private_and_alone() -> io::Result<()> {
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
    fn an_existing_file_is_replaced_only_on_demand() -> io::Result<()> {
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

//! Files that are there whole or not at all, and that nobody else can read.
//!
//! A temporary file with mode 0600 is made in the same folder, written and fsynced, and renamed; then the folder is fsynced, so
//! that the name survives a power cut as well. `delivery/` and `store.rs` both write this way;
//! `replaced_file.rs` keeps what a file replaces until that is settled.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use super::open_folder::OpenFolder;
use crate::random;

/// A file that is ready to be written and not there yet.
pub(crate) struct AtomicFile {
    file: File,
    temporary: TemporaryName,
    target: OsString,
}

/// A second name in a folder, which is removed when this is dropped.
pub(crate) struct TemporaryName {
    folder: Arc<OpenFolder>,
    name: OsString,
}

impl TemporaryName {
    /// Has `make` make a file of a new name in the folder.
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

    /// The name.
    pub(crate) fn name(&self) -> &OsStr {
        &self.name
    }

    /// Gives the file this name instead; what has it already is replaced only with `replace`.
    ///
    /// # Errors
    /// Returns the system's error; the temporary name is gone then.
    pub(crate) fn give_up_for(mut self, target: &OsStr, replace: bool) -> io::Result<()> {
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
    /// Makes the temporary file, which proves that the folder can be written to. Dropped before [`AtomicFile::commit`], it is gone.
    ///
    /// # Errors
    /// Where the folder is missing, read-only, full, or not ours.
    pub(crate) fn prepare(target: &Path) -> io::Result<Self> {
        let folder = Arc::new(OpenFolder::of_file(target)?);
        Self::prepare_in(&folder, file_name(target)?)
    }

    /// The same in a folder that is open already.
    ///
    /// # Errors
    /// As of [`AtomicFile::prepare`].
    pub(crate) fn prepare_in(folder: &Arc<OpenFolder>, target: &OsStr) -> io::Result<Self> {
        let (temporary, file) = TemporaryName::make(folder, |name| folder.create_private(name))?;
        Ok(Self {
            file,
            temporary,
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
        let own = self.file.metadata()?;
        if (own.uid(), own.gid()) != (other.uid(), other.gid()) {
            let given = fchown(&self.file, Some(other.uid()), Some(other.gid()));
            // A group that has no rights does not matter.
            if given.is_err() && (own.uid() != other.uid() || other.mode() & 0o070 != 0) {
                return given;
            }
        }
        self.file.set_permissions(other.permissions())
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
        let folder = Arc::clone(self.folder());
        folder.check_place()?;
        let file = self.give_name(replace)?;
        folder.flush()?;
        Ok(file)
    }

    /// Takes the lock of the file before it has its name, so that nobody ever sees it without. It lasts as long as the file that
    /// [`AtomicFile::commit`] returns is held, and the operating system lifts it when a process dies.
    ///
    /// # Errors
    /// Where the file system knows no locks.
    pub(crate) fn lock(&self) -> io::Result<()> {
        self.file.lock()
    }

    /// Writes `content`, still under the temporary name.
    pub(crate) fn write(&mut self, content: &[u8]) -> io::Result<()> {
        self.file.write_all(content)?;
        self.file.sync_all()
    }

    /// Gives the file its name. The folder is still to be flushed.
    pub(crate) fn give_name(self, replace: bool) -> io::Result<File> {
        self.temporary.give_up_for(&self.target, replace)?;
        Ok(self.file)
    }

    /// Where it is to be.
    pub(crate) fn target(&self) -> &OsStr {
        &self.target
    }

    /// The folder that it is in.
    pub(crate) fn folder(&self) -> &Arc<OpenFolder> {
        &self.temporary.folder
    }
}

/// The last name of a path to a file.
///
/// # Errors
/// Returns an error if it has none.
pub(crate) fn file_name(path: &Path) -> io::Result<&OsStr> {
    path.file_name()
        .ok_or_else(|| io::Error::other("it names a folder"))
}

/// Makes a removal or a new name in `folder` last.
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

    /// A folder that is moved away and replaced, as a deployment does, after the temporary file was made.
    #[test]
    #[cfg(unix)]
    fn a_folder_that_is_swapped_keeps_nothing() -> io::Result<()> {
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

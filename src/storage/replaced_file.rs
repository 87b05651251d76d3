//! Replaces a file, and keeps a backup of the old file until it is known whether the run of the program succeeds.
//!
//! Before the rename, the old file gets a second name in the same folder (a hard link). A rollback renames the old file back. It needs no
//! disk space, and the mode and the owner of the file stay the same. If the run is killed before it can remove the second name, the old
//! file remains under its second name (`.swp-keys-*.tmp`). On a file system without hard links, the old content is copied to memory
//! instead.
//!
//! A mount point cannot be replaced, so it is overwritten in place, and its old content is copied to memory. If the power fails while a
//! file is overwritten in place, the file may be damaged.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::atomic_file::{AtomicFile, TemporaryName};
use super::open_folder::OpenFolder;
use super::overwrite::overwrite;

/// The maximum size of an old file whose content is copied to memory as a backup.
const COPY_LIMIT: u64 = 1024 * 1024;

/// A new file that has replaced an old file, and a backup of the old file. When this value is dropped, the backup is removed. The new file stays in
/// place.
pub(crate) struct ReplacedFile {
    folder: Arc<OpenFolder>,
    name: OsString,
    content: Zeroizing<Vec<u8>>,
    backup: Backup,
}

/// The backup of the old file, for a rollback.
enum Backup {
    /// There is no backup, because there was no old file.
    Nothing,
    /// The old file itself, which still exists under a second name.
    Linked(TemporaryName),
    /// A copy of the content of the old file, and its metadata.
    Copied(Zeroizing<Vec<u8>>, Metadata),
    /// The open file that was overwritten in place, and a copy of its old content.
    Overwritten(File, Zeroizing<Vec<u8>>),
    /// There was an old file, but no backup of it was possible.
    Missing,
}

impl ReplacedFile {
    /// Renames `file`, which contains `content`, to its final name, and flushes the folder to disk. If a file with that name exists, `replace`
    /// decides: true replaces the existing file, and false returns an error.
    ///
    /// # Errors
    /// Returns the system's error. After an error, the old file is unchanged.
    pub(crate) fn put(
        file: AtomicFile,
        content: Zeroizing<Vec<u8>>,
        replace: bool,
    ) -> io::Result<Self> {
        let placed = Self::place(file, content, replace)?;
        match placed.folder.flush() {
            Ok(()) => Ok(placed),
            Err(error) => Err(match placed.roll_back() {
                Ok(()) => error,
                Err(reason) => io::Error::other(format!("{error}; {reason}")),
            }),
        }
    }

    /// Renames `file`, which contains `content`, to its final name like [`ReplacedFile::put`]. The caller must then flush the folder to disk,
    /// and roll back if this fails.
    ///
    /// # Errors
    /// Returns the system's error. After an error, the old file is unchanged.
    pub(crate) fn place(
        file: AtomicFile,
        content: Zeroizing<Vec<u8>>,
        replace: bool,
    ) -> io::Result<Self> {
        let folder = Arc::clone(file.folder());
        let name = file.target().to_owned();
        folder.check_path()?;
        let backup = if replace {
            Backup::create(&folder, &name)?
        } else {
            Backup::Nothing
        };
        file.give_name(!matches!(backup, Backup::Nothing))?;
        Ok(Self {
            folder,
            name,
            content,
            backup,
        })
    }

    /// Overwrites an open file that contains `before`, so that it contains `content`. This function is used if the operating system does
    /// not allow the file to be replaced.
    ///
    /// # Errors
    /// Returns the system's error. After an error, the content `before` is restored. If it could not be restored, the error also states the
    /// reason.
    pub(crate) fn overwrite(
        folder: &Arc<OpenFolder>,
        name: &OsStr,
        file: File,
        before: Zeroizing<Vec<u8>>,
        content: Zeroizing<Vec<u8>>,
    ) -> io::Result<Self> {
        overwrite(&file, &before, &content)?;
        Ok(Self {
            folder: Arc::clone(folder),
            name: name.to_owned(),
            content,
            backup: Backup::Overwritten(file, before),
        })
    }

    /// Returns the folder of the file.
    pub(crate) fn folder(&self) -> &Arc<OpenFolder> {
        &self.folder
    }

    /// Returns the open file if its content was overwritten in place. Returns `None` if the file was replaced by a new file.
    pub(crate) fn overwritten(&self) -> Option<&File> {
        match &self.backup {
            Backup::Overwritten(file, _) => Some(file),
            _ => None,
        }
    }

    /// Removes the new file, and restores the old file if there was one.
    ///
    /// # Errors
    /// Returns the reason if the old file could not be restored.
    pub(crate) fn roll_back(self) -> Result<(), String> {
        let message = |error: io::Error| error.to_string();
        // If another process has changed the new file meanwhile, the old file is not restored, because the changes of the other process
        // must not be lost.
        match self.is_unchanged() {
            Ok(true) => {}
            Ok(false) => {
                return Err("another process has changed the file in the meantime".to_owned());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(message(error)),
        }
        let is_missing = matches!(self.backup, Backup::Missing);
        match self.backup {
            Backup::Nothing | Backup::Missing => self.folder.remove(&self.name).map_err(message)?,
            Backup::Linked(name) => name.rename_to(&self.name, true).map_err(message)?,
            Backup::Copied(content, metadata) => {
                replace(&self.folder, &self.name, &content, &metadata).map_err(message)?;
            }
            Backup::Overwritten(file, before) => {
                return overwrite(&file, &self.content, &before).map_err(message);
            }
        }
        self.folder.flush().map_err(message)?;
        if is_missing {
            return Err(
                "the old content of the file could not be restored, because no backup exists"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Returns true if the file still has the content that this program wrote.
    ///
    /// # Errors
    /// Returns the system's error, for example if the file no longer exists.
    pub(crate) fn is_unchanged(&self) -> io::Result<bool> {
        Ok(self.current(self.content.len() as u64)?.as_ref() == Some(&self.content))
    }

    /// Returns the current content of the file. Returns `None` if the content is longer than `limit` bytes.
    ///
    /// # Errors
    /// Returns the system's error, for example if the file no longer exists.
    pub(crate) fn current(&self, limit: u64) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        if let Backup::Overwritten(file, _) = &self.backup {
            (&*file).seek(SeekFrom::Start(0))?;
            return whole(file, limit);
        }
        whole(&self.folder.open_regular(&self.name, false)?, limit)
    }

    /// Writes `content` to the file. `now` is the file's present content. This function is for a file that another process has changed since this run
    /// wrote it.
    ///
    /// # Errors
    /// Returns the system's error.
    pub(crate) fn revise(self, now: &[u8], content: &[u8]) -> io::Result<()> {
        if let Backup::Overwritten(file, _) = &self.backup {
            return overwrite(file, now, content);
        }
        let metadata = self.folder.open_regular(&self.name, false)?.metadata()?;
        replace(&self.folder, &self.name, content, &metadata)?;
        self.folder.flush()
    }
}

fn replace(
    folder: &Arc<OpenFolder>,
    name: &OsStr,
    content: &[u8],
    old: &Metadata,
) -> io::Result<()> {
    let mut file = AtomicFile::prepare_in(folder, name)?;
    file.copy_permissions(old)?;
    file.write(content)?;
    file.give_name(true).map(|_| ())
}

/// Returns the content of a file, or `None` if it is longer than `limit` bytes.
///
/// # Errors
/// Returns the system's error.
pub(crate) fn whole(file: &File, limit: u64) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let length = file.metadata()?.len();
    if length > limit {
        return Ok(None);
    }
    // The buffer is larger than the file, in case the file grows while it is read. If the buffer had to grow, a copy of a secret could be
    // left in memory.
    let room = usize::try_from(length.max(limit.min(4096)) + 32).unwrap_or_default();
    let mut content = Zeroizing::new(Vec::with_capacity(room));
    file.take(limit + 1).read_to_end(&mut content)?;
    Ok((content.len() as u64 <= limit).then_some(content))
}

impl Backup {
    fn create(folder: &Arc<OpenFolder>, target: &OsStr) -> io::Result<Self> {
        let second_name = TemporaryName::make(folder, |name| folder.add_name(target, name));
        match second_name {
            Ok((name, ())) => {
                // If `target` is a symbolic link, it must not be replaced. In this case, the new hard link is a symbolic link too.
                if folder.is_regular(name.name())? {
                    Ok(Self::Linked(name))
                } else {
                    Err(io::Error::other("it is no longer a regular file"))
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::Nothing),
            Err(_) => Self::copy(folder, target),
        }
    }

    fn copy(folder: &OpenFolder, target: &OsStr) -> io::Result<Self> {
        if !folder.is_regular(target)? {
            return Err(io::Error::other("it is no longer a regular file"));
        }
        let copied = folder.open_regular(target, false).and_then(|file| {
            let metadata = file.metadata()?;
            Ok(whole(&file, COPY_LIMIT)?.map(|content| Self::Copied(content, metadata)))
        });
        Ok(copied.ok().flatten().unwrap_or(Self::Missing))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    fn put(target: &Path, content: &str, replace: bool) -> io::Result<ReplacedFile> {
        let content = Zeroizing::new(content.as_bytes().to_vec());
        let mut file = AtomicFile::prepare(target)?;
        file.write(&content)?;
        ReplacedFile::put(file, content, replace)
    }

    /// Returns the number of names in the folder.
    fn names(folder: &Path) -> io::Result<usize> {
        Ok(fs::read_dir(folder)?.count())
    }

    #[test]
    fn a_rollback_restores_the_old_file_and_leaves_no_other_file() -> Tested {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("key");
        fs::write(&target, "old")?;
        let placed = put(&target, "new", true)?;
        assert_eq!(fs::read(&target)?, b"new");
        assert_eq!(names(folder.path())?, 2, "the old file is kept");
        placed.roll_back()?;
        assert_eq!(fs::read(&target)?, b"old");
        assert_eq!(names(folder.path())?, 1);

        drop(put(&target, "new", true)?);
        assert_eq!(fs::read(&target)?, b"new");
        assert_eq!(
            names(folder.path())?,
            1,
            "the old file is removed at the end"
        );
        Ok(())
    }

    #[test]
    fn a_rollback_removes_a_new_file() -> Tested {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("key");
        for replace in [false, true] {
            put(&target, "new", replace)?.roll_back()?;
            assert_eq!(names(folder.path())?, 0);
        }
        Ok(())
    }

    #[test]
    fn a_rollback_keeps_the_changes_of_another_process() -> Tested {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("key");
        fs::write(&target, "old")?;
        let placed = put(&target, "new", true)?;
        fs::write(&target, "newer")?;
        assert_eq!(
            placed.roll_back(),
            Err("another process has changed the file in the meantime".to_owned())
        );
        assert_eq!(fs::read(&target)?, b"newer");
        Ok(())
    }

    #[test]
    fn a_rollback_restores_a_copy_if_hard_links_are_not_supported() -> Tested {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("key");
        fs::write(&target, "old")?;
        let copied = Backup::copy(&OpenFolder::of_file(&target)?, OsStr::new("key"))?;
        #[cfg(unix)]
        fs::set_permissions(&target, std::os::unix::fs::PermissionsExt::from_mode(0o604))?;
        let mode = fs::metadata(&target)?;
        let mut placed = put(&target, "new", true)?;
        placed.backup = match copied {
            Backup::Copied(content, _) => Backup::Copied(content, mode.clone()),
            other => other,
        };
        placed.roll_back()?;
        assert_eq!(fs::read(&target)?, b"old");
        assert_eq!(fs::metadata(&target)?.permissions(), mode.permissions());
        assert_eq!(names(folder.path())?, 1);
        Ok(())
    }

    #[test]
    fn lost_content_is_reported() -> Tested {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("key");
        let mut placed = put(&target, "new", false)?;
        placed.backup = Backup::Missing;
        assert_eq!(
            placed.roll_back(),
            Err(
                "the old content of the file could not be restored, because no backup exists"
                    .to_owned()
            )
        );
        assert_eq!(names(folder.path())?, 0);
        Ok(())
    }

    /// Covers files that cannot be replaced, for example a mount point.
    #[test]
    fn an_overwritten_file_remains_the_same_file() -> Tested {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("key");
        let bytes = |text: &str| Zeroizing::new(text.as_bytes().to_vec());
        for (old, new) in [("old", "newer"), ("older", "new"), ("", "new")] {
            fs::write(&target, old)?;
            let open = Arc::new(OpenFolder::of_file(&target)?);
            let name = OsStr::new("key");
            let file = open.open_regular(name, true)?;
            let placed = ReplacedFile::overwrite(&open, name, file, bytes(old), bytes(new))?;
            assert_eq!(fs::read(&target)?, new.as_bytes());
            assert!(placed.is_unchanged()?);
            placed.roll_back()?;
            assert_eq!(fs::read(&target)?, old.as_bytes());
            assert_eq!(names(folder.path())?, 1);
        }
        Ok(())
    }
}

//! A file that was put in place and can be taken back until that is settled.
//!
//! What stood there before is kept by a second name in the same folder, made just before the rename: nothing is copied, so taking
//! back cannot fail for want of space and gives the very same file, with its mode and owner. A run that is killed in between leaves
//! that second name (`.swp-keys-*.tmp`), and with it what was there. Where the file system has no second names, a copy in memory
//! does the same with a new file.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempPath;
use zeroize::Zeroizing;

use crate::atomic_file::{AtomicFile, folder_of, sync_folder};

/// More than this is not kept in memory.
const COPY_LIMIT: u64 = 1024 * 1024;

/// A file in its place, and what it replaced. Dropped, it stays, and what it replaced is gone.
pub(crate) struct ReplacedFile {
    target: PathBuf,
    content: Zeroizing<Vec<u8>>,
    former: Former,
}

/// What was there before.
enum Former {
    Nothing,
    /// By its second name.
    Kept(TempPath),
    Copied(Zeroizing<Vec<u8>>, Metadata),
    /// Neither was possible.
    Lost,
}

impl ReplacedFile {
    /// Writes `content` and puts `file` in its place; an existing file is replaced only with `replace`.
    ///
    /// # Errors
    /// What was there before is there then.
    pub(crate) fn put(
        mut file: AtomicFile,
        content: Zeroizing<Vec<u8>>,
        replace: bool,
    ) -> io::Result<Self> {
        file.write(&content)?;
        let target = file.target().to_owned();
        let former = if replace {
            Former::keep(&target)?
        } else {
            Former::Nothing
        };
        file.give_name(!matches!(former, Former::Nothing))?;
        let placed = Self {
            target,
            content,
            former,
        };
        match sync_folder(folder_of(&placed.target)) {
            Ok(()) => Ok(placed),
            Err(error) => Err(match placed.take_back() {
                Ok(()) => error,
                Err(reason) => io::Error::other(format!("{error}; {reason}")),
            }),
        }
    }

    /// Takes the file away again and puts back what was there before.
    ///
    /// # Errors
    /// In words, what could not be done.
    pub(crate) fn take_back(self) -> Result<(), String> {
        let words = |error: io::Error| error.to_string();
        // Somebody else's work is not undone with ours.
        match self.is_unchanged() {
            Ok(true) => {}
            Ok(false) => return Err("somebody else has written to it since".to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(words(error)),
        }
        let lost = matches!(self.former, Former::Lost);
        match self.former {
            Former::Nothing | Former::Lost => fs::remove_file(&self.target).map_err(words)?,
            Former::Kept(former) => former
                .persist(&self.target)
                .map_err(|error| words(error.error))?,
            Former::Copied(content, metadata) => {
                let mut file = AtomicFile::prepare(&self.target).map_err(words)?;
                file.like(&metadata).map_err(words)?;
                file.write(&content).map_err(words)?;
                file.give_name(true).map_err(words)?;
            }
        }
        sync_folder(folder_of(&self.target)).map_err(words)?;
        if lost {
            return Err("what it held before is gone".to_owned());
        }
        Ok(())
    }

    /// The content tells: it holds a secret that nobody else could have written.
    fn is_unchanged(&self) -> io::Result<bool> {
        let metadata = fs::symlink_metadata(&self.target)?;
        if !metadata.is_file() || metadata.len() != self.content.len() as u64 {
            return Ok(false);
        }
        Ok(*Zeroizing::new(fs::read(&self.target)?) == *self.content)
    }
}

impl Former {
    fn keep(target: &Path) -> io::Result<Self> {
        let second_name = tempfile::Builder::new()
            .prefix(".swp-keys-")
            .suffix(".tmp")
            .make_in(folder_of(target), |path| fs::hard_link(target, path));
        match second_name {
            Ok(name) => {
                let name = name.into_temp_path();
                // A link of a link is a link: what came in between is not what the user agreed to replace.
                if fs::symlink_metadata(&name)?.is_file() {
                    Ok(Self::Kept(name))
                } else {
                    Err(io::Error::other("it is no plain file any more"))
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::Nothing),
            Err(_) => Self::copy(target),
        }
    }

    fn copy(target: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(target)?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is no plain file any more"));
        }
        if metadata.len() > COPY_LIMIT {
            return Ok(Self::Lost);
        }
        Ok(match fs::read(target) {
            Ok(content) => Self::Copied(Zeroizing::new(content), metadata),
            Err(_) => Self::Lost,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    fn put(target: &Path, content: &str, replace: bool) -> io::Result<ReplacedFile> {
        let content = Zeroizing::new(content.as_bytes().to_vec());
        ReplacedFile::put(AtomicFile::prepare(target)?, content, replace)
    }

    /// How many names the folder holds.
    fn names(folder: &Path) -> io::Result<usize> {
        Ok(fs::read_dir(folder)?.count())
    }

    #[test]
    fn what_was_there_comes_back_and_nothing_else_is_left() -> Tested {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("key");
        fs::write(&target, "old")?;
        let placed = put(&target, "new", true)?;
        assert_eq!(fs::read(&target)?, b"new");
        assert_eq!(names(folder.path())?, 2, "the old one is kept");
        placed.take_back()?;
        assert_eq!(fs::read(&target)?, b"old");
        assert_eq!(names(folder.path())?, 1);

        drop(put(&target, "new", true)?);
        assert_eq!(fs::read(&target)?, b"new");
        assert_eq!(names(folder.path())?, 1, "settled, the old one is gone");
        Ok(())
    }

    #[test]
    fn a_new_file_goes_again() -> Tested {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("key");
        for replace in [false, true] {
            put(&target, "new", replace)?.take_back()?;
            assert_eq!(names(folder.path())?, 0);
        }
        Ok(())
    }

    #[test]
    fn what_somebody_else_wrote_since_stays() -> Tested {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("key");
        fs::write(&target, "old")?;
        let placed = put(&target, "new", true)?;
        fs::write(&target, "newer")?;
        assert_eq!(
            placed.take_back(),
            Err("somebody else has written to it since".to_owned())
        );
        assert_eq!(fs::read(&target)?, b"newer");
        Ok(())
    }

    #[test]
    fn a_copy_does_where_there_are_no_second_names() -> Tested {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("key");
        fs::write(&target, "old")?;
        let copied = Former::copy(&target)?;
        #[cfg(unix)]
        fs::set_permissions(&target, std::os::unix::fs::PermissionsExt::from_mode(0o604))?;
        let mode = fs::metadata(&target)?;
        let mut placed = put(&target, "new", true)?;
        placed.former = match copied {
            Former::Copied(content, _) => Former::Copied(content, mode.clone()),
            other => other,
        };
        placed.take_back()?;
        assert_eq!(fs::read(&target)?, b"old");
        assert_eq!(fs::metadata(&target)?.permissions(), mode.permissions());
        assert_eq!(names(folder.path())?, 1);
        Ok(())
    }

    #[test]
    fn what_is_lost_is_said() -> Tested {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("key");
        let mut placed = put(&target, "new", false)?;
        placed.former = Former::Lost;
        assert_eq!(
            placed.take_back(),
            Err("what it held before is gone".to_owned())
        );
        assert_eq!(names(folder.path())?, 0);
        Ok(())
    }
}

//! A file that was put in place and can be taken back until that is settled.
//!
//! What stood there before is kept by a second name in the same folder, made just before the rename: nothing is copied, so taking
//! back cannot fail for want of space and gives the very same file, with its mode and owner. A run that is killed in between leaves
//! that second name (`.swp-keys-*.tmp`), and with it what was there. Where the file system has no second names, a copy in memory
//! does the same with a new file.
//!
//! A file that cannot be replaced, since it is a mount, is written in place; what it held is kept in memory then, and a power cut while
//! it is written may leave it damaged.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::atomic_file::{AtomicFile, TemporaryName};
use super::open_folder::OpenFolder;

/// More than this is not kept in memory.
const COPY_LIMIT: u64 = 1024 * 1024;

/// A file in its place, and what it replaced. Dropped, it stays, and what it replaced is gone.
pub(crate) struct ReplacedFile {
    folder: Arc<OpenFolder>,
    name: OsString,
    content: Zeroizing<Vec<u8>>,
    former: Former,
}

/// What was there before.
enum Former {
    Nothing,
    /// By its second name.
    Kept(TemporaryName),
    Copied(Zeroizing<Vec<u8>>, Metadata),
    /// It is the same file, with other content.
    Overwritten(File, Zeroizing<Vec<u8>>),
    /// Neither was possible.
    Lost,
}

impl ReplacedFile {
    /// Puts `file`, into which `content` was written, in its place; an existing file is replaced only with `replace`.
    ///
    /// # Errors
    /// What was there before is there then.
    pub(crate) fn put(
        file: AtomicFile,
        content: Zeroizing<Vec<u8>>,
        replace: bool,
    ) -> io::Result<Self> {
        let folder = Arc::clone(file.folder());
        let name = file.target().to_owned();
        folder.check_place()?;
        let former = if replace {
            Former::keep(&folder, &name)?
        } else {
            Former::Nothing
        };
        file.give_name(!matches!(former, Former::Nothing))?;
        let placed = Self {
            folder,
            name,
            content,
            former,
        };
        match placed.folder.flush() {
            Ok(()) => Ok(placed),
            Err(error) => Err(match placed.roll_back() {
                Ok(()) => error,
                Err(reason) => io::Error::other(format!("{error}; {reason}")),
            }),
        }
    }

    /// Writes `content` into the file itself, which holds `before` and is open for that: the system does not let another take its place.
    ///
    /// # Errors
    /// What it held before is there then, or the error names what is not.
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
            former: Former::Overwritten(file, before),
        })
    }

    /// The folder that it is in.
    pub(crate) fn folder(&self) -> &Arc<OpenFolder> {
        &self.folder
    }

    /// The file, if it is written in place.
    pub(crate) fn overwritten(&self) -> Option<&File> {
        match &self.former {
            Former::Overwritten(file, _) => Some(file),
            _ => None,
        }
    }

    /// Takes the file away again and puts back what was there before.
    ///
    /// # Errors
    /// In words, what could not be done.
    pub(crate) fn roll_back(self) -> Result<(), String> {
        let words = |error: io::Error| error.to_string();
        // Somebody else's work is not undone with ours.
        match self.is_unchanged() {
            Ok(true) => {}
            Ok(false) => return Err("another process has written to it since".to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(words(error)),
        }
        let lost = matches!(self.former, Former::Lost);
        match self.former {
            Former::Nothing | Former::Lost => self.folder.remove(&self.name).map_err(words)?,
            Former::Kept(former) => former.give_up_for(&self.name, true).map_err(words)?,
            Former::Copied(content, metadata) => {
                replace(&self.folder, &self.name, &content, &metadata).map_err(words)?;
            }
            Former::Overwritten(file, before) => {
                return overwrite(&file, &self.content, &before).map_err(words);
            }
        }
        self.folder.flush().map_err(words)?;
        if lost {
            return Err("what it held before is gone".to_owned());
        }
        Ok(())
    }

    /// Whether it holds what was put there: a secret that nobody else could have written.
    ///
    /// # Errors
    /// Returns the system's error, if the file is gone for example.
    pub(crate) fn is_unchanged(&self) -> io::Result<bool> {
        Ok(self.current(self.content.len() as u64)?.as_ref() == Some(&self.content))
    }

    /// What it holds now; `None` if that is more than `limit`.
    ///
    /// # Errors
    /// Returns the system's error, if the file is gone for example.
    pub(crate) fn current(&self, limit: u64) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        if let Former::Overwritten(file, _) = &self.former {
            (&*file).seek(SeekFrom::Start(0))?;
            return whole(file, limit);
        }
        whole(&self.folder.open_plain(&self.name, false)?, limit)
    }

    /// Puts `content` in the place of what the file holds now, which something else has changed since.
    ///
    /// # Errors
    /// Returns the system's error.
    pub(crate) fn revise(self, now: &[u8], content: &[u8]) -> io::Result<()> {
        if let Former::Overwritten(file, _) = &self.former {
            return overwrite(file, now, content);
        }
        let metadata = self.folder.open_plain(&self.name, false)?.metadata()?;
        replace(&self.folder, &self.name, content, &metadata)?;
        self.folder.flush()
    }
}

fn replace(
    folder: &Arc<OpenFolder>,
    name: &OsStr,
    content: &[u8],
    like: &Metadata,
) -> io::Result<()> {
    let mut file = AtomicFile::prepare_in(folder, name)?;
    file.like(like)?;
    file.write(content)?;
    file.give_name(true).map(|_| ())
}

/// What a file holds; `None` if that is more than `limit`.
///
/// # Errors
/// Returns the system's error.
pub(crate) fn whole(file: &File, limit: u64) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let length = file.metadata()?.len();
    if length > limit {
        return Ok(None);
    }
    // Room for what comes while it is read: bytes that grow leave copies behind.
    let room = usize::try_from(length.max(limit.min(4096)) + 32).unwrap_or_default();
    let mut content = Zeroizing::new(Vec::with_capacity(room));
    file.take(limit + 1).read_to_end(&mut content)?;
    Ok((content.len() as u64 <= limit).then_some(content))
}

/// Writes `content` over `before`; if that fails, `before` is written again.
fn overwrite(file: &File, before: &[u8], content: &[u8]) -> io::Result<()> {
    let written = reserve(file, content.len()).and_then(|()| write_over(file, content));
    written.map_err(|error| match write_over(file, before) {
        Ok(()) => error,
        Err(other) => io::Error::other(format!(
            "{error}; what it held before is not whole: {other}"
        )),
    })
}

fn write_over(mut file: &File, content: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.write_all(content)?;
    file.set_len(content.len() as u64)?;
    file.sync_all()
}

/// What cannot be written whole is not begun: neither a full disk nor a limit on the size of files may cost what is there.
#[cfg(target_os = "linux")]
fn reserve(file: &File, length: usize) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    use rustix::process::{Resource, getrlimit};
    let limit = getrlimit(Resource::Fsize).current;
    if limit.is_some_and(|limit| {
        limit
            < file
                .metadata()
                .map_or(0, |now| now.len())
                .max(length as u64)
    }) {
        return Err(Errno::FBIG.into());
    }
    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, length.max(1) as u64) {
        Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "the same form on every system")]
fn reserve(_file: &File, _length: usize) -> io::Result<()> {
    Ok(())
}

impl Former {
    fn keep(folder: &Arc<OpenFolder>, target: &OsStr) -> io::Result<Self> {
        let second_name = TemporaryName::make(folder, |name| folder.add_name(target, name));
        match second_name {
            Ok((name, ())) => {
                // A link of a link is a link: what came in between is not what the user agreed to replace.
                if folder.is_plain(name.name())? {
                    Ok(Self::Kept(name))
                } else {
                    Err(io::Error::other("it is no plain file any more"))
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::Nothing),
            Err(_) => Self::copy(folder, target),
        }
    }

    fn copy(folder: &OpenFolder, target: &OsStr) -> io::Result<Self> {
        if !folder.is_plain(target)? {
            return Err(io::Error::other("it is no plain file any more"));
        }
        let copied = folder.open_plain(target, false).and_then(|file| {
            let metadata = file.metadata()?;
            Ok(whole(&file, COPY_LIMIT)?.map(|content| Self::Copied(content, metadata)))
        });
        Ok(copied.ok().flatten().unwrap_or(Self::Lost))
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
        placed.roll_back()?;
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
            put(&target, "new", replace)?.roll_back()?;
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
            placed.roll_back(),
            Err("another process has written to it since".to_owned())
        );
        assert_eq!(fs::read(&target)?, b"newer");
        Ok(())
    }

    #[test]
    fn a_copy_does_where_there_are_no_second_names() -> Tested {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("key");
        fs::write(&target, "old")?;
        let copied = Former::copy(&OpenFolder::of_file(&target)?, OsStr::new("key"))?;
        #[cfg(unix)]
        fs::set_permissions(&target, std::os::unix::fs::PermissionsExt::from_mode(0o604))?;
        let mode = fs::metadata(&target)?;
        let mut placed = put(&target, "new", true)?;
        placed.former = match copied {
            Former::Copied(content, _) => Former::Copied(content, mode.clone()),
            other => other,
        };
        placed.roll_back()?;
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
            placed.roll_back(),
            Err("what it held before is gone".to_owned())
        );
        assert_eq!(names(folder.path())?, 0);
        Ok(())
    }

    /// As a mount, which cannot be renamed over.
    #[test]
    fn a_file_that_is_overwritten_stays_the_same_file() -> Tested {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("key");
        let bytes = |text: &str| Zeroizing::new(text.as_bytes().to_vec());
        for (old, new) in [("old", "newer"), ("older", "new"), ("", "new")] {
            fs::write(&target, old)?;
            let open = Arc::new(OpenFolder::of_file(&target)?);
            let name = OsStr::new("key");
            let file = open.open_plain(name, true)?;
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

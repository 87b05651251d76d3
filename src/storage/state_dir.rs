//! State on disk: `$SWP_STATE_DIR`, or `swp-keys` in `$XDG_STATE_HOME`; folders 0700, files 0600. Pure data, no network.
//!
//! Nothing is read from where somebody else may have put it, and nothing written there: a session of theirs would make a key on their
//! manager of ours, a record of theirs would make `recover` delete one of ours.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::atomic_file::{AtomicFile, sync_folder};
use super::permissions::{Use, trust_file, trust_folder};

/// What is kept is at most a few kilobytes; a file that is larger is something else.
const LIMIT: u64 = 64 * 1024;

/// One folder of the state: each file in it is one thing, written whole.
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder `name` of the state; nothing is made yet. `None` where this machine has no place for state.
    pub(crate) fn of_state(name: &str) -> Option<Self> {
        Some(Self {
            path: state_folder()?.join(name),
        })
    }

    /// This folder, wherever the state is.
    #[cfg(test)]
    pub(crate) fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes sure that nobody else can have put here what is in it. What is not there yet is nobody's.
    ///
    /// # Errors
    /// [`crate::storage::permissions::UntrustedPath`].
    pub(crate) fn trusted(&self) -> io::Result<()> {
        if let Some(above) = self.path.parent() {
            trust_folder(above, Use::Above)?;
        }
        trust_folder(&self.path, Use::Holds)
    }

    /// Writes `name` whole, and makes the folder where it is missing.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.create()?;
        AtomicFile::prepare(&self.path.join(name))?
            .commit(content, true)
            .map(|_| ())
    }

    /// Writes `name` whole, which must not be there yet, and returns it locked.
    pub(crate) fn write_locked(&self, name: &str, content: &[u8]) -> io::Result<File> {
        self.create()?;
        self.commit_locked(name, content, false)
    }

    /// Writes `name` whole, in the place of what is there, and returns it locked.
    pub(crate) fn replace_locked(&self, name: &str, content: &[u8]) -> io::Result<File> {
        self.commit_locked(name, content, true)
    }

    fn commit_locked(&self, name: &str, content: &[u8], replace: bool) -> io::Result<File> {
        let file = AtomicFile::prepare(&self.path.join(name))?;
        file.lock()?;
        file.commit(content, replace)
    }

    /// What `name` holds; none where it does not exist.
    pub(crate) fn read(&self, name: &str) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        let file = match self.plain(name).and_then(File::open) {
            Err(error) if is_absent(&error) => return Ok(None),
            other => other?,
        };
        limited(file).map(Some)
    }

    /// Opens `name`, to be changed or locked.
    pub(crate) fn open(&self, name: &str) -> io::Result<File> {
        (File::options().read(true).write(true)).open(self.plain(name)?)
    }

    /// The path of `name`, which is a file: opening a pipe would wait for its other end.
    fn plain(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        if !path.symlink_metadata()?.is_file() {
            return Err(io::Error::other(format!("`{name}` is no file")));
        }
        self.trusted()?;
        trust_file(&path, false)?;
        Ok(path)
    }

    /// The names of the files in it, in order; none where it does not exist.
    pub(crate) fn names(&self) -> io::Result<Vec<String>> {
        self.trusted()?;
        let entries = match fs::read_dir(&self.path) {
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            other => other?,
        };
        let mut names = Vec::new();
        for entry in entries {
            // Those with a dot are temporary files of a write that is under way, or was cut off.
            match entry?.file_name().into_string() {
                Ok(name) if !name.starts_with('.') => names.push(name),
                _ => {}
            }
        }
        names.sort();
        Ok(names)
    }

    /// The names and contents of all files in it, which hold secrets. A file that goes away meanwhile is left out. One that others may
    /// read is refused, unless that is `allow_loose`.
    pub(crate) fn read_all(
        &self,
        allow_loose: bool,
    ) -> io::Result<Vec<(String, Zeroizing<Vec<u8>>)>> {
        let mut files = Vec::new();
        for name in self.names()? {
            let path = self.path.join(&name);
            match trust_file(&path, !allow_loose).and_then(|()| whole(&path, &name)) {
                Ok(content) => files.push((name, content)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(files)
    }

    /// Removes `name`; one that is gone already is no error.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        self.remove_unflushed(name)?;
        self.flush()
    }

    /// The same, and that it is so is still to be flushed.
    pub(crate) fn remove_unflushed(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Makes last what was made or removed in it; there is nothing to flush where it does not exist.
    pub(crate) fn flush(&self) -> io::Result<()> {
        match sync_folder(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Makes it where it is missing, for its owner alone, and lasting: the folder above each new one is fsynced as well.
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

    /// One that was there already may be looser. The folders above are the user's own choice and left as they are.
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

/// What the file at `path` holds; looked at before it is opened, since opening a pipe would wait for its other end.
fn whole(path: &Path, name: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other(format!("`{name}` is no file")));
    }
    limited(File::open(path)?)
}

fn limited(file: File) -> io::Result<Zeroizing<Vec<u8>>> {
    // Room for the whole of it, and for the look whether more comes: what grows leaves a copy behind.
    let room = file.metadata()?.len().min(LIMIT) + 32;
    let mut content = Zeroizing::new(Vec::with_capacity(
        usize::try_from(room).unwrap_or_default(),
    ));
    file.take(LIMIT).read_to_end(&mut content)?;
    Ok(content)
}

/// Waits for as long as many runs may take with it, and no longer: one that was stopped in the middle does not stop the others, nor
/// does another user, who may lock whatever is open to be read.
///
/// # Errors
/// Where it stays locked, and where the file system knows no locks.
pub(crate) fn lock_in_time(file: &File) -> io::Result<()> {
    for _ in 0..200 {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::other(
        "somebody else does not let go of its lock",
    ))
}

/// Makes a folder where it is missing, for its owner alone; one that is there is left as it is.
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

/// An empty variable counts as none.
fn state_folder() -> Option<PathBuf> {
    Some(state_place()?.0)
}

/// The variable that decides where the state is.
pub(crate) fn state_variable() -> &'static str {
    state_place().map_or("SWP_STATE_DIR", |(_, variable)| variable)
}

fn state_place() -> Option<(PathBuf, &'static str)> {
    let (of_windows, of_others) = ("LOCALAPPDATA", ".local/state");
    place("SWP_STATE_DIR", "XDG_STATE_HOME", of_windows, of_others)
}

/// Where the user's own files are looked for: `config.toml`, and `trusted.toml` beside it. Nothing is made here.
pub(crate) fn config_folder() -> Option<PathBuf> {
    Some(config_place()?.0)
}

/// The variable that decides where those are.
pub(crate) fn config_variable() -> &'static str {
    config_place().map_or("SWP_CONFIG_DIR", |(_, variable)| variable)
}

fn config_place() -> Option<(PathBuf, &'static str)> {
    place("SWP_CONFIG_DIR", "XDG_CONFIG_HOME", "APPDATA", ".config")
}

/// Whether a file cannot be there for this user: a folder above it is none, or may not be entered. It is the usual case of a home folder
/// that belongs to another user, as `sudo -u` and containers leave it.
pub(crate) fn is_out_of_reach(path: &Path) -> bool {
    let is_closed = |error: io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied
        )
    };
    // A folder of one's own that was closed is a mistake, and one that cannot even be looked at is another user's.
    let folder = path.parent().unwrap_or(path);
    folder.symlink_metadata().is_err_and(is_closed)
}

/// Whether nothing is there, nor could be.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The folder that the variable `own` names; else `swp-keys` in the one that the variable `xdg` or, on Windows, `windows` names, or in
/// the folder `usual` of the user; and the variable that decided.
fn place(
    own: &'static str,
    xdg: &'static str,
    windows: &'static str,
    usual: &str,
) -> Option<(PathBuf, &'static str)> {
    let variable = |name: &'static str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(|value| (PathBuf::from(value), name))
    };
    if let Some(folder) = variable(own) {
        return Some(folder);
    }
    // The XDG specification wants relative paths ignored.
    let above = (variable(xdg).filter(|(path, _)| path.is_absolute())).or_else(|| {
        if cfg!(windows) {
            return variable(windows);
        }
        // A relative one would be whatever folder the run happens to stand in.
        let home = std::env::home_dir().filter(|home| home.is_absolute())?;
        Some((home.join(usual), "HOME"))
    });
    above.map(|(folder, variable)| (folder.join("swp-keys"), variable))
}

//! State on disk: `$SWP_STATE_DIR`, or `swp-keys` in `$XDG_STATE_HOME`; folders 0700, files 0600. Pure data, no network.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::atomic_file::{AtomicFile, sync_folder};

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

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `name` whole, and makes the folder where it is missing.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.create()?;
        AtomicFile::prepare(&self.path.join(name))?.commit(content, true)
    }

    /// The names and contents of all files in it; none where it does not exist. A file that goes away meanwhile is left out.
    pub(crate) fn read_all(&self) -> io::Result<Vec<(String, Zeroizing<Vec<u8>>)>> {
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            // Temporary files of a write that is under way, or was cut off.
            if name.starts_with('.') {
                continue;
            }
            match fs::read(entry.path()) {
                Ok(content) => files.push((name, Zeroizing::new(content))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        files.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(files)
    }

    /// Removes `name`; one that is gone already is no error.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Ok(()) => sync_folder(&self.path),
            other => other,
        }
    }

    #[cfg(unix)]
    fn create(&self) -> io::Result<()> {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path)?;
        // A folder that was there already may be looser.
        for folder in [self.path.parent(), Some(&self.path)].into_iter().flatten() {
            if fs::metadata(folder)?.permissions().mode() & 0o077 != 0 {
                fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
            }
        }
        Ok(())
    }

    #[cfg(not(unix))]
    fn create(&self) -> io::Result<()> {
        fs::create_dir_all(&self.path)
    }
}

/// surface.md, "Files". An empty variable counts as none.
fn state_folder() -> Option<PathBuf> {
    let variable = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(folder) = variable("SWP_STATE_DIR") {
        return Some(folder);
    }
    // The XDG specification wants relative paths ignored.
    if let Some(folder) = variable("XDG_STATE_HOME").filter(|path| path.is_absolute()) {
        return Some(folder.join("swp-keys"));
    }
    if cfg!(windows) {
        return variable("LOCALAPPDATA").map(|folder| folder.join("swp-keys"));
    }
    std::env::home_dir().map(|home| home.join(".local/state/swp-keys"))
}

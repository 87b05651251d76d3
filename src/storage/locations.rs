//! Determines the paths of the state folder and the settings folder. Environment variables can select both folders.

use std::io;
use std::path::{Path, PathBuf};

/// Returns the path of the state folder. An empty environment variable counts as unset.
pub(super) fn state_folder() -> Option<PathBuf> {
    Some(state_location()?.0)
}

/// Returns the name of the environment variable that selects the state folder.
pub(crate) fn state_variable() -> &'static str {
    state_location().map_or("SWP_STATE_DIR", |(_, variable)| variable)
}

fn state_location() -> Option<(PathBuf, &'static str)> {
    let (of_windows, of_others) = ("LOCALAPPDATA", ".local/state");
    location("SWP_STATE_DIR", "XDG_STATE_HOME", of_windows, of_others)
}

/// Returns the path of the settings folder, which contains `config.toml` and `trusted.toml`. The folder is not created.
pub(crate) fn config_folder() -> Option<PathBuf> {
    Some(config_location()?.0)
}

/// Returns the name of the environment variable that selects the settings folder.
pub(crate) fn config_variable() -> &'static str {
    config_location().map_or("SWP_CONFIG_DIR", |(_, variable)| variable)
}

fn config_location() -> Option<(PathBuf, &'static str)> {
    location("SWP_CONFIG_DIR", "XDG_CONFIG_HOME", "APPDATA", ".config")
}

/// Returns true if this user cannot reach the folder of `path`: a parent of the folder is a file, or the user has no access to a parent. For example,
/// under `sudo -u` or in a container, the home folder may belong to a different user.
pub(crate) fn is_out_of_reach(path: &Path) -> bool {
    let is_closed = |error: io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied
        )
    };
    // Reading the metadata of the file's folder requires access to the folder's parents, but not to the folder itself. If only the folder itself is
    // closed to the user, this function returns false. The caller then tries to open the file, and reports the error.
    let folder = path.parent().unwrap_or(path);
    folder.symlink_metadata().is_err_and(is_closed)
}

/// Returns true if the error means that the file does not exist.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Returns the folder, and the name of the environment variable that determines it. The first of these sources that exists applies:
/// - The environment variable `own` contains the path of the folder.
/// - The environment variable `xdg` contains the path of the parent folder.
/// - On Windows, the environment variable `windows` contains the path of the parent folder.
/// - On other systems, the parent folder is the subfolder `usual` of the home folder.
fn location(
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
    // A relative path is ignored, because the XDG specification requires this.
    let above = (variable(xdg).filter(|(path, _)| path.is_absolute())).or_else(|| {
        if cfg!(windows) {
            return variable(windows);
        }
        // If the path of the home folder is relative, it is ignored, because the result would depend on the current folder.
        let home = std::env::home_dir().filter(|home| home.is_absolute())?;
        Some((home.join(usual), "HOME"))
    });
    above.map(|(folder, variable)| (folder.join("swp-keys"), variable))
}

//! Determines the state folder and the settings folder, and the environment variables that select them.

use std::io;
use std::path::{Path, PathBuf};

/// Returns the state folder. An empty environment variable counts as unset.
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

/// Returns the settings folder, which contains `config.toml` and `trusted.toml`. Does not create the folder.
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

/// Returns true if this user cannot access a file at `path`, because a parent of the path is not a folder or is not accessible. This
/// happens if the home folder belongs to a different user, for example under `sudo -u` or in a container.
pub(crate) fn is_out_of_reach(path: &Path) -> bool {
    let is_closed = |error: io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied
        )
    };
    // Only the folder's metadata is read. If the metadata is readable but the folder is not, the user may have removed the permissions by
    // mistake. That case must be reported as an error, so this function returns false.
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

/// Returns the folder, and the name of the environment variable that selects it. The variable `own` contains the path of the folder itself.
/// The variable `xdg` (`windows` on Windows) contains the path of its parent folder. If no variable is set, the parent folder is the
/// subfolder `usual` of the home folder.
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
    // The XDG specification requires relative paths to be ignored.
    let above = (variable(xdg).filter(|(path, _)| path.is_absolute())).or_else(|| {
        if cfg!(windows) {
            return variable(windows);
        }
        // A relative home folder is ignored, because the path would depend on the current folder.
        let home = std::env::home_dir().filter(|home| home.is_absolute())?;
        Some((home.join(usual), "HOME"))
    });
    above.map(|(folder, variable)| (folder.join("swp-keys"), variable))
}

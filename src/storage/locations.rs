//! The state folder and the settings folder, and the variables that select them.

use std::io;
use std::path::{Path, PathBuf};

/// Returns the state folder. An empty variable counts as unset.
pub(super) fn state_folder() -> Option<PathBuf> {
    Some(state_location()?.0)
}

/// Returns the variable that selects the state folder.
pub(crate) fn state_variable() -> &'static str {
    state_location().map_or("SWP_STATE_DIR", |(_, variable)| variable)
}

fn state_location() -> Option<(PathBuf, &'static str)> {
    let (of_windows, of_others) = ("LOCALAPPDATA", ".local/state");
    location("SWP_STATE_DIR", "XDG_STATE_HOME", of_windows, of_others)
}

/// Returns the folder of `config.toml` and `trusted.toml`, without creating it.
pub(crate) fn config_folder() -> Option<PathBuf> {
    Some(config_location()?.0)
}

/// Returns the variable that selects the folder of `config.toml`.
pub(crate) fn config_variable() -> &'static str {
    config_location().map_or("SWP_CONFIG_DIR", |(_, variable)| variable)
}

fn config_location() -> Option<(PathBuf, &'static str)> {
    location("SWP_CONFIG_DIR", "XDG_CONFIG_HOME", "APPDATA", ".config")
}

/// Returns true if this user cannot have a file at `path`, because a parent of the path is not a folder or is not accessible. This happens if the
/// home folder belongs to a different user, for example under `sudo -u` and in containers.
pub(crate) fn is_out_of_reach(path: &Path) -> bool {
    let is_closed = |error: io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied
        )
    };
    // If the metadata of the folder is readable, the user may have removed its permissions by mistake, which must be reported. If the metadata is not
    // readable, the folder belongs to a different user.
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

/// Returns the folder and the variable that selects it. The folder is the value of the variable `own`, or `swp-keys` in the folder of the variable
/// `xdg` (on Windows, `windows`). If neither variable is set, the folder is `swp-keys` in the subfolder `usual` of the home folder.
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

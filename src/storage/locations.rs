//! The folders of the state and of the settings, and the variables that select them.

use std::io;
use std::path::{Path, PathBuf};

/// The folder of the state. An empty variable counts as unset.
pub(super) fn state_folder() -> Option<PathBuf> {
    Some(state_location()?.0)
}

/// The variable that selects the folder of the state.
pub(crate) fn state_variable() -> &'static str {
    state_location().map_or("SWP_STATE_DIR", |(_, variable)| variable)
}

fn state_location() -> Option<(PathBuf, &'static str)> {
    let (of_windows, of_others) = ("LOCALAPPDATA", ".local/state");
    location("SWP_STATE_DIR", "XDG_STATE_HOME", of_windows, of_others)
}

/// The folder of `config.toml` and `trusted.toml`. It is not created here.
pub(crate) fn config_folder() -> Option<PathBuf> {
    Some(config_location()?.0)
}

/// The variable that selects that folder.
pub(crate) fn config_variable() -> &'static str {
    config_location().map_or("SWP_CONFIG_DIR", |(_, variable)| variable)
}

fn config_location() -> Option<(PathBuf, &'static str)> {
    location("SWP_CONFIG_DIR", "XDG_CONFIG_HOME", "APPDATA", ".config")
}

/// Whether a file cannot exist for this user, because a path above it is not a folder or cannot be entered. This is usual if the home
/// folder belongs to another user, for example under `sudo -u` and in containers.
pub(crate) fn is_out_of_reach(path: &Path) -> bool {
    let is_closed = |error: io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied
        )
    };
    // A folder that the user closed is a mistake to report. A folder whose metadata cannot be read belongs to another user.
    let folder = path.parent().unwrap_or(path);
    folder.symlink_metadata().is_err_and(is_closed)
}

/// Whether the error means that the file does not exist.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Returns the folder and the variable that selects it: the folder in `own`, or else `swp-keys` in that of `xdg` (or `windows` on
/// Windows), or else in the folder `usual` of the user's home folder.
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
        // A relative path would depend on the current folder.
        let home = std::env::home_dir().filter(|home| home.is_absolute())?;
        Some((home.join(usual), "HOME"))
    });
    above.map(|(folder, variable)| (folder.join("swp-keys"), variable))
}

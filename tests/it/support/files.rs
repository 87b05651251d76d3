//! Helpers that read files.

use std::path::{Path, PathBuf};

use super::Home;

/// Returns the text of a file.
#[track_caller]
pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the names in a folder that runs create and remove.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| {
            let name = entry.expect("an entry").file_name();
            name.to_string_lossy().into_owned()
        })
        .filter(|name| !["state", "manager.pem", "password"].contains(&name.as_str()))
        .collect();
    names.sort();
    names
}

/// Returns the permissions of a file.
#[cfg(unix)]
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::symlink_metadata(path).expect("a file");
    metadata.permissions().mode() & 0o7777
}

/// Returns all files below `folder`.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return files;
    };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// Returns the number of records of unfinished runs in the state folder `state`.
pub(crate) fn record_count(home: &Home) -> usize {
    std::fs::read_dir(home.path("state/unfinished")).map_or(0, Iterator::count)
}

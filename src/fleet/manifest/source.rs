//! Reads a manifest from a file or from stdin.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::model::{KnownProfiles, Manifest, PlaceKind};
use super::parser::parse;
use crate::auth::secret_source::may_be_shown;
use crate::config::file::Diagnostic;
use crate::error::Error;
use crate::storage::permissions::require_trusted_owner;

/// The maximum size of a manifest.
const LIMIT: u64 = 4 * 1024 * 1024;
/// The reason why other users must not have write access, for the error message.
const STAKE: &str = "the commands in it run as your user";

const HOW_TO_TRUST: &str = "check the content of the manifest, then fix the owner or the permissions, or add `--allow-loose-permissions`";

/// A manifest that was read.
pub(crate) struct ManifestFile {
    /// The name of the file for messages.
    pub(crate) shown: String,
    /// The manifest, or its problems in the order of the file.
    pub(crate) content: Result<Manifest, Vec<Diagnostic>>,
}

/// Reads the manifest at this path (`-` is stdin). If `profiles` is `None`, the profiles in `on` are not checked.
///
/// # Errors
/// Returns a usage error if the manifest cannot be read, or if other users can change the commands in it. Problems in the text are not
/// errors.
pub(crate) fn read(
    path: &Path,
    profiles: Option<&KnownProfiles>,
    allow_loose_permissions: bool,
) -> Result<ManifestFile, Error> {
    let is_stdin = path.as_os_str() == "-";
    let shown = match is_stdin {
        true => "stdin".to_owned(),
        false => path.display().to_string(),
    };
    let failed = |reason: &str| {
        let is_named_as_manifest = path
            .extension()
            .is_some_and(|extension| extension == "toml");
        let what = match is_stdin || is_named_as_manifest || may_be_shown(path) {
            true => format!("could not read the manifest {shown} (`--file`): {reason}"),
            false => "could not read the manifest: the file named by `--file` does not exist; the name is not shown because it may be a secret".to_owned(),
        };
        Error::usage(what, "pass the path of a readable file, or `-` for stdin")
    };
    let bytes = match is_stdin {
        true => limited(io::stdin().lock()),
        false => File::open(path).and_then(|file| match file.metadata()?.is_dir() {
            true => Err(io::Error::other("it is a folder")),
            false => limited(file),
        }),
    };
    let bytes = bytes.map_err(|error| failed(&error.to_string()))?;
    let folder = match path.parent() {
        Some(folder) if !is_stdin => folder.to_owned(),
        _ => PathBuf::new(),
    };
    let content = parse(&bytes, &folder, profiles);
    if let Ok(manifest) = &content
        && !is_stdin
        && !allow_loose_permissions
        && has_commands(manifest)
        && let Ok(path) = std::path::absolute(path)
        && let Ok(metadata) = path.metadata()
    {
        let trusted = require_trusted_owner(&path, &metadata, STAKE);
        trusted.map_err(|error| error.hint(HOW_TO_TRUST))?;
    }
    Ok(ManifestFile { shown, content })
}

fn limited(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(LIMIT + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > LIMIT {
        true => Err(io::Error::other("it is larger than 4 MiB")),
        false => Ok(bytes),
    }
}

fn has_commands(manifest: &Manifest) -> bool {
    let places = manifest.keys.iter().flat_map(|key| &key.places);
    places
        .into_iter()
        .any(|place| matches!(place.kind, PlaceKind::Command(_)))
}

//! Appends a profile to the settings file. The existing content is kept byte for byte.
//!
//! Before the new content is written, it is parsed as a test. It must contain the new profile and all old profiles unchanged, and must be valid.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::parser;
use super::profiles::Profiles;
use super::settings_file::{LIMIT, STAKE, content, path};
use crate::error::Error;
use crate::process::signals::Signals;
use crate::storage::atomic_file::AtomicFile;
use crate::storage::file_lock::{LockFailure, lock_folder_within};
use crate::storage::open_folder::{OpenFolder, folder_of};
use crate::storage::permissions::require_trusted_folder;
use crate::storage::state_dir::make_private_folder;

/// How long to wait for other runs that are changing the file.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// The maximum length of the name of a new profile.
const MAX_NAME: usize = 64;

/// A profile that is not in the settings file yet. It contains no secret.
#[derive(Serialize)]
pub(crate) struct NewProfile {
    /// The name of the profile. [`check_new_name`] has accepted it.
    #[serde(skip)]
    pub(crate) name: String,
    /// The address of the manager.
    pub(crate) url: String,
    /// The tenant, or `None` for the primary tenant.
    pub(crate) tenant: Option<String>,
    /// The user name, or `None` if the user signed in without a user name.
    pub(crate) username: Option<String>,
}

/// The result of appending a profile.
pub(crate) struct AppendedProfile {
    /// The path of the settings file.
    pub(crate) path: PathBuf,
    /// True if the new profile is now the default profile, because the file contained no other profile.
    pub(crate) is_default: bool,
}

/// Checks the name of a new profile.
///
/// # Errors
/// Returns a usage error if a profile already has this name, or if the name would need quotes in TOML.
pub(crate) fn check_new_name(name: &str, names: &[&str]) -> Result<(), Error> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(fits) {
        return Err(Error::usage(
            "the name of the profile is invalid",
            format!("use up to {MAX_NAME} letters, digits, `-` and `_`"),
        ));
    }
    if names.contains(&name) {
        return Err(Error::usage(
            format!("the settings file already has a profile named `{name}`"),
            "choose a different name",
        ));
    }
    Ok(())
}

impl NewProfile {
    /// Appends the profile to the settings file. If the file does not exist, it is created with mode 0600. If a profile already has this name,
    /// nothing is changed and `None` is returned.
    ///
    /// # Errors
    /// Returns a usage error if the file cannot be read or written, if other users can write to it, or if it is read-only. Returns an interruption if
    /// a signal arrives before the folder of the file is locked. After an error, the file is unchanged.
    pub(crate) async fn append(&self, signals: &Signals) -> Result<Option<AppendedProfile>, Error> {
        let Some(path) = path() else {
            return Err(unwritable("the settings folder could not be determined"));
        };
        let failed = |error: io::Error| unwritable(&format!("{}: {error}", path.display()));
        let file = real_path(&path).map_err(failed)?;
        let folder = folder_of(&file);
        make_private_folder(folder).map_err(failed)?;
        require_trusted_folder(folder, STAKE)?;
        // The write replaces the file, so a lock on the file would have no effect. The folder is locked instead, until the end of this function.
        let open = OpenFolder::open(folder).map_err(failed)?;
        let _lock = match lock_folder_within(LOCK_WAIT, &open, signals).await {
            Ok(lock) => lock,
            Err(LockFailure::Interrupted { signal, .. }) => return Err(Error::interrupted(signal)),
            Err(failure) => return Err(failed(failure.into())),
        };
        let old = content(&file)?;
        let text = old.as_deref().unwrap_or_default();
        let before = parser::document(file.clone(), text);
        before.check()?;
        if before.names().contains(&self.name.as_str()) {
            return Ok(None);
        }
        let (new, is_default) = self.appended(text, &before)?;
        write(&file, old.as_deref(), &new).map_err(failed)?;
        Ok(Some(AppendedProfile { path, is_default }))
    }

    /// Returns the new content of the file, and true if the new profile becomes the default profile.
    fn appended(&self, old: &[u8], before: &Profiles) -> Result<(Vec<u8>, bool), Error> {
        let fields = toml::to_string(self).map_err(|error| unwritable(&error.to_string()))?;
        // The new profile becomes the default only in a file without profiles. In any other file, a new default would silently send the user's
        // commands to a different manager.
        let may_be_default = before.profiles.is_empty() && before.default.is_none();
        for is_default in [true, false] {
            if is_default && !may_be_default {
                continue;
            }
            let mut new = old.to_vec();
            if !new.is_empty() {
                new.extend_from_slice(if new.ends_with(b"\n") { b"\n" } else { b"\n\n" });
            }
            let Self { name, .. } = self;
            if is_default {
                new.extend_from_slice(format!("default-profile = \"{name}\"\n\n").as_bytes());
            }
            new.extend_from_slice(format!("[profiles.{name}]\n{fields}").as_bytes());
            if new.len() as u64 <= LIMIT && self.is_in(&new, before, is_default) {
                return Ok((new, is_default));
            }
        }
        Err(Error::usage(
            format!("could not append a profile to {}", before.path.display()),
            "add the profile with an editor, next to the other profiles",
        ))
    }

    /// Returns true if `new` is valid, and contains this profile and all old profiles unchanged.
    fn is_in(&self, new: &[u8], before: &Profiles, is_default: bool) -> bool {
        let mut after = parser::document(before.path.clone(), new);
        let default = if is_default {
            Some(&self.name)
        } else {
            before.default.as_ref()
        };
        let is_new = |profile: &super::Profile| profile.name == self.name;
        let Some(index) = after.profiles.iter().position(is_new) else {
            return false;
        };
        let own = after.profiles.remove(index);
        let fields = [
            ("url", Some(&self.url)),
            ("tenant", self.tenant.as_ref()),
            ("username", self.username.as_ref()),
        ];
        let is_whole = fields
            .into_iter()
            .all(|(field, value)| own.text(field).map(|setting| setting.value).as_ref() == value);
        let pairs = |profiles: &Profiles| -> Vec<_> {
            let profiles = profiles.profiles.iter();
            profiles
                .map(|profile| (profile.name.clone(), profile.values.clone()))
                .collect()
        };
        is_whole
            && after.problems.is_empty()
            && after.default.as_ref() == default
            && pairs(&after) == pairs(before)
    }
}

/// Returns the path with symbolic links resolved. If the settings file is a link, the target of the link is replaced, and the link stays.
fn real_path(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if path.is_symlink() {
                let reason = "it is a symbolic link to a file that does not exist";
                return Err(io::Error::other(reason));
            }
            Ok(path.to_owned())
        }
        found => found,
    }
}

/// Replaces the content of the file with `new`. Returns an error if the current content is not `old`. If `old` is `None`, creates the file. The mode
/// and the owner of an existing file are kept.
fn write(path: &Path, old: Option<&[u8]>, new: &[u8]) -> io::Result<()> {
    let mut file = AtomicFile::prepare(path)?;
    if old.is_some() {
        let metadata = fs::metadata(path)?;
        refuse_read_only(&metadata)?;
        file.copy_permissions(&metadata)?;
    }
    file.write(new)?;
    let folder = std::sync::Arc::clone(file.folder());
    folder.check_path()?;
    // The file is compared once more before it is replaced, because an editor may have changed it despite the lock.
    if let Some(old) = old
        && fs::read(path)? != old
    {
        return Err(io::Error::other("another program has changed the file"));
    }
    file.give_name(old.is_some())?;
    folder.flush()
}

/// Rejects a read-only file. The system allows a read-only file to be replaced. But a user who has removed the write permission does not want the
/// file to change.
fn refuse_read_only(metadata: &Metadata) -> io::Result<()> {
    if metadata.permissions().readonly() {
        return Err(io::Error::other("the file is read-only"));
    }
    Ok(())
}

fn unwritable(reason: &str) -> Error {
    Error::usage(
        format!("could not write the settings file: {reason}"),
        "make the file and its folder writable, or set SWP_CONFIG_DIR to a different folder",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dsm(name: &str) -> NewProfile {
        NewProfile {
            name: name.to_owned(),
            url: "https://dsm:4119".to_owned(),
            tenant: None,
            username: Some("a \"b\" \\ c".to_owned()),
        }
    }

    /// Returns the appended text, and whether the profile is the default.
    fn append(old: &str) -> Option<(String, bool)> {
        let before = parser::document(PathBuf::from("/c/config.toml"), old.as_bytes());
        let (new, is_default) = dsm("dsm").appended(old.as_bytes(), &before).ok()?;
        let new = String::from_utf8(new).unwrap_or_default();
        let rest = new.strip_prefix(old)?;
        Some((rest.to_owned(), is_default))
    }

    const TABLE: &str = "[profiles.dsm]\nurl = \"https://dsm:4119\"\n";

    #[test]
    fn the_first_profile_is_the_default_if_the_file_allows_it() {
        for (old, is_default) in [
            ("", true),
            ("# a comment", true),
            ("# a comment\r\n", true),
            ("[profiles]\n", false),
            ("[profiles.a]\nurl = \"a\"", false),
            ("default-profile = \"a\"\n[profiles.a]\n", false),
            ("profiles.a.url = \"a\"\n", false),
        ] {
            let Some((rest, was_default)) = append(old) else {
                panic!("`{old}` is refused");
            };
            assert_eq!(was_default, is_default, "{old}");
            assert_eq!(rest.contains("default-profile"), is_default, "{old}");
            assert!(rest.contains(TABLE), "{old}: {rest}");
        }
    }

    #[test]
    fn a_file_to_which_no_table_can_be_appended_is_refused() {
        for old in [
            "profiles = {}\n",
            "profiles = { a = { url = \"a\" } }\n",
            "profiles.dsm.url = \"a\"\n",
        ] {
            assert_eq!(append(old), None, "{old}");
        }
    }

    #[test]
    fn only_bare_keys_are_names() {
        for name in ["dsm", "DSM_2-a", "7"] {
            assert!(check_new_name(name, &["other"]).is_ok(), "{name}");
        }
        for name in [
            "",
            "a b",
            "a.b",
            "\"a\"",
            "ä",
            "a\u{1b}",
            &"a".repeat(65),
            "other",
        ] {
            assert!(check_new_name(name, &["other"]).is_err(), "{name}");
        }
    }
}

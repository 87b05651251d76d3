//! The settings file, `config.toml`: named profiles, which say what flags and variables leave open. Only read here, never written.
//!
//! It holds no secret, and commands in it are run, so nobody else may write to it. What is wrong in it is told by line and column,
//! and its text is never repeated: what stands in a wrong place may be a password.

mod diagnostic;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod parser;
mod schema;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Source, Sourced};
use crate::error::Error;
use crate::storage::permissions::require_trusted_owner;
use crate::storage::state_dir::{config_folder, config_variable, is_absent, is_out_of_reach};
pub(crate) use diagnostic::Diagnostic;

/// What hangs on who may write to it.
const STAKE: &str = "commands in it would be run in your name";
/// A settings file is a page or two; what is larger is another file.
const LIMIT: u64 = 1024 * 1024;

/// The fields of a profile that are about its own manager and no other.
pub(crate) const OF_ITS_MANAGER: [&str; 9] = [
    "tenant",
    "username",
    "password-file",
    "password-command",
    "mfa-command",
    "api-key-file",
    "api-key-command",
    "ca-cert",
    "tls-pin",
];

/// The name of every field of a profile; those of new keys begin with `create.`.
pub(crate) fn fields() -> impl Iterator<Item = &'static str> {
    let of_profile = schema::OF_PROFILE.iter().map(|field| field.name);
    let is_value = |name: &&str| *name != "create";
    let of_create = schema::OF_CREATE.iter().map(|field| field.name);
    of_profile.filter(is_value).chain(of_create)
}

/// Where a value stands in the settings file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FileLocation {
    file: PathBuf,
    /// None for what stands outside of all profiles.
    profile: Option<String>,
    field: &'static str,
}

impl std::fmt::Display for FileLocation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            file,
            profile,
            field,
        } = self;
        write!(formatter, "`{field}`")?;
        if let Some(profile) = profile {
            write!(formatter, " of the profile `{profile}`")?;
        }
        write!(formatter, " in {}", file.display())
    }
}

impl FileLocation {
    /// The name of the profile.
    pub(crate) fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// The name of the field.
    pub(crate) fn field(&self) -> &'static str {
        self.field
    }

    /// The file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }
}

/// A settings file as it was read.
pub(crate) struct Profiles {
    /// Where it is.
    pub(crate) path: PathBuf,
    default: Option<String>,
    profiles: Vec<Profile>,
    /// All that is wrong in it, in the order of the lines.
    pub(crate) problems: Vec<Diagnostic>,
}

/// One profile.
#[derive(Clone)]
pub(crate) struct Profile {
    /// Its name.
    pub(crate) name: String,
    path: PathBuf,
    values: BTreeMap<&'static str, Vec<String>>,
}

impl Profile {
    /// What it says in this field; several values where it is a list.
    pub(crate) fn list(&self, field: &str) -> Option<Sourced<Vec<String>>> {
        let (field, values) = self.values.get_key_value(field)?;
        Some(Sourced {
            value: values.clone(),
            source: Source::File(Arc::new(FileLocation {
                file: self.path.clone(),
                profile: Some(self.name.clone()),
                field,
            })),
        })
    }

    /// What it says in this field.
    pub(crate) fn text(&self, field: &str) -> Option<Sourced<String>> {
        let Sourced { value, source } = self.list(field)?;
        Some(Sourced {
            value: value.into_iter().next()?,
            source,
        })
    }

    /// Leaves these fields out; whether there was one.
    pub(crate) fn leave_out(&mut self, fields: &[&str]) -> bool {
        let before = self.values.len();
        self.values.retain(|field, _| !fields.contains(field));
        self.values.len() < before
    }
}

/// The fields of a profile that are the defaults of a new key.
pub(crate) fn of_create() -> impl Iterator<Item = &'static str> {
    schema::OF_CREATE.iter().map(|field| field.name)
}

/// Where the settings file is looked for; none where this machine has no place for settings.
pub(crate) fn path() -> Option<PathBuf> {
    config_folder().map(|folder| folder.join("config.toml"))
}

/// What to tell a user whose settings may not be looked at; none if they are there, or cannot be.
pub(crate) fn closed_folder() -> Option<String> {
    let path = path()?;
    let folder = path.parent()?;
    let error = folder.symlink_metadata().err()?;
    (error.kind() == std::io::ErrorKind::PermissionDenied).then(|| {
        format!(
            "no settings file and no pins are used: {} ({}): {error}",
            folder.display(),
            config_variable()
        )
    })
}

impl Profiles {
    /// Reads the file, with all that is wrong in it; none where there is no file.
    ///
    /// # Errors
    /// Of usage, where it cannot be read, or others may write to it.
    pub(crate) fn read() -> Result<Option<Self>, Error> {
        let Some(path) = path() else {
            return Ok(None);
        };
        let Some(bytes) = content(&path)? else {
            return Ok(None);
        };
        Ok(Some(parser::document(path, &bytes)))
    }

    /// The profiles.
    pub(crate) fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// The names of the profiles.
    pub(crate) fn names(&self) -> Vec<&str> {
        let names = self.profiles.iter().map(|profile| profile.name.as_str());
        names.collect()
    }

    /// The profile that was asked for, else the default one, and who asked for it.
    ///
    /// # Errors
    /// Of usage, where something is wrong in the file, or there is no such profile.
    pub(crate) fn choose(
        &self,
        wanted: Option<&Sourced<String>>,
    ) -> Result<Option<Sourced<Profile>>, Error> {
        diagnostic::first(&self.path, &self.problems)?;
        let default = self.default.as_ref().map(|name| Sourced {
            value: name.clone(),
            source: Source::File(Arc::new(FileLocation {
                file: self.path.clone(),
                profile: None,
                field: "default-profile",
            })),
        });
        let Some(name) = wanted.cloned().or(default) else {
            return Ok(None);
        };
        let found = (self.profiles.iter()).find(|profile| profile.name == name.value);
        match found {
            Some(profile) => Ok(Some(Sourced {
                value: profile.clone(),
                source: name.source,
            })),
            None => Err(self.missing(&name)),
        }
    }

    fn missing(&self, name: &Sourced<String>) -> Error {
        let names = self.names();
        Error::usage(
            format!(
                "{}: there is no profile `{}` in {}",
                name.source,
                name.value,
                self.path.display()
            ),
            if names.is_empty() {
                "it holds no profile; one begins with `[profiles.NAME]`".to_owned()
            } else {
                format!("it holds: {}", names.join(", "))
            },
        )
    }
}

/// A profile was asked for, and no file is there.
pub(crate) fn no_file(wanted: &Sourced<String>) -> Error {
    let Sourced { value, source } = wanted;
    Error::usage(
        match path() {
            Some(path) => format!(
                "{source}: there is no profile `{value}`, since there is no {} ({})",
                path.display(),
                config_variable()
            ),
            None => format!(
                "{source}: there is no profile `{value}`, since this machine has no place for settings"
            ),
        },
        "write it there under `[profiles.NAME]`, or name another folder in SWP_CONFIG_DIR",
    )
}

fn content(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let shown = path.display();
    let failed = |reason: &str| {
        Error::usage(
            format!(
                "could not read the settings file {shown} ({}): {reason}",
                config_variable()
            ),
            "make the file readable, or name another folder in SWP_CONFIG_DIR",
        )
    };
    let mut file = match File::open(path) {
        // A folder that is none (SWP_CONFIG_DIR=/dev/null) holds no file either.
        Err(error) if is_absent(&error) || is_out_of_reach(path) => return Ok(None),
        other => other.map_err(|error| failed(&error.to_string()))?,
    };
    let metadata = file
        .metadata()
        .map_err(|error| failed(&error.to_string()))?;
    if !metadata.is_file() {
        return Err(failed("it is no file"));
    }
    require_trusted_owner(path, &metadata, STAKE)?;
    let mut bytes = Vec::new();
    Read::by_ref(&mut file)
        .take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(&error.to_string()))?;
    if bytes.len() as u64 > LIMIT {
        return Err(failed("it is larger than 1 MiB"));
    }
    Ok(Some(bytes))
}

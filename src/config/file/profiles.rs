//! The profiles of a settings file, and their selection.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::diagnostic::Diagnostic;
use crate::config::source::{FileLocation, Source, Sourced};
use crate::error::Error;

/// The content of a settings file.
pub(crate) struct Profiles {
    /// The path of the file.
    pub(crate) path: PathBuf,
    pub(super) default: Option<String>,
    pub(super) profiles: Vec<Profile>,
    /// All problems, sorted by line.
    pub(crate) problems: Vec<Diagnostic>,
}

/// One profile.
#[derive(Clone)]
pub(crate) struct Profile {
    /// Its name.
    pub(crate) name: String,
    pub(super) path: PathBuf,
    pub(super) values: BTreeMap<&'static str, Vec<String>>,
}

impl Profile {
    /// Returns the values of a field. A field that is a list may have several values.
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

    /// Returns the value of a field.
    pub(crate) fn text(&self, field: &str) -> Option<Sourced<String>> {
        let Sourced { value, source } = self.list(field)?;
        Some(Sourced {
            value: value.into_iter().next()?,
            source,
        })
    }

    /// Removes these fields from the profile. Returns true if at least one of them was set.
    pub(crate) fn remove(&mut self, fields: &[&str]) -> bool {
        let before = self.values.len();
        self.values.retain(|field, _| !fields.contains(field));
        self.values.len() < before
    }
}

impl Profiles {
    /// Returns the profiles.
    pub(crate) fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// Returns the names of the profiles.
    pub(crate) fn names(&self) -> Vec<&str> {
        let names = self.profiles.iter().map(|profile| profile.name.as_str());
        names.collect()
    }

    /// Returns the hint for a problem. If `default-profile` names no profile, the hint lists the profiles.
    pub(crate) fn hint(&self, problem: &Diagnostic) -> String {
        if problem.missing_profile && !self.profiles.is_empty() {
            return format!("use one of: {}", self.names().join(", "));
        }
        problem.hint.clone()
    }

    /// Checks that the file has no problem.
    ///
    /// # Errors
    /// Returns a usage error with the first problem and the number of further problems.
    pub(super) fn check(&self) -> Result<(), Error> {
        let Some((first, others)) = self.problems.split_first() else {
            return Ok(());
        };
        let hint = self.hint(first);
        let hint = match others.len() {
            0 => hint,
            more => {
                format!("{hint}; run `swp-keys config check` to show all problems ({more} more)")
            }
        };
        Err(Error::usage(first.with_location(&self.path), hint))
    }

    /// Returns the requested profile, or the default profile if none was requested. The source of the returned value is the setting that selected the
    /// profile.
    ///
    /// # Errors
    /// Returns a usage error if the file is invalid or does not contain the profile.
    pub(crate) fn choose(
        &self,
        wanted: Option<&Sourced<String>>,
    ) -> Result<Option<Sourced<Profile>>, Error> {
        self.check()?;
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
                "{}: profile `{}` not found in {}",
                name.source,
                name.value,
                self.path.display()
            ),
            if names.is_empty() {
                "add the profile as a `[profiles.NAME]` table; the file has no profiles yet"
                    .to_owned()
            } else {
                format!("use one of: {}", names.join(", "))
            },
        )
    }
}

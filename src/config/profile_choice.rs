//! Selects the profile, and the part of it that applies.

use std::path::PathBuf;

use super::file;
use super::file::Profile;
use super::resolver::{Resolver, SettingKey};
use super::source::Sourced;
use super::values::parsed_address;
use crate::error::Error;
use crate::terminal::output::safe;

pub(super) const URL: SettingKey = ("url", "--url", "SWP_URL");
const PROFILE: SettingKey = ("profile", "--profile", "SWP_PROFILE");

/// The result of reading the settings file.
#[derive(Default)]
pub(crate) struct SelectedProfile {
    /// The file, if it exists and was read.
    pub(crate) path: Option<PathBuf>,
    /// The name of the requested profile, from the flag or the variable.
    pub(crate) wanted: Option<Sourced<String>>,
    /// The selected profile, and what selected it.
    pub(crate) profile: Option<Sourced<Profile>>,
    /// A note for the user.
    pub(crate) note: Option<String>,
}

impl SelectedProfile {
    /// Reads the settings file, if the command uses profiles.
    ///
    /// # Errors
    /// Returns a usage error if the file has a problem, or does not contain the profile.
    pub(crate) fn read(
        resolver: &Resolver<'_>,
        wanted: Option<String>,
        url: Option<&String>,
        uses_profiles: bool,
    ) -> Result<Self, Error> {
        let wanted = resolver.given(PROFILE, wanted);
        if !uses_profiles {
            return Ok(Self {
                wanted,
                ..Self::default()
            });
        }
        let file = file::read()?;
        let mut profile = match (&file, &wanted) {
            (Some(file), wanted) => file.choose(wanted.as_ref())?,
            (None, Some(wanted)) => return Err(file::no_file(wanted)),
            (None, None) => None,
        };
        let note = match &mut profile {
            Some(profile) => restrict_to_its_manager(&mut profile.value, resolver, url)?,
            None if file.is_none() => file::closed_folder(),
            None => None,
        };
        Ok(Self {
            path: file.map(|file| file.path),
            wanted,
            profile,
            note,
        })
    }
}

/// Removes the sign-in and trust settings of a profile with another manager's address, and returns a note about that. The password of a
/// profile is only sent to the profile's manager, and its trust settings apply only to that manager.
fn restrict_to_its_manager(
    profile: &mut Profile,
    resolver: &Resolver<'_>,
    url: Option<&String>,
) -> Result<Option<String>, Error> {
    let given = resolver.given(URL, url.cloned());
    let (Some(given), Some(own)) = (given, profile.text("url")) else {
        return Ok(None);
    };
    let (given, own) = (parsed_address(given)?, parsed_address(own)?);
    if given.value == own.value || !profile.remove(&file::MANAGER_FIELDS) {
        return Ok(None);
    }
    Ok(Some(format!(
        "{} is not the manager of the profile `{}`, so its sign-in and trust settings are ignored",
        given.source,
        safe(&profile.name)
    )))
}

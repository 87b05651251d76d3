//! Which profile counts, and how much of it.

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

/// What the settings file had to say.
#[derive(Default)]
pub(crate) struct SelectedProfile {
    /// The file, where there is one and it was read.
    pub(crate) path: Option<PathBuf>,
    /// The profile by name, as flag or variable asked for it.
    pub(crate) wanted: Option<Sourced<String>>,
    /// The profile that counts, and who asked for it.
    pub(crate) profile: Option<Sourced<Profile>>,
    /// What a user should know of it.
    pub(crate) note: Option<String>,
}

impl SelectedProfile {
    /// Reads the settings file, unless the command has no use for it.
    ///
    /// # Errors
    /// Of usage, where something is wrong in the file, or the profile is not in it.
    pub(crate) fn read(
        origin: &Resolver<'_>,
        wanted: Option<String>,
        url: Option<&String>,
        uses_profiles: bool,
    ) -> Result<Self, Error> {
        let wanted = origin.given(PROFILE, wanted);
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
            Some(profile) => keep_to_its_manager(&mut profile.value, origin, url)?,
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

/// A profile that names a manager is about that one: its password is not sent to another that a flag or a variable names, nor is that
/// one trusted for its sake.
fn keep_to_its_manager(
    profile: &mut Profile,
    origin: &Resolver<'_>,
    url: Option<&String>,
) -> Result<Option<String>, Error> {
    let given = origin.given(URL, url.cloned());
    let (Some(given), Some(own)) = (given, profile.text("url")) else {
        return Ok(None);
    };
    let (given, own) = (parsed_address(given)?, parsed_address(own)?);
    if given.value == own.value || !profile.leave_out(&file::OF_ITS_MANAGER) {
        return Ok(None);
    }
    Ok(Some(format!(
        "{} is not the manager of the profile `{}`, so what that says of signing in and trust does not count",
        given.source,
        safe(&profile.name)
    )))
}

//! Selects the profile of a run. A profile contains the address of its manager. If the run uses a different manager, the sign-in settings and trust
//! settings of the profile are removed.

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

/// How a command uses the settings file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProfileUse {
    /// The file is not read.
    Ignored,
    /// The file is read, and an invalid file is an error.
    Required,
    /// The file is read. If it is invalid, the command runs without it and reports the problem.
    Inspected,
}

/// The result of reading the settings file.
#[derive(Default)]
pub(crate) struct SelectedProfile {
    /// The path of the file, if the file exists and was read.
    pub(crate) path: Option<PathBuf>,
    /// The name of the requested profile, from `--profile` or SWP_PROFILE.
    pub(crate) wanted: Option<Sourced<String>>,
    /// The selected profile. Its source is the setting that selected the profile.
    pub(crate) profile: Option<Sourced<Profile>>,
    /// A note for the user, for example about settings of the profile that are ignored.
    pub(crate) note: Option<String>,
    /// The reason why the file was not used. Only [`ProfileUse::Inspected`] sets it.
    pub(crate) problem: Option<Error>,
}

impl SelectedProfile {
    /// Reads the settings file if the command uses profiles.
    ///
    /// # Errors
    /// Returns a usage error if the file is invalid, or if it does not contain the requested profile. With [`ProfileUse::Inspected`], the function
    /// returns `Ok` instead, and stores the error in `problem`.
    pub(crate) fn read(
        resolver: &Resolver<'_>,
        wanted: Option<String>,
        url: Option<&String>,
        profile_use: ProfileUse,
    ) -> Result<Self, Error> {
        let wanted = resolver.given(PROFILE, wanted);
        let unused = |problem| Self {
            wanted: wanted.clone(),
            problem,
            ..Self::default()
        };
        match profile_use {
            ProfileUse::Ignored => Ok(unused(None)),
            ProfileUse::Required => Self::select(resolver, wanted, url),
            ProfileUse::Inspected => Ok(Self::select(resolver, wanted.clone(), url)
                .unwrap_or_else(|error| unused(Some(error)))),
        }
    }

    fn select(
        resolver: &Resolver<'_>,
        wanted: Option<Sourced<String>>,
        url: Option<&String>,
    ) -> Result<Self, Error> {
        let file = file::read()?;
        let mut profile = match (&file, &wanted) {
            (Some(file), wanted) => file.choose(wanted.as_ref())?,
            (None, Some(wanted)) => return Err(file::no_file(wanted)),
            (None, None) => None,
        };
        let note = match &mut profile {
            Some(profile) => restrict_to_its_manager(profile, resolver, url)?,
            None if file.is_none() => file::closed_folder(),
            None => None,
        };
        Ok(Self {
            path: file.map(|file| file.path),
            wanted,
            profile,
            note,
            problem: None,
        })
    }
}

/// If this run does not use the profile's manager, removes the sign-in settings and trust settings of the profile, and returns a note for the user.
/// The password in the profile must be sent only to the profile's manager, and the trust settings apply only to that manager.
///
/// # Errors
/// Returns a usage error if `--profile` selects the profile and SWP_URL contains the address of a different manager. The flag was typed for this run,
/// so the run must not work on the manager of an older variable.
fn restrict_to_its_manager(
    profile: &mut Sourced<Profile>,
    resolver: &Resolver<'_>,
    url: Option<&String>,
) -> Result<Option<String>, Error> {
    let Sourced {
        value: profile,
        source: selected_by,
    } = profile;
    let given = resolver.given(URL, url.cloned());
    let (Some(given), Some(own)) = (given, profile.text("url")) else {
        return Ok(None);
    };
    let (given, own) = (parsed_address(given)?, parsed_address(own)?);
    if given.value == own.value {
        return Ok(None);
    }
    let (name, variable) = (safe(&profile.name), &given.source);
    if selected_by.is_flag() && variable.is_variable() {
        return Err(Error::usage(
            format!(
                "{selected_by} selects the profile `{name}`, but {variable} contains the address of a different manager: {}",
                given.value
            ),
            format!(
                "unset {variable} to use the profile's manager, or add `--url ADDRESS` for a different manager"
            ),
        ));
    }
    let ignored = if profile.remove(&file::MANAGER_FIELDS) {
        "sign-in and trust settings"
    } else if selected_by.is_variable() && variable.is_variable() {
        "`url`"
    } else {
        return Ok(None);
    };
    Ok(Some(format!(
        "ignoring the {ignored} of the profile `{name}`, because {variable} contains the address of a different manager"
    )))
}

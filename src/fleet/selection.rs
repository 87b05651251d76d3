//! Reads a manifest, and selects the keys and the managers of a run.

use std::path::Path;

use super::manifest::{self, DeclaredKey, KnownProfiles, Manifest, TargetName};
use crate::config::{Settings, file};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::target::Target;
use crate::terminal::report::report_problems;

/// A manager, and the keys that the manifest declares on it.
pub(crate) struct DeclaredManager<'m> {
    /// The name in `on`. `None` if the manifest names no manager.
    pub(crate) name: Option<&'m TargetName>,
    /// The declared keys.
    pub(crate) keys: Vec<&'m DeclaredKey>,
    /// The settings of the manager, or the error in its profile.
    settings: Result<Settings, Error>,
}

impl DeclaredManager<'_> {
    /// Takes the settings of the manager.
    ///
    /// # Errors
    /// Returns the error in the profile of the manager.
    pub(crate) fn take_settings(&mut self) -> Result<Settings, Error> {
        let taken = Err(Error::unexpected(
            "the settings of the manager were already used",
        ));
        std::mem::replace(&mut self.settings, taken)
    }
}

/// Returns the managers with the selected keys. `only` contains the names of the selected keys and profiles. If it is empty, all keys are
/// selected.
///
/// # Errors
/// Returns a usage error if the managers or the keys cannot be selected.
pub(crate) fn managers<'m>(
    manifest: &'m Manifest,
    only: &[String],
    settings: Settings,
) -> Result<Vec<DeclaredManager<'m>>, Error> {
    let is_planned = |key: &&DeclaredKey| {
        let profile = key.target.as_ref().map(|target| &target.profile);
        only.is_empty()
            || only.contains(&key.name)
            || profile.is_some_and(|profile| only.contains(profile))
    };
    let declared: Vec<&DeclaredKey> = manifest.keys.iter().filter(is_planned).collect();
    refuse_unknown_names(only, &declared)?;
    let mut names: Vec<&TargetName> = Vec::new();
    for name in declared.iter().filter_map(|key| key.target.as_ref()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.iter().any(|name| name.tenant.is_some()) {
        return Err(Error::usage(
            "`on` names a tenant, which this version does not support yet",
            "set `on` to a profile with `tenant`, or check the file with `--offline`",
        ));
    }
    if names.is_empty() {
        return Ok(vec![DeclaredManager {
            name: None,
            keys: declared,
            settings: Ok(settings),
        }]);
    }
    settings.require_only_profiles("the manifest selects the managers with `on`")?;
    let managers = names.into_iter().map(|name| {
        let own = declared.iter().copied();
        DeclaredManager {
            name: Some(name),
            keys: own
                .filter(|key| key.target.as_ref() == Some(name))
                .collect(),
            settings: settings.for_profile(&name.profile),
        }
    });
    Ok(managers.collect())
}

/// Returns the target of each manager, or the error in its settings.
///
/// # Errors
/// Returns a usage error if two profiles lead to the same manager and tenant: each of them would treat the keys of the other as undeclared. Returns an
/// interruption if a signal arrives.
pub(crate) async fn targets(
    managers: &mut [DeclaredManager<'_>],
    context: &Context,
) -> Result<Vec<Result<Target, Error>>, Error> {
    let mut targets: Vec<Result<Target, Error>> = Vec::with_capacity(managers.len());
    for manager in managers {
        let target = match manager.take_settings() {
            Ok(settings) => Target::find(settings, context).await,
            Err(error) => Err(error),
        };
        match &target {
            Ok(target) => refuse_same_manager(target, targets.iter().flatten())?,
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted(_)) => {
                return Err(error.clone());
            }
            Err(_) => {}
        }
        targets.push(target);
    }
    Ok(targets)
}

fn refuse_same_manager<'t>(
    target: &Target,
    mut others: impl Iterator<Item = &'t Target>,
) -> Result<(), Error> {
    let is_same = |other: &&Target| {
        other.address == target.address && other.tenant_name() == target.tenant_name()
    };
    let Some(other) = others.find(is_same) else {
        return Ok(());
    };
    let name = |target: &Target| target.profile.clone().unwrap_or_default();
    Err(Error::usage(
        format!(
            "the profiles `{}` and `{}` in `on` lead to the same manager and tenant: {}",
            name(other),
            name(target),
            target.address
        ),
        "use one profile for each manager and tenant",
    ))
}

/// Reads the manifest, and reports all its problems.
///
/// # Errors
/// Returns a usage error if the manifest has problems or cannot be read.
pub(crate) fn read_manifest(
    path: &Path,
    settings: &Settings,
    context: &Context,
) -> Result<(Manifest, String), Error> {
    let profiles = known_profiles()?;
    let loose = settings.allow_loose_permissions;
    let read = manifest::read(path, profiles.as_ref(), loose)?;
    let manifest = read.content.map_err(|problems| {
        let problems = problems.into_iter();
        let problems = problems
            .map(|problem| (problem.with_location(read.shown.as_ref()), problem.hint))
            .collect();
        let hint = "fix every listed problem";
        report_problems(&read.shown, problems, hint, &context.output)
    })?;
    if profiles.is_none() && manifest.keys.iter().any(|key| key.target.is_some()) {
        let note = "the profiles in `on` are not checked, because no settings file was found";
        context.output.note(note);
    }
    Ok((manifest, read.shown))
}

/// Returns the profiles of the settings file, or `None` if there is no settings file.
fn known_profiles() -> Result<Option<KnownProfiles>, Error> {
    let Some(profiles) = file::read()? else {
        return Ok(None);
    };
    Ok(Some(KnownProfiles {
        file: profiles.path.display().to_string(),
        names: profiles.names().into_iter().map(str::to_owned).collect(),
    }))
}

fn refuse_unknown_names(only: &[String], declared: &[&DeclaredKey]) -> Result<(), Error> {
    let is_declared = |name: &String| {
        declared.iter().any(|key| {
            let profile = key.target.as_ref().map(|target| &target.profile);
            key.name == *name || profile == Some(name)
        })
    };
    match only.iter().find(|name| !is_declared(name)) {
        Some(name) => Err(Error::usage(
            format!("`--only`: the file declares no key or profile named `{name}`"),
            // The name of a key may contain a comma, so a comma separates no names.
            match name.contains(',') {
                true => "separate names with spaces, as in `--only A B`, or repeat the flag",
                false => {
                    "pass the name of a key or of a profile in the file; case and spaces must match"
                }
            },
        )),
        None => Ok(()),
    }
}

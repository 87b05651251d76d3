//! Runs `plan`.

use std::path::Path;

use serde_json::json;

use super::args::Args;
use super::look::{Look, Looked};
use super::report::Report;
use crate::config::{Settings, file};
use crate::context::{Context, Outcome};
use crate::error::Error;
use crate::fleet::manifest;
use crate::fleet::manifest::{DeclaredKey, KnownProfiles, Manifest, SCHEMA, TargetName};
use crate::terminal::output::Format;
use crate::terminal::report::report_problems;

/// Compares the manifest with the keys on the manager.
///
/// # Errors
/// Returns a usage error if the manifest has problems. After the plan was printed, returns an error if a key has a problem, or with
/// `--exit-code` if a key is not as declared.
pub(crate) async fn run(
    args: &Args,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    let Some(path) = args.file.as_deref().filter(|_| !args.schema) else {
        context.output.data(SCHEMA)?;
        return Ok(Outcome::Done);
    };
    context.output.format().require_list()?;
    let manifest = read_manifest(path, args, &settings, context)?;
    if args.offline {
        return Ok(Outcome::Done);
    }
    let is_planned = |key: &&DeclaredKey| {
        let profile = key.target.as_ref().map(|target| &target.profile);
        args.only.is_empty()
            || args.only.contains(&key.name)
            || profile.is_some_and(|profile| args.only.contains(profile))
    };
    let declared: Vec<&DeclaredKey> = manifest.keys.iter().filter(is_planned).collect();
    refuse_unknown_names(&args.only, &declared)?;
    let verbose = settings.verbose;
    let look = Look {
        fleet: &manifest.fleet,
        args,
        context,
    };
    let looked = look_at_all(look, &declared, settings).await?;
    let report = Report::of(&manifest.fleet, &looked, args);
    report.print(verbose, &context.output)?;
    report.result(args.exit_code)?;
    Ok(Outcome::Done)
}

/// Reads all managers, one after another.
///
/// # Errors
/// Returns a usage error if the managers cannot be selected. Returns the error of the first manager if no manager could be read.
async fn look_at_all<'m>(
    look: Look<'m>,
    declared: &[&'m DeclaredKey],
    settings: Settings,
) -> Result<Vec<Looked<'m>>, Error> {
    let mut names: Vec<&'m TargetName> = Vec::new();
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
    let mut looked = Vec::new();
    if names.is_empty() {
        looked.push(look.at(None, declared.to_vec(), Ok(settings)).await?);
    } else {
        settings.require_only_profiles("the manifest selects the managers with `on`")?;
        for name in names {
            let own = declared.iter().copied();
            let own = own.filter(|key| key.target.as_ref() == Some(name));
            let settings = settings.for_profile(&name.profile);
            looked.push(look.at(Some(name), own.collect(), settings).await?);
        }
    }
    match looked.first().map(|first| &first.found) {
        Some(Err(error)) if looked.iter().all(|one| one.found.is_err()) => Err(error.clone()),
        _ => Ok(looked),
    }
}

/// Reads the manifest, and reports all its problems.
fn read_manifest(
    path: &Path,
    args: &Args,
    settings: &Settings,
    context: &Context,
) -> Result<Manifest, Error> {
    let profiles = known_profiles()?;
    let loose = settings.allow_loose_permissions;
    let read = manifest::read(path, profiles.as_ref(), loose)?;
    let manifest = read.content.map_err(|problems| {
        let problems = problems.into_iter();
        let problems = problems
            .map(|problem| (problem.with_location(read.shown.as_ref()), problem.hint))
            .collect();
        let hint = "fix every problem listed above";
        report_problems(&read.shown, problems, hint, &context.output)
    })?;
    if profiles.is_none() && manifest.keys.iter().any(|key| key.target.is_some()) {
        let note = "the profiles in `on` are not checked, because no settings file was found";
        context.output.note(note);
    }
    if args.offline {
        report_valid(&manifest, &read.shown, context)?;
    }
    Ok(manifest)
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
            "pass the name of a key or of a profile in the file; case and spaces must match",
        )),
        None => Ok(()),
    }
}

fn report_valid(manifest: &Manifest, shown: &str, context: &Context) -> Result<(), Error> {
    let count = match manifest.keys.len() {
        1 => "1 key".to_owned(),
        count => format!("{count} keys"),
    };
    context.output.note(&format!("{shown} is valid ({count})"));
    let fields = json!({"file": shown, "fleet": manifest.fleet, "keys": manifest.keys.len()});
    match context.output.format() {
        Format::Text | Format::Env | Format::Tsv => Ok(()),
        Format::Json => context.output.json(&fields, true),
        Format::Jsonl => context.output.json(&fields, false),
    }
}

//! Runs `plan`.

use std::path::Path;

use serde_json::json;

use super::args::Args;
use super::report::Report;
use crate::auth::session;
use crate::auth::session::Access;
use crate::config::{Settings, file};
use crate::context::{Context, Outcome};
use crate::error::Error;
use crate::fleet::manifest::{DeclaredKey, KnownProfiles, Manifest, SCHEMA};
use crate::fleet::plan::{Situation, looked_at, make};
use crate::fleet::{inventory, manifest, presence};
use crate::target::Target;
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
    if manifest.keys.iter().any(|key| key.target.is_some()) {
        return Err(Error::usage(
            "`on` is not supported yet: this version plans the keys on one manager only",
            "remove `on`, and select the manager with `--profile`; `--offline` checks a file with `on`",
        ));
    }
    let is_planned = |key: &&DeclaredKey| args.only.is_empty() || args.only.contains(&key.name);
    let declared: Vec<&DeclaredKey> = manifest.keys.iter().filter(is_planned).collect();
    refuse_unknown_names(&args.only, &declared)?;
    let verbose = settings.verbose;
    let target = Target::find(settings, context).await?;
    session::signed_in(&target, context, async |access| {
        plan(&manifest.fleet, &declared, args, access, verbose).await
    })
    .await?;
    Ok(Outcome::Done)
}

async fn plan(
    fleet: &str,
    declared: &[&DeclaredKey],
    args: &Args,
    access: Access<'_>,
    verbose: bool,
) -> Result<(), Error> {
    let found = inventory::take(fleet, declared, access).await?;
    let no_secrets = std::collections::HashMap::new();
    let mut situation = Situation {
        fleet,
        declared,
        listed: &found.keys,
        roles: &found.roles,
        runs: &found.runs,
        secrets: &no_secrets,
        signer: found.signer,
        now: found.now,
        prune: args.prune(),
    };
    let secrets = match args.no_look {
        true => std::collections::HashMap::new(),
        false => presence::look_at(&looked_at(&situation), access.context).await?,
    };
    situation.secrets = &secrets;
    let mut plan = make(&situation);
    if !args.only.is_empty() {
        plan.keys.retain(|key| key.declared.is_some());
    }
    let report = Report {
        fleet,
        plan: &plan,
        target: access.target,
        output: &access.context.output,
        now: found.now,
    };
    report.print(verbose)?;
    report.result(args.exit_code)
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
    let is_declared = |name: &String| declared.iter().any(|key| key.name == *name);
    match only.iter().find(|name| !is_declared(name)) {
        Some(name) => Err(Error::usage(
            format!("`--only`: the file declares no key named `{name}`"),
            "pass the name of a key in the file; case and spaces must match",
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

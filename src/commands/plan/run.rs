//! Runs `plan`.

use serde_json::json;

use super::args::Args;
use crate::config::{Settings, file};
use crate::context::{Context, Outcome};
use crate::error::Error;
use crate::fleet::manifest;
use crate::fleet::manifest::{KnownProfiles, Manifest, SCHEMA};
use crate::terminal::output::Format;
use crate::terminal::report::report_problems;

/// Compares the manifest with the keys.
///
/// # Errors
/// Returns a usage error if the manifest has problems.
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
    report_valid(&manifest, &read.shown, context)?;
    Ok(Outcome::Done)
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

//! Runs `plan`.

use serde_json::json;

use super::args::Args;
use crate::auth::session;
use crate::config::Settings;
use crate::context::{Context, Outcome};
use crate::error::{Error, ErrorKind};
use crate::expiry::Expiry;
use crate::fleet::manifest::{DeclaredKey, Manifest, SCHEMA};
use crate::fleet::{
    DeclaredManager, FleetReport, Found, Looked, export, managers, read_manifest, targets,
};
use crate::target::Target;
use crate::terminal::output::Format;

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
    if let Some(fleet) = &args.from_manager {
        return print_manifest(fleet, settings, context).await;
    }
    let Some(path) = args.file.as_deref().filter(|_| !args.schema) else {
        context.output.data(SCHEMA)?;
        return Ok(Outcome::Done);
    };
    context.output.format().require_list()?;
    let (manifest, shown) = read_manifest(path, &settings, context)?;
    if args.offline {
        report_valid(&manifest, &shown, context)?;
        return Ok(Outcome::Done);
    }
    let verbose = settings.verbose;
    let mut looked = Vec::new();
    let mut managers = managers(&manifest, &args.flags.only, settings)?;
    let targets = targets(&mut managers, context).await?;
    for (manager, target) in managers.into_iter().zip(targets) {
        looked.push(look_at((manager, target), &manifest.fleet, args, context).await?);
    }
    if let Some(error) = Looked::error_of_all(&looked) {
        return Err(error.clone());
    }
    let report = FleetReport::of(&manifest.fleet, &looked, &args.flags);
    report.print(verbose, &context.output)?;
    report.result(args.exit_code)?;
    Ok(Outcome::Done)
}

/// Prints a manifest of the keys on the manager.
///
/// # Errors
/// Returns the error of the manager.
async fn print_manifest(
    fleet: &str,
    settings: Settings,
    context: &Context,
) -> Result<Outcome, Error> {
    let target = Target::find(settings, context).await?;
    let exported = session::signed_in(&target, context, async |access| export(fleet, access).await);
    let exported = exported.await?;
    for note in &exported.notes {
        context.output.note(note);
    }
    context.output.data(&exported.text)?;
    Ok(Outcome::Done)
}

/// Reads a manager. An error of the manager is part of the result, because the other managers are read nevertheless.
///
/// # Errors
/// Returns an error if a signal arrives.
async fn look_at<'m>(
    (manager, target): (DeclaredManager<'m>, Result<Target, Error>),
    fleet: &str,
    args: &Args,
    context: &Context,
) -> Result<Looked<'m>, Error> {
    let found = match &target {
        Ok(target) => {
            session::signed_in(target, context, async |access| {
                Found::read(fleet, &manager.keys, &args.flags, args.verify, access).await
            })
            .await
        }
        Err(error) => Err(error.clone()),
    };
    match found {
        Err(error) if matches!(error.kind(), ErrorKind::Interrupted(_)) => Err(error),
        found => Ok(Looked::new(manager, target.as_ref().ok(), found)),
    }
}

/// Returns the note about declared expiries in the past. `None` if there are none. Only the clock of this machine is known without a manager.
fn past_expiries(manifest: &Manifest) -> Option<String> {
    let now = chrono::Utc::now();
    let is_past = |key: &&DeclaredKey| matches!(key.expires, Expiry::At(time) if time <= now);
    let mut keys: Vec<String> = (manifest.keys.iter().filter(is_past))
        .map(|key| format!("`{}` (line {})", key.name, key.line))
        .collect();
    keys.dedup();
    match keys.is_empty() {
        true => None,
        false => Some(format!("`expires` is in the past: {}", keys.join(", "))),
    }
}

fn report_valid(manifest: &Manifest, shown: &str, context: &Context) -> Result<(), Error> {
    let count = match manifest.keys.len() {
        1 => "1 key".to_owned(),
        count => format!("{count} keys"),
    };
    context.output.note(&format!("{shown} is valid ({count})"));
    if let Some(past) = past_expiries(manifest) {
        context.output.note(&past);
    }
    let fields = json!({"file": shown, "fleet": manifest.fleet, "keys": manifest.keys.len()});
    match context.output.format() {
        Format::Text | Format::Env | Format::Tsv => Ok(()),
        Format::Json => context.output.json(&fields, true),
        Format::Jsonl => context.output.json(&fields, false),
    }
}

//! The reports of `create-key` about what it did not do.

use serde_json::{Value, json};

use crate::context::Context;
use crate::error::Error;
use crate::expiry::{Expiry, format_time};
use crate::keys::comparison::{Compared, Match, compare};
use crate::keys::document::print_key;
use crate::keys::naming::Existing;
use crate::manager::{ApiKey, KeyChange, NO_EXPIRY, NewApiKey};
use crate::mint::{PreparedSinks, refuse_unfinished};
use crate::terminal::output::Format;

pub(super) fn dry_run(
    key: &NewApiKey,
    existing: &Existing,
    prepared: &PreparedSinks,
    mut meta: Value,
    context: &Context,
) -> Result<(), Error> {
    let place = prepared.places().join(", ");
    let would = match existing {
        Existing::One(found) => format!(
            "give the key `{}` (ID {}) a new secret",
            key.key_name, found.id
        ),
        Existing::None(_) | Existing::NotSeen => format!(
            "create the key `{}` with the role ID {}, ending {}",
            key.key_name,
            key.role_id,
            key.expiry_date
                .map_or_else(|| "never".to_owned(), format_time)
        ),
    };
    context.output.note(&format!(
        "would {would}, and write its secret to {place}; nothing was changed"
    ));
    meta["created"] = false.into();
    meta["dryRun"] = true.into();
    match (context.output.format(), json!(key)) {
        (Format::Json | Format::Jsonl, Value::Object(fields)) => print_key(&fields, meta, context),
        // What a script takes from stdout is a secret, and there is none.
        _ => Ok(()),
    }
}

/// `--if-exists skip`: no secret, and a word where the key is not what was asked for.
///
/// # Errors
/// Returns an error if a run that was to deliver the secret of the key was cut off.
pub(super) fn leave_existing(
    existing: &ApiKey,
    wanted: &NewApiKey,
    expiry: Option<Expiry>,
    mut meta: Value,
    context: &Context,
) -> Result<(), Error> {
    refuse_unfinished(existing, context)?;
    let drift = drift(existing, wanted, expiry);
    let same = if drift.is_empty() {
        ""
    } else {
        "; it differs in "
    };
    // Who waits for a secret gets none, and exit code 0.
    context.output.insist(&format!(
        "no secret was written: the key `{}` exists already (ID {}) and is left as it is{same}{}",
        wanted.key_name,
        existing.id,
        drift.join(", ")
    ));
    meta["created"] = false.into();
    meta["sinks"] = json!([]);
    meta["drift"] = json!(drift);
    match context.output.format() {
        // There is no secret to print, and nothing else may stand in its place.
        Format::Text | Format::Env => Ok(()),
        Format::Json | Format::Jsonl => print_key(&existing.fields(), meta, context),
    }
}

/// Returns the names of the fields in which an existing key is not what was asked for. A life span cannot be compared, since it is unknown
/// from when it counted.
fn drift(existing: &ApiKey, wanted: &NewApiKey, expiry: Option<Expiry>) -> Vec<&'static str> {
    let asked = KeyChange {
        role_id: Some(wanted.role_id),
        locale: wanted.locale.clone(),
        time_zone: wanted.time_zone.clone(),
        expiry_date: match expiry {
            None | Some(Expiry::After(_)) => None,
            Some(Expiry::Never) => Some(NO_EXPIRY),
            Some(Expiry::At(at)) => Some(at.timestamp_millis()),
        },
        ..KeyChange::default()
    };
    let differs = |one: &Compared| match one.result {
        Match::AsAsked => false,
        Match::Different => true,
        Match::NotShown => !one.asked.is_null(),
    };
    let locked = existing.active() == Some(false);
    compare(&asked, existing)
        .into_iter()
        .filter(differs)
        .map(|one| one.field)
        .chain(locked.then_some("active"))
        .collect()
}

//! Prints the result of `create-key` if `--dry-run` or `--if-exists skip` prevents the creation of a key.

use serde_json::{Map, Value, json};

use crate::auth::session::Access;
use crate::context::Context;
use crate::error::Error;
use crate::expiry::{Expiry, format_time};
use crate::keys::comparison::{Compared, Match, compare};
use crate::keys::document::print_key;
use crate::keys::naming::Existing;
use crate::manager::{ApiKey, KeyChange, NO_EXPIRY, NewApiKey};
use crate::mint::{PreparedSinks, refuse_unfinished};
use crate::terminal::output::Format;

/// Prints the actions of the same run without `--dry-run`.
pub(super) fn dry_run(
    key: &NewApiKey,
    existing: &Existing,
    prepared: &PreparedSinks,
    meta_of: impl Fn(&Map<String, Value>) -> Value,
    context: &Context,
) -> Result<(), Error> {
    let sinks = prepared.places().join(", ");
    let action = match existing {
        Existing::One(found) => format!(
            "create a new secret for the key `{}` (ID {})",
            key.key_name, found.id
        ),
        Existing::None(_) | Existing::NotSeen => format!(
            "create the key `{}` (role ID {}, expiry: {})",
            key.key_name,
            key.role_id,
            key.expiry_date
                .map_or_else(|| "never".to_owned(), format_time)
        ),
    };
    context.output.note(&format!(
        "dry run: would {action} and write the secret to {sinks}; nothing was changed"
    ));
    match (context.output.format(), json!(key)) {
        (Format::Json | Format::Jsonl, Value::Object(fields)) => {
            let mut meta = meta_of(&fields);
            meta["created"] = false.into();
            meta["dryRun"] = true.into();
            print_key(&fields, meta, context)
        }
        // In the other formats, stdout may contain only a secret. A dry run has no secret, so nothing is printed.
        _ => Ok(()),
    }
}

/// Reports the existing key that `--if-exists skip` leaves unchanged, and the fields in which it differs from the request.
///
/// # Errors
/// Returns an error if the key belongs to an interrupted run that did not deliver its secret.
pub(super) fn leave_existing(
    existing: &ApiKey,
    requested: &NewApiKey,
    expiry: Option<Expiry>,
    mut meta: Value,
    access: Access<'_>,
) -> Result<(), Error> {
    refuse_unfinished(existing, access.target)?;
    let drift = drift(existing, requested, expiry);
    let differences: Vec<_> = drift.iter().map(Compared::difference).collect();
    let intro = if drift.is_empty() {
        ""
    } else {
        "; the key differs from the request: "
    };
    // The note is printed even with `--quiet`, because the exit code 0 does not show that no secret was written.
    access.context.output.insist(&format!(
        "no secret was written: the key `{}` already exists (ID {}) and was not changed{intro}{}",
        requested.key_name,
        existing.id,
        differences.join(", ")
    ));
    meta["created"] = false.into();
    meta["sinks"] = json!([]);
    let drift: Vec<_> = drift.iter().map(|compared| compared.field).collect();
    meta["drift"] = json!(drift);
    match access.context.output.format() {
        // In these formats, stdout may contain only a secret. The run has no secret, so nothing is printed.
        Format::Text | Format::Env | Format::Tsv => Ok(()),
        Format::Json | Format::Jsonl => print_key(&existing.fields(), meta, access.context),
    }
}

/// Returns the fields in which an existing key differs from the request. The requested expiry is not compared if it is a duration, because a duration
/// results in a different date in each run.
fn drift(existing: &ApiKey, requested: &NewApiKey, expiry: Option<Expiry>) -> Vec<Compared> {
    let expected = KeyChange {
        role_id: Some(requested.role_id),
        locale: requested.locale.clone(),
        time_zone: requested.time_zone.clone(),
        expiry_date: match expiry {
            None | Some(Expiry::After(_) | Expiry::AfterMonths(..)) => None,
            Some(Expiry::Never) => Some(NO_EXPIRY),
            Some(Expiry::At(at)) => Some(at.timestamp_millis()),
        },
        ..KeyChange::default()
    };
    let differs = |field: &Compared| match field.result {
        Match::AsAsked => false,
        Match::Different => true,
        Match::NotShown => !field.asked.is_null(),
    };
    let locked = (existing.active() == Some(false)).then(|| Compared {
        field: "active",
        asked: true.into(),
        is: false.into(),
        result: Match::Different,
    });
    compare(&expected, existing)
        .into_iter()
        .filter(differs)
        .chain(locked)
        .collect()
}

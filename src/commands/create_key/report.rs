//! Prints the result of `create-key` if no key is created (`--dry-run` or `--if-exists skip`). Compares an existing key with the request.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::auth::session::Access;
use crate::context::Context;
use crate::delivery::Destination;
use crate::error::Error;
use crate::expiry::{Expiry, format_time, time_left};
use crate::keys::comparison::{Compared, Match, compare};
use crate::keys::document::print_key;
use crate::keys::naming::Existing;
use crate::keys::state::{State, role_with_id};
use crate::keys::times::SOON;
use crate::manager::{ApiKey, KeyChange, NO_EXPIRY, NewApiKey};
use crate::mint::{PreparedSinks, refuse_unfinished, without_marks};
use crate::terminal::output::Format;

/// Prints what the same command would do without `--dry-run`.
pub(super) fn dry_run(
    key: &NewApiKey,
    existing: &Existing,
    prepared: &PreparedSinks,
    role: Option<&str>,
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
            "create the key `{}` (role {}, expiry: {})",
            key.key_name,
            role_with_id(role, key.role_id),
            key.expiry_date
                .map_or_else(|| "never".to_owned(), format_time)
        ),
    };
    context.output.note(&format!(
        "dry run: would {action} and write the secret to {sinks}; nothing was changed on the manager"
    ));
    match (context.output.format(), json!(key)) {
        (Format::Json | Format::Jsonl, Value::Object(mut fields)) => {
            let mut meta = meta_of(&fields);
            meta["created"] = false.into();
            meta["dryRun"] = true.into();
            if let Existing::One(found) = existing {
                fields.insert("ID".to_owned(), found.id.into());
            }
            print_key(&fields, meta, context)
        }
        // In text, env and TSV output, stdout may contain only a secret. A dry run has no secret, so nothing is printed.
        _ => Ok(()),
    }
}

/// The requested fields of a key. They are compared with the fields of an existing key.
pub(super) struct Requested<'a> {
    pub(super) key: &'a NewApiKey,
    /// The value of `--description`. `None` if the existing key may have any description.
    pub(super) description: Option<&'a str>,
    pub(super) expiry: Option<Expiry>,
}

/// Reports the existing key that `--if-exists skip` leaves unchanged. Also reports the fields in which the existing key differs from the requested
/// key.
///
/// # Errors
/// Returns an error if the key belongs to an interrupted run that did not deliver its secret.
pub(super) fn leave_existing(
    existing: &ApiKey,
    requested: &Requested<'_>,
    mut meta: Value,
    destinations: &[Destination],
    access: Access<'_>,
) -> Result<(), Error> {
    refuse_unfinished(existing, access)?;
    let problems: Vec<_> = [
        expiry_or_lock(existing, access.signed_in.time()),
        destinations.iter().find_map(missing_secret),
        add_drift(existing, requested, &mut meta, access),
    ]
    .into_iter()
    .flatten()
    .collect();
    let message = format!(
        "no secret was written: the key `{}` already exists (ID {}) and was not changed{}",
        requested.key.key_name,
        existing.id,
        problems.concat()
    );
    if problems.is_empty() {
        access.context.output.note(&message);
    } else {
        // `--quiet` does not suppress this warning, because the exit code 0 suggests that the destination contains a secret that works.
        access.context.output.insist(&message);
    }
    meta["created"] = false.into();
    meta["sinks"] = json!([]);
    match access.context.output.format() {
        // In text, env and TSV output, stdout may contain only a secret. The run has no secret, so nothing is printed.
        Format::Text | Format::Env | Format::Tsv => Ok(()),
        Format::Json | Format::Jsonl => print_key(&existing.fields(), meta, access.context),
    }
}

/// Returns the end of a message if the key does not work or expires soon.
fn expiry_or_lock(key: &ApiKey, now: DateTime<Utc>) -> Option<String> {
    let left = |at: i64| at.saturating_sub(now.timestamp_millis());
    match (State::of(key, now), key.expiry_date()) {
        (State::Locked(_), _) => Some("; the key is locked".to_owned()),
        (State::Expired, Some(at)) => Some(format!("; the key expired at {}", format_time(at))),
        (State::Expires(at), _) if left(at) <= SOON => {
            Some(format!("; the key expires {}", time_left(left(at))))
        }
        _ => None,
    }
}

/// Returns the end of a message if the destination certainly contains no secret of the key.
fn missing_secret(destination: &Destination) -> Option<String> {
    let what = match destination {
        Destination::Stdout => "stdout contains no secret".to_owned(),
        Destination::File { path, .. } if !path.exists() => {
            format!("the file {} does not exist", path.display())
        }
        _ => return None,
    };
    Some(format!(
        "; {what}; use `--if-exists rekey` to replace the secret of the key"
    ))
}

/// Warns if the existing key differs from the request. `--if-exists rekey` creates a new secret for the key, but changes none of its fields. Stores
/// the names of the different fields in `meta`.
pub(super) fn warn_of_drift(
    existing: &ApiKey,
    requested: &Requested<'_>,
    meta: &mut Value,
    access: Access<'_>,
) {
    if let Some(differences) = add_drift(existing, requested, meta, access) {
        // The warning is printed even with `--quiet`, because the exit code 0 does not show that the key has a different role or expiry.
        access.context.output.insist(&format!(
            "`--if-exists rekey` replaces only the secret of the key `{}` (ID {}){differences}",
            requested.key.key_name, existing.id
        ));
    }
}

/// Compares an existing key with the request, and stores the names of the different fields in `meta`. Returns the end of a message that describes the
/// differences, or `None` if there are no differences.
fn add_drift(
    existing: &ApiKey,
    requested: &Requested<'_>,
    meta: &mut Value,
    access: Access<'_>,
) -> Option<String> {
    let drift = drift(existing, requested, access.signed_in.time());
    let fields: Vec<_> = drift.iter().map(|compared| compared.field).collect();
    meta["drift"] = json!(fields);
    if drift.is_empty() {
        return None;
    }
    let differences: Vec<_> = drift.iter().map(Compared::difference).collect();
    let differences = differences.join(", ");
    Some(format!("; the key differs from the request: {differences}"))
}

/// Returns the fields in which an existing key differs from the request.
fn drift(existing: &ApiKey, requested: &Requested<'_>, now: DateTime<Utc>) -> Vec<Compared> {
    let expected = KeyChange {
        description: requested.description.map(str::to_owned),
        role_id: Some(requested.key.role_id),
        locale: requested.key.locale.clone(),
        time_zone: requested.key.time_zone.clone(),
        expiry_date: expected_expiry(existing, requested.expiry, now),
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
    let mut compared = compare(&expected, existing);
    for field in &mut compared {
        ignore_markers(field);
    }
    compared.into_iter().filter(differs).chain(locked).collect()
}

/// Returns the requested expiry, or `None` if the existing key's expiry is accepted.
///
/// A duration such as `90d` begins at `now`, so a repeated command requests a later expiry. Therefore, the existing key may expire earlier than
/// requested, but it must not have expired.
fn expected_expiry(
    existing: &ApiKey,
    requested: Option<Expiry>,
    now: DateTime<Utc>,
) -> Option<i64> {
    let is = existing.expiry_date();
    let expired = is.is_some_and(|is| is <= now.timestamp_millis());
    match requested {
        // Without `--expires`, every key that has not expired is accepted.
        None => expired.then_some(NO_EXPIRY),
        Some(Expiry::Never) => Some(NO_EXPIRY),
        Some(expiry) => {
            let end = expiry.milliseconds(now)?;
            let possible = is.is_some_and(|is| is <= end.saturating_add(TOLERANCE));
            (!expiry.is_relative() || expired || !possible).then_some(end)
        }
    }
}

/// The accepted difference between the requested expiry and the existing key's expiry, in milliseconds. Some time passes between the calculation of
/// an expiry and the creation of the key.
const TOLERANCE: i64 = 60_000;

/// Compares the descriptions again without the markers `[swp-keys ...]`, because each run adds a different marker to the description.
fn ignore_markers(field: &mut Compared) {
    if field.field != "description" {
        return;
    }
    if let Value::String(is) = &mut field.is {
        *is = without_marks(is);
    }
    if field.asked == field.is {
        field.result = Match::AsAsked;
    }
}

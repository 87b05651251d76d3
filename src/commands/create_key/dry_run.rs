//! What `create-key` says, beside the secret.

use serde_json::{Map, Value, json};

use super::if_exists::Existing;
use crate::context::Context;
use crate::error::Error;
use crate::expiry::{Expiry, format_time};
use crate::manager::{NewApiKey, SignedIn};
use crate::mint::{Delivered, PreparedSinks};
use crate::terminal::output::{Format, json_text};

/// The secret is where it was to go, and only the document about it is not.
pub(crate) fn output_failed_after_delivery(error: Error) -> Error {
    Error::unexpected(format!("{error}; the secret was delivered all the same"))
        .hint("do not run it again: that would make another secret")
}

/// The manager's word on when the key ends is compared with what was asked: seconds taken for milliseconds would show here.
pub(crate) fn warn_expiry_differs(key: &NewApiKey, delivered: &Delivered, context: &Context) {
    let Some(asked) = key.expiry_date else { return };
    if delivered.expiry_date == Some(asked) {
        return;
    }
    let got = delivered
        .expiry_date
        .map_or_else(|| "never".to_owned(), format_time);
    context.output.warn(&format!(
        "the manager set another end than asked: {got} instead of {}",
        format_time(asked)
    ));
}

/// A duration counts from the manager's clock; more than a minute of difference also breaks codes of a second factor.
pub(crate) fn warn_clock_skew(signed_in: &SignedIn, expiry: Option<Expiry>, context: &Context) {
    if !matches!(expiry, Some(Expiry::After(_))) {
        return;
    }
    let Some(skew) = signed_in.clock_skew() else {
        return;
    };
    if skew.num_seconds().abs() > 60 {
        let ahead = if skew.num_seconds() > 0 {
            "ahead of"
        } else {
            "behind"
        };
        context.output.warn(&format!(
            "the manager's clock is {} {ahead} this machine's; `--expires` counts from the manager's",
            humantime::format_duration(std::time::Duration::from_secs(skew.num_seconds().unsigned_abs()))
        ));
    }
}

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

/// The key without its secret: its ID as text, the manager's object and `meta` as JSON.
pub(crate) fn print_key(
    fields: &Map<String, Value>,
    meta: Value,
    context: &Context,
) -> Result<(), Error> {
    let id = fields.get("ID").map(Value::to_string).unwrap_or_default();
    let mut object = Value::Object(fields.clone());
    object["meta"] = meta;
    context.output.data(&match context.output.format() {
        Format::Text => format!("{id}\n"),
        Format::Env => crate::terminal::output::env_line("SWP_API_KEY_ID", &id),
        Format::Json => json_text(&object, true) + "\n",
        Format::Jsonl => json_text(&object, false) + "\n",
    })
}

//! Prints a key as JSON or text, creates the `meta` object of JSON output, and prints warnings about a new key.

use serde_json::{Map, Value, json};

use crate::auth::session::Access;
use crate::context::Context;
use crate::error::Error;
use crate::expiry::{Expiry, format_time};
use crate::manager::NewApiKey;
use crate::mint::Delivered;
use crate::target::Target;
use crate::terminal::output::{Format, TableLayout, env_line, json_text};

/// Returns the error for a run that has delivered the secret but could not print the key's details.
pub(crate) fn output_failed_after_delivery(error: Error) -> Error {
    Error::unexpected(format!(
        "the secret was delivered, but the details of the key were not printed: {error}"
    ))
    .hint("do not run the command again, because it would create another secret")
}

/// Warns if the manager set a different expiry than requested.
pub(crate) fn warn_expiry_differs(key: &NewApiKey, delivered: &Delivered, context: &Context) {
    let Some(asked) = key.expiry_date else { return };
    if delivered.expiry_date == Some(asked) {
        return;
    }
    let got = delivered
        .expiry_date
        .map_or_else(|| "never".to_owned(), format_time);
    context.output.warn(&format!(
        "the manager set a different expiry: {got} (requested {})",
        format_time(asked)
    ));
}

/// Warns if `--expires` is a duration and the clocks of the manager and of this machine differ by more than a minute. The user may be
/// surprised by the expiry, because the run adds the duration to the manager's time.
pub(crate) fn warn_clock_skew(access: Access<'_>, expiry: Option<Expiry>) {
    if !expiry.is_some_and(Expiry::is_relative) {
        return;
    }
    let Some(skew) = access.signed_in.clock_skew() else {
        return;
    };
    if skew.num_seconds().abs() > 60 {
        let ahead = if skew.num_seconds() > 0 {
            "ahead of"
        } else {
            "behind"
        };
        access.context.output.warn(&format!(
            "the manager's clock is {} {ahead} this machine's clock; the duration in `--expires` counts from the manager's time",
            humantime::format_duration(std::time::Duration::from_secs(skew.num_seconds().unsigned_abs()))
        ));
    }
}

/// Returns the `meta` object of JSON output: the manager's address, followed by `fields`.
pub(crate) fn meta(target: &Target, fields: Value) -> Value {
    let mut meta = json!({"manager": target.address.to_string()});
    if let (Value::Object(meta), Value::Object(fields)) = (&mut meta, fields) {
        meta.extend(fields);
    }
    meta
}

/// Returns the `meta` object of JSON output about a secret. It contains the operation ID of the run, the places where the secret was
/// written (`sinks`), and the tenant if one is set.
pub(crate) fn secret_meta(
    target: &Target,
    created: bool,
    operation: &str,
    sinks: &[String],
) -> Value {
    let fields = json!({"created": created, "operation": operation, "sinks": sinks});
    let mut meta = meta(target, fields);
    if let Some(tenant) = target.tenant_name() {
        meta["tenant"] = tenant.into();
    }
    meta
}

/// Prints a key whose secret this run has delivered.
///
/// # Errors
/// Returns an error if writing to stdout fails. The error's hint warns the user that the same command would create another secret.
pub(crate) fn print_delivered(delivered: &Delivered, context: &Context) -> Result<(), Error> {
    print_key(&delivered.fields, delivered.meta.clone(), context)
        .map_err(output_failed_after_delivery)
}

/// Prints a key without its secret. Text output is the key's ID. On a terminal, text output is empty, because a note already shows the ID. JSON
/// output is the manager's key object with `meta` added.
pub(crate) fn print_key(
    fields: &Map<String, Value>,
    meta: Value,
    context: &Context,
) -> Result<(), Error> {
    let output = &context.output;
    let is_terminal = matches!(output.destination(), TableLayout::Terminal { .. });
    if output.format() == Format::Text && is_terminal && !output.is_quiet() {
        return Ok(());
    }
    let id = fields.get("ID").map(Value::to_string).unwrap_or_default();
    let mut object = Value::Object(fields.clone());
    object["meta"] = meta;
    output.data(&match output.format() {
        Format::Text | Format::Tsv => format!("{id}\n"),
        Format::Env => env_line("SWP_API_KEY_ID", &id),
        Format::Json => json_text(&object, true) + "\n",
        Format::Jsonl => json_text(&object, false) + "\n",
    })
}

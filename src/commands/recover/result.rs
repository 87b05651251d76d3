//! Prints the JSON output of a recovery. In text output, a note reports the result instead.

use serde_json::json;

use super::args::Args;
use crate::context::Context;
use crate::error::Error;
use crate::journal::Record;
use crate::terminal::output::{Format, json_text};

/// The value of `meta.result` if the recovery created a new secret for the key.
pub(super) const RECOVERED: &str = "recovered";

/// Prints the key of an interrupted run, and the result of its recovery, such as `deleted`. `id` is the key's ID, or `None` if no key was found.
/// Prints nothing if a secret may be written to stdout.
///
/// # Errors
/// Returns an error if writing to stdout fails.
pub(super) fn print_result(
    args: &Args,
    record: &Record,
    id: Option<i64>,
    result: &str,
    context: &Context,
) -> Result<(), Error> {
    let format = context.output.format();
    if !format.is_json() || args.prints_secrets.get() {
        return Ok(());
    }
    let mut meta = json!({
        "manager": record.manager,
        "operation": record.operation,
        "result": result,
    });
    if let Some(tenant) = &record.tenant {
        meta["tenant"] = tenant.as_str().into();
    }
    if let Some(old) = &record.predecessor {
        meta["predecessor"] = json!({"ID": old.id});
    }
    let document = json!({"ID": id, "keyName": record.key_name, "meta": meta});
    context
        .output
        .data(&(json_text(&document, format == Format::Json) + "\n"))
}

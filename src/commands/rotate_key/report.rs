//! The notes and the output document of `rotate-key`.

use serde_json::{Value, json};

use super::rotation::Rotation;
use crate::auth::session::Access;
use crate::context::Context;
use crate::error::Error;
use crate::expiry::format_time;
use crate::keys::document::{print_key, secret_meta};
use crate::keys::state::State;
use crate::manager::ApiKey;
use crate::mint::{PreparedSinks, Retired};
use crate::terminal::output::Format;

/// Warns if the old key is locked or expired. The new key will be active.
pub(super) fn warn_old_state(old: &ApiKey, access: Access<'_>) {
    let state = match State::of(old, access.signed_in.time()) {
        State::Locked(_) => "is locked",
        State::Expired => "has expired",
        _ => return,
    };
    access.context.output.warn(&format!(
        "the key with ID {} {state}, but the new key will be active",
        old.id
    ));
}

/// Returns the `meta` object of the output document.
pub(super) fn meta(
    old: &ApiKey,
    overlap: i64,
    operation: &str,
    prepared: &PreparedSinks,
    access: Access<'_>,
) -> Value {
    let planned = access
        .signed_in
        .time()
        .timestamp_millis()
        .saturating_add(overlap);
    let expiry = old
        .expiry_date()
        .map_or(planned, |expiry| expiry.min(planned));
    let mut meta = secret_meta(access.target, true, operation, &prepared.places());
    meta["predecessor"] = json!({"ID": old.id, "keyName": old.name(), "expiryDate": expiry});
    meta
}

/// Reports when the old key expires.
pub(super) fn report_retired(rotation: &Rotation<'_>, retired: &Retired, context: &Context) {
    let (name, id) = (&rotation.new.key_name, rotation.old.id);
    context.output.note(&match retired {
        Retired::Expires(expiry) => format!(
            "the old key `{name}` (ID {id}) works until {}; this time was added to its name",
            format_time(*expiry)
        ),
        Retired::Gone => format!("the old key (ID {id}) no longer exists"),
    });
}

impl Rotation<'_> {
    /// Reports what the run would do without `--dry-run`.
    pub(super) fn dry_run(self, prepared: &PreparedSinks, context: &Context) -> Result<(), Error> {
        let mut meta = self.meta;
        let until = meta["predecessor"]["expiryDate"]
            .as_i64()
            .unwrap_or_default();
        context.output.note(&format!(
            "dry run: would create a key (role ID {}, expiry: {}) to replace `{}` (ID {}), let the old key expire at {}, and write the new secret to {}; nothing was changed",
            self.new.role_id,
            self.new.expiry_date.map_or_else(|| "never".to_owned(), format_time),
            self.new.key_name,
            self.old.id,
            format_time(until),
            prepared.places().join(", ")
        ));
        meta["created"] = false.into();
        meta["dryRun"] = true.into();
        match (context.output.format(), json!(self.new)) {
            (Format::Json | Format::Jsonl, Value::Object(fields)) => {
                print_key(&fields, meta, context)
            }
            _ => Ok(()),
        }
    }
}

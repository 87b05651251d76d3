//! What `rotate-key` says, beside the secret.

use serde_json::{Value, json};

use super::rotation::Rotation;
use crate::context::Context;
use crate::error::Error;
use crate::expiry::format_time;
use crate::keys::document::{print_key, secret_meta};
use crate::keys::state::State;
use crate::manager::{ApiKey, SignedIn};
use crate::mint::{PreparedSinks, Retired};
use crate::terminal::output::Format;

/// A key that does not work is rotated as it is asked for; that its successor does is worth a word.
pub(super) fn odd_state(old: &ApiKey, signed_in: &SignedIn, context: &Context) {
    let state = match State::of(old, signed_in.time()) {
        State::Locked(_) => "is locked",
        State::Expired => "has expired",
        _ => return,
    };
    context.output.warn(&format!(
        "the key with the ID {} {state}, and the one that takes its place will work",
        old.id
    ));
}

/// What the document says beside the manager's fields.
pub(super) fn meta(
    old: &ApiKey,
    overlap: i64,
    operation: &str,
    prepared: &PreparedSinks,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Value, Error> {
    let planned = signed_in.time().timestamp_millis().saturating_add(overlap);
    let end = old.expiry_date().map_or(planned, |end| end.min(planned));
    let mut meta = secret_meta(context, true, operation, &prepared.places())?;
    meta["predecessor"] = json!({"ID": old.id, "keyName": old.name(), "expiryDate": end});
    Ok(meta)
}

/// What became of the old key.
pub(super) fn retired(rotation: &Rotation<'_>, end: &Retired, context: &Context) {
    let (name, id) = (&rotation.new.key_name, rotation.old.id);
    context.output.note(&match end {
        Retired::Ends(end) => format!(
            "the old key `{name}` (ID {id}) works until {}, and is named with that time",
            format_time(*end)
        ),
        Retired::Gone => format!("the old key (ID {id}) is gone already"),
    });
}

impl Rotation<'_> {
    /// What would be done.
    pub(super) fn dry_run(self, prepared: &PreparedSinks, context: &Context) -> Result<(), Error> {
        let mut meta = self.meta;
        let until = meta["predecessor"]["expiryDate"]
            .as_i64()
            .unwrap_or_default();
        context.output.note(&format!(
            "would put a key with the role ID {}, ending {}, in the place of `{}` (ID {}), which would work until {}, \
             and write its secret to {}; nothing was changed",
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

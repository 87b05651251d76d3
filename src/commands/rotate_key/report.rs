//! The notes and the output document of `rotate-key`.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::rotation::Rotation;
use crate::auth::session::Access;
use crate::context::Context;
use crate::error::Error;
use crate::expiry::format_time;
use crate::keys::document::{print_key, secret_meta};
use crate::keys::key_report::KeyReport;
use crate::keys::state::{State, role_with_id};
use crate::manager::ApiKey;
use crate::mint::{PreparedSinks, Retired, original_name, retiring_name};
use crate::terminal::output::Format;
use crate::text::rfc3339;

/// Warns if the old key is locked or expired, because the new key will be active.
pub(super) fn warn_old_state(old: &ApiKey, access: Access<'_>) {
    let state = match (State::of(old, access.signed_in.time()), old.expiry_date()) {
        (State::Locked(_), _) => "is locked".to_owned(),
        (State::Expired, Some(at)) => format!("expired at {}", format_time(at)),
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
    // The document is printed to stdout before the old key is renamed, so it contains the name that the old key will get.
    let name = original_name(old.name().unwrap_or_default());
    meta["predecessor"] = json!({
        "ID": old.id,
        "keyName": retiring_name(name, expiry),
        "previousName": old.name(),
        "expiryDate": expiry,
        "expiresAt": rfc3339(expiry),
    });
    meta
}

/// The report about a rotation. It is printed at the end of the run.
pub(super) struct RotationReport {
    /// The report about the new key, or `None` if an earlier run created it.
    key: Option<KeyReport>,
    old_id: i64,
    old_key: String,
}

impl RotationReport {
    /// Returns a report that contains only the notes about the old key. `now` is the manager's time.
    pub(super) fn of_old_key(
        rotation: &Rotation<'_>,
        retired: &Retired,
        now: DateTime<Utc>,
    ) -> Self {
        let id = rotation.old.id;
        let old_key = match retired {
            Retired::Expires(expiry, name) if *expiry <= now.timestamp_millis() => format!(
                "the old key `{name}` (ID {id}) expired at {}",
                format_time(*expiry)
            ),
            Retired::Expires(expiry, name) => format!(
                "the old key `{name}` (ID {id}) works until {}",
                format_time(*expiry)
            ),
            Retired::Gone => format!("the old key (ID {id}) no longer exists"),
            Retired::Released(_) => format!(
                "the old key (ID {id}) no longer belongs to the fleet, so its expiry was not set"
            ),
        };
        Self {
            key: None,
            old_id: id,
            old_key,
        }
    }

    /// Returns the ID of the old key.
    pub(super) fn old_id(&self) -> i64 {
        self.old_id
    }

    /// Adds the report about the new key.
    pub(super) fn with_key(self, key: KeyReport) -> Self {
        Self {
            key: Some(key),
            ..self
        }
    }

    /// Returns this report if the output document was printed, so that the caller can print the report at the end of the run.
    ///
    /// # Errors
    /// If the output document could not be printed, prints this report at once and returns the error. The user must learn that the old key will
    /// expire.
    pub(super) fn unless_failed(
        self,
        printed: Result<(), Error>,
        context: &Context,
    ) -> Result<Option<Self>, Error> {
        if let Err(error) = printed {
            self.print(context);
            return Err(error);
        }
        Ok(Some(self))
    }

    /// Prints the report as notes.
    pub(super) fn print(&self, context: &Context) {
        if let Some(key) = &self.key {
            key.print(context);
        }
        context.output.note(&self.old_key);
    }
}

impl Rotation<'_> {
    /// Prints a note if the old key expires before the overlap ends.
    pub(super) fn warn_short_overlap(&self, access: Access<'_>) {
        let now = access.signed_in.time().timestamp_millis();
        let end = self.old.expiry_date();
        if let Some(end) = end.filter(|end| (now..now + self.plan.overlap).contains(end)) {
            access.context.output.note(&format!(
                "the overlap is shorter than requested, because the old key expires at {}",
                format_time(end)
            ));
        }
    }

    /// Warns if the new key expires before the old key. The overlap is then shorter than requested.
    pub(super) fn warn_short_successor(&self, context: &Context) {
        let until = self.meta["predecessor"]["expiryDate"].as_i64();
        let (Some(end), Some(until)) = (self.new.expiry_date, until) else {
            return;
        };
        if end < until {
            context.output.warn(&format!(
                "the new key expires at {}, before the overlap ends at {}",
                format_time(end),
                format_time(until)
            ));
        }
    }

    /// Prints what the same command would do without `--dry-run`.
    pub(super) fn dry_run(
        self,
        step: NextStep,
        prepared: &PreparedSinks,
        access: Access<'_>,
    ) -> Result<(), Error> {
        let context = access.context;
        let until = self.meta["predecessor"]["expiryDate"]
            .as_i64()
            .unwrap_or_default();
        let (name, old, places) = (
            &self.new.key_name,
            self.old.id,
            prepared.places().join(", "),
        );
        let until = format!(
            "set the expiry of the old key (ID {old}) to {}",
            format_time(until)
        );
        let action = match step {
            NextStep::Create => format!(
                "create a key (role {}, expiry: {}) to replace `{name}` (ID {old}), write the new secret to {places}, and {until}",
                role_with_id(self.role.as_deref(), self.new.role_id),
                self.new
                    .expiry_date
                    .map_or_else(|| "never".to_owned(), format_time),
            ),
            NextStep::NewSecret(id) => format!(
                "create a new secret for the new key `{name}` (ID {id}), write the secret to {places}, and {until}"
            ),
            NextStep::Expiry(id) => format!(
                "{until}; the interrupted run created the key `{name}` (ID {id}) and delivered its secret"
            ),
        };
        context.output.note(&format!(
            "dry run: would {action}; nothing was changed on the manager"
        ));
        match (context.output.format(), json!(self.new)) {
            (Format::Json | Format::Jsonl, Value::Object(mut fields)) => {
                if let NextStep::NewSecret(id) | NextStep::Expiry(id) = step {
                    fields.insert("ID".to_owned(), id.into());
                }
                let mut meta = self.meta_of(&fields, access);
                meta["created"] = false.into();
                meta["dryRun"] = true.into();
                print_key(&fields, meta, context)
            }
            _ => Ok(()),
        }
    }
}

/// The next step of a rotation. A run that continues an interrupted rotation may start at a later step.
#[derive(Clone, Copy)]
pub(super) enum NextStep {
    /// Create the successor.
    Create,
    /// Create a new secret for the new key, which exists and has this ID.
    NewSecret(i64),
    /// Set the expiry of the old key. The new key has this ID, and its secret was already delivered.
    Expiry(i64),
}

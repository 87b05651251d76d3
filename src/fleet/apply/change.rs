//! Changes, adopts, renames and locks existing keys, and resets their secrets.

use serde_json::Value;

use super::manager_run::{KeyDone, ManagerRun};
use crate::error::{Error, ErrorKind};
use crate::expiry::format_date;
use crate::fleet::manifest::DeclaredKey;
use crate::fleet::plan::{PlannedAction, PlannedKey};
use crate::journal::Record;
use crate::keys::comparison::without_equal;
use crate::keys::confirmation::confirmed;
use crate::keys::update;
use crate::manager::{ApiKey, KeyChange, NO_EXPIRY};
use crate::mint::{FleetMark, PreparedSinks, Transaction};

impl<'r> ManagerRun<'r> {
    /// Changes the fields of a key.
    pub(super) async fn change(&self, planned: &PlannedKey<'_>) -> Result<KeyDone, Error> {
        let listed = planned.key.ok_or_else(not_listed)?;
        let adopts = planned.action == PlannedAction::Adopt;
        let key = self.read_again(listed).await?.ok_or_else(|| gone(listed))?;
        let change = self.change_of(planned, &key, adopts);
        // A brief key object omits the description, which would be lost if it were replaced.
        if change.description.is_some() && key.is_brief() {
            return Err(Error::unexpected(
                "the manager does not report the description of the key, so the key cannot get a marker",
            ));
        }
        if change.active == Some(false) {
            self.refuse_own_key(&key, "locked").await?;
        }
        if let Some(signal) = self.access.context.signals.received() {
            return Err(Error::interrupted(signal));
        }
        self.change_marked(&key, &change).await?;
        Ok((key.id, None))
    }

    /// Changes a key. If the manager does not store the marker in the new description, the key is changed back, because no later run would know that
    /// it belongs to the fleet.
    async fn change_marked(&self, key: &ApiKey, change: &KeyChange) -> Result<(), Error> {
        let Err(error) = update::carry_out_before_list(key, change, self.access).await else {
            return Ok(());
        };
        let is_known = error.kind() != ErrorKind::Attention;
        let mark = |text: &str| FleetMark::of(text);
        let wanted = change.description.as_deref().and_then(mark);
        if wanted.is_none() || !is_known {
            return Err(error);
        }
        let Ok(now) = self.access.signed_in.api_key(key.id).await else {
            return Err(error);
        };
        let back = without_equal(values_before(change, key), &now);
        // If the key has a complete marker, this run or another fleet owns it.
        if now.description().and_then(mark).is_some() || back == KeyChange::default() {
            return Err(error);
        }
        let lost = "the manager did not store the complete marker of the fleet in the description";
        let message = match update::carry_out_despite_signal(&now, &back, self.access).await {
            Ok(_) => match (change.expiry_date, key.expiry_date()) {
                (Some(end), None) if end != NO_EXPIRY => format!(
                    "{lost}, so the key was changed back, but it now expires {}",
                    format_date(end)
                ),
                _ => format!("{lost}, so the key was changed back"),
            },
            Err(error) => format!("{lost}, and the key could not be changed back: {error}"),
        };
        Err(Error::new(ErrorKind::Partial, message).key(key.id))
    }

    /// Resets the secret of a key, delivers the new secret, and changes the fields of the key.
    pub(super) async fn rekey(&self, planned: &PlannedKey<'_>) -> Result<KeyDone, Error> {
        let (declared, listed) = planned.declared.zip(planned.key).ok_or_else(not_listed)?;
        let key = self.read_unchanged(listed).await?;
        let key = &key.ok_or_else(|| gone(listed))?;
        self.refuse_own_key(key, "reset").await?;
        let prepared = self.prepare_places(declared).await?;
        let operation = self.operations.next();
        let run = self.access.operation(&operation, prepared.places());
        let record = Record {
            unique: true,
            fleet: Some(self.fleet.to_owned()),
            ..Record::rekey(run, &declared.name, key.id)
        };
        let transaction = self.transaction(prepared).verify(self.verifies(key));
        let delivered = transaction.rekey(key, record).await?;
        let change = self.change_of(planned, key, false);
        if change != KeyChange::default() {
            self.change_marked(key, &change).await?;
        }
        Ok((delivered.id, Some(operation)))
    }

    /// Returns the transaction for a secret of a declared key.
    pub(super) fn transaction(&self, prepared: PreparedSinks) -> Transaction<'r> {
        Transaction::new(self.access, prepared, |_| Value::Null)
            .verify(self.options.verify)
            .delivering_after_signal()
    }

    /// Returns true if a new secret of an existing key is used before it is delivered. The manager rejects every secret of a locked or expired
    /// key.
    pub(super) fn verifies(&self, key: &ApiKey) -> bool {
        self.options.verify && key.why_unusable(self.access.signed_in.time()).is_none()
    }

    /// Sets the fields that a key gets only after its secret was delivered: it loses the word `pending` in its marker, and is locked if that is
    /// declared. `text` is the description of the key.
    pub(super) async fn set_last_fields(
        &self,
        declared: &DeclaredKey,
        key: &ApiKey,
        text: &str,
    ) -> Result<(), Error> {
        let locks = declared.locked == Some(true) && key.active() != Some(false);
        let change = KeyChange {
            description: confirmed(text),
            active: locks.then_some(false),
            ..KeyChange::default()
        };
        if change == KeyChange::default() {
            return Ok(());
        }
        update::carry_out_before_list(key, &change, self.access).await?;
        Ok(())
    }
}

/// Returns the change that restores the values of a key in the fields of `change`.
fn values_before(change: &KeyChange, key: &ApiKey) -> KeyChange {
    let text = |text: Option<&str>| Some(text.unwrap_or_default().to_owned());
    KeyChange {
        key_name: change.key_name.as_ref().and(text(key.name())),
        description: change.description.as_ref().and(text(key.description())),
        role_id: change.role_id.and(key.role_id()),
        active: change.active.and(key.active()),
        // Whether a manager accepts the value for "never" is unknown, so an expiry is never removed here.
        expiry_date: change.expiry_date.and(key.expiry_date()),
        locale: change.locale.as_ref().and(text(key.locale())),
        time_zone: change.time_zone.as_ref().and(text(key.time_zone())),
    }
}

/// Returns the error for a key that was deleted after it was listed.
pub(super) fn gone(listed: &ApiKey) -> Error {
    let message = "the key was deleted by someone else during this run";
    Error::new(ErrorKind::Conflict, message).key(listed.id)
}

/// Returns the error for a plan without the key that it changes.
pub(super) fn not_listed() -> Error {
    Error::unexpected("the plan does not contain the key")
}

//! The requests and the records for declared keys.

use super::manager_run::ManagerRun;
use crate::fleet::manifest::DeclaredKey;
use crate::fleet::plan::PlannedKey;
use crate::journal::Record;
use crate::manager::{ApiKey, KeyChange, NO_EXPIRY, NewApiKey};
use crate::mint::{FleetMark, PreparedSinks, is_like, without_marks};

impl ManagerRun<'_> {
    /// Returns the marker for a new operation.
    pub(super) fn new_mark(&self, predecessor: Option<i64>, pending: bool) -> FleetMark {
        FleetMark {
            operation: self.operations.next(),
            fleet: self.fleet.to_owned(),
            predecessor,
            pending,
        }
    }

    /// Returns the request for a declared key.
    pub(super) fn new_key(
        &self,
        declared: &DeclaredKey,
        role_id: i64,
        mark: &FleetMark,
    ) -> NewApiKey {
        let description = declared.description.as_deref().unwrap_or_default();
        NewApiKey {
            key_name: declared.name.clone(),
            description: Some(mark.after(description)),
            role_id,
            locale: declared.locale.clone(),
            time_zone: declared.time_zone.clone(),
            expiry_date: declared.expires.milliseconds(self.access.signed_in.time()),
        }
    }

    /// Returns the record for a declared key. If `old` is set, the key is its successor in a rotation.
    pub(super) fn record(
        &self,
        declared: &DeclaredKey,
        role_id: i64,
        mark: &FleetMark,
        sinks: &PreparedSinks,
    ) -> Record {
        let operation = self.access.operation(&mark.operation, sinks.places());
        let name = &declared.name;
        let mut record = match mark.predecessor {
            Some(old) => {
                let overlap = i64::try_from(declared.overlap.as_millis()).unwrap_or(i64::MAX);
                Record::rotate(operation, name, role_id, old, overlap)
            }
            None => Record::create(operation, name, Some(role_id)),
        };
        let is_known =
            |key: &&ApiKey| (key.name()).is_some_and(|other| other == name || is_like(name, other));
        let known = self.inventory.keys.iter().filter(is_known);
        record.existing_ids.extend(known.map(|key| key.id));
        record.unique = true;
        record.fleet = Some(self.fleet.to_owned());
        record.pending = mark.pending;
        record
    }

    /// Returns the change of an existing key that the plan says. The description keeps the marker. An adopted key gets a new marker.
    pub(super) fn change_of(
        &self,
        planned: &PlannedKey<'_>,
        key: &ApiKey,
        adopts: bool,
    ) -> KeyChange {
        let is = key.description().unwrap_or_default();
        let mut change = KeyChange::default();
        let mut text = None;
        for one in &planned.changes {
            let value = || one.to.as_str().map(str::to_owned);
            match one.field {
                "keyName" => change.key_name = value(),
                "roleID" => change.role_id = one.to.as_i64(),
                "description" => text = value(),
                "locale" => change.locale = value(),
                "timeZone" => change.time_zone = value(),
                "expiryDate" => change.expiry_date = Some(one.to.as_i64().unwrap_or(NO_EXPIRY)),
                "active" => change.active = one.to.as_bool(),
                _ => {}
            }
        }
        let mark = match adopts {
            // What the old marker says about the delivery of the secret still holds.
            true => {
                let old = FleetMark::of(is);
                let predecessor = old.as_ref().and_then(|old| old.predecessor);
                Some(self.new_mark(predecessor, old.is_some_and(|old| old.pending)))
            }
            false => FleetMark::of(is),
        };
        if let Some(mark) = mark.filter(|_| adopts || text.is_some()) {
            let text = text.unwrap_or_else(|| without_marks(is));
            change.description = Some(mark.after(&text));
        }
        change
    }
}

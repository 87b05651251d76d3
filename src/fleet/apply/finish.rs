//! Finishes the work of interrupted runs of the fleet.
//!
//! The record of the run says how far the run came. If the record is lost, it is written again from the marker of the key. So there is one way to
//! finish a run, and a run that is interrupted again can be finished in the same way.

use super::change::not_listed;
use super::manager_run::{KeyDone, ManagerRun};
use super::places;
use crate::error::{Error, ErrorKind};
use crate::fleet::manifest::{DeclaredKey, PlaceKind};
use crate::fleet::plan::{PlannedKey, RunState};
use crate::fleet::presence::{FoundSecret, SecretUse, in_file, in_variable};
use crate::journal::{Entry, Record, Stage, Work};
use crate::manager::ApiKey;
use crate::mint::resume::{
    busy, find_abandoned_key, lost_name_race, same_signer, settle, wait_for_inflight_request,
    write_again,
};
use crate::mint::{self, FleetMark, PreparedSinks, RunRecord};

impl ManagerRun<'_> {
    /// Finishes the interrupted run for a key.
    pub(super) async fn finish(&self, planned: &PlannedKey<'_>) -> Result<KeyDone, Error> {
        let declared = planned.declared.ok_or_else(not_listed)?;
        let role_id = planned.role.as_ref().ok_or_else(not_listed)?.id;
        let entry = match self.inventory.runs.get(&declared.name) {
            Some(RunState::OfFleet(operation)) => {
                Entry::take_over(operation)?.ok_or_else(|| busy(&declared.name))?
            }
            _ => self.record_again(declared, role_id, planned.key.ok_or_else(not_listed)?)?,
        };
        let operation = entry.record.operation.clone();
        same_signer(&entry.record, self.access)?;
        let search = find_abandoned_key(&entry, self.access);
        let id = match self.access.context.signals.cancel(search).await? {
            Some(id) => {
                let key = planned.key.filter(|key| key.id == id);
                self.finish_key(declared, (id, key), entry).await?
            }
            None => match planned.key {
                // Another run has created the key since then.
                Some(key) if entry.record.predecessor.is_none() => {
                    settle(entry)?;
                    key.id
                }
                _ => self.create_again(declared, role_id, entry).await?,
            },
        };
        Ok((id, Some(operation)))
    }

    /// Writes the record of a run again whose state folder is lost.
    fn record_again(
        &self,
        declared: &DeclaredKey,
        role_id: i64,
        key: &ApiKey,
    ) -> Result<Entry, Error> {
        let mark = FleetMark::of(key.description().unwrap_or_default()).ok_or_else(not_listed)?;
        let record = self.record(declared, role_id, &mark, &PreparedSinks::new(Vec::new()));
        let known = record.existing_ids.iter().copied();
        write_again(Record {
            existing_ids: known.filter(|id| *id != key.id).collect(),
            key_id: Some(key.id),
            // The plan has compared the keys with this name.
            unique: false,
            ..record
        })
    }

    /// Creates the key that the interrupted run did not create.
    async fn create_again(
        &self,
        declared: &DeclaredKey,
        role_id: i64,
        entry: Entry,
    ) -> Result<i64, Error> {
        let record = &entry.record;
        if record.work == Work::Rekey || record.is_over() {
            settle(entry)?;
            let message = "the key of the interrupted run no longer exists";
            return Err(Error::new(ErrorKind::Partial, message)
                .hint("run the command again to create the key"));
        }
        let old = record.predecessor.as_ref().map(|old| old.id);
        let exists = match old {
            Some(id) => self.access.signed_in.key_exists(id).await?,
            None => true,
        };
        let mark = FleetMark {
            operation: record.operation.clone(),
            fleet: self.fleet.to_owned(),
            predecessor: old.filter(|_| exists),
            pending: old.is_none(),
        };
        let key = self.new_key(declared, role_id, &mark);
        let prepared = places::prepare(declared, self.access.context).await?;
        let transaction = self.transaction(prepared);
        let (delivered, recorded) = transaction.create_again(&key, entry).await?;
        self.end_finished(declared, delivered.id, recorded).await
    }

    /// Finishes the work on a key that exists.
    async fn finish_key(
        &self,
        declared: &DeclaredKey,
        (id, key): (i64, Option<&ApiKey>),
        entry: Entry,
    ) -> Result<i64, Error> {
        let record = &entry.record;
        if record.is_delivered() {
            return self
                .end_finished(declared, id, RunRecord::written(entry))
                .await;
        }
        if lost_name_race(record, id, self.access).await? {
            let message = format!(
                "another run created a key named `{}` first",
                record.key_name
            );
            mint::delete_abandoned(self.access, record, id).await?;
            mint::restore_name(self.access, record).await?;
            settle(entry)?;
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        let may_be_delivered =
            record.progress.stage == Stage::Delivering || record.sinks.is_empty();
        if may_be_delivered && self.is_delivered(declared, id).await? {
            return self
                .end_finished(declared, id, RunRecord::written(entry))
                .await;
        }
        wait_for_inflight_request(&entry, self.access.target, self.access.context).await?;
        let prepared = places::prepare(declared, self.access.context).await?;
        let mut transaction = self.transaction(prepared).recovering();
        if let Some(key) = key {
            transaction = transaction.verify(self.verifies(key));
        }
        let (delivered, recorded) = transaction.resume(id, entry).await?;
        self.end_finished(declared, delivered.id, recorded).await
    }

    /// Returns true if every destination has a secret of the key that works.
    async fn is_delivered(&self, declared: &DeclaredKey, id: i64) -> Result<bool, Error> {
        if self.options.no_look {
            return Ok(false);
        }
        for place in &declared.places {
            let found = match &place.kind {
                PlaceKind::File(path) => in_file(path),
                PlaceKind::Dotenv { path, variable } => in_variable(path, variable),
                PlaceKind::Command(_) => return Ok(false),
            };
            let FoundSecret::Secret(secret) = found else {
                return Ok(false);
            };
            match self.checks.check(&secret, Some(id)).await? {
                used @ SecretUse::Works(_) if used.other_key(id).is_none() => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Sets the last fields of a key whose secret was delivered, sets the expiry of its predecessor, and removes the record.
    async fn end_finished(
        &self,
        declared: &DeclaredKey,
        id: i64,
        recorded: RunRecord,
    ) -> Result<i64, Error> {
        let key = self.access.signed_in.api_key(id).await?;
        let description = key.description().unwrap_or_default();
        self.set_last_fields(declared, &key, description).await?;
        if recorded.record().predecessor.is_some() {
            self.expire_old_key(recorded, id).await?;
        } else {
            recorded.settle(self.access.context);
        }
        Ok(id)
    }
}

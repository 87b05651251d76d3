//! Finishes the work of interrupted runs of the fleet.
//!
//! The record of the run says how far the run came. If the record is lost, it is written again from the marker of the key. So there is one way to
//! finish a run, and a run that is interrupted again can be finished in the same way.

use super::change::{gone, not_listed};
use super::deletion::changed_meanwhile;
use super::delivery_proof::Delivery;
use super::manager_run::{KeyDone, ManagerRun};
use crate::error::{Error, ErrorKind};
use crate::fleet::manifest::DeclaredKey;
use crate::fleet::plan::{PlannedKey, RunState, is_expiry_changed, is_retired, is_retired_within};
use crate::journal::{Entry, Record, Work};
use crate::manager::ApiKey;
use crate::mint::resume::{
    busy, find_abandoned_key, lost_name_race, same_signer, settle, unproven,
    wait_for_inflight_request, write_again,
};
use crate::mint::{self, FleetMark, PreparedSinks, RunRecord};

impl ManagerRun<'_> {
    /// Finishes the interrupted run for a key.
    pub(super) async fn finish(&self, planned: &PlannedKey<'_>) -> Result<KeyDone, Error> {
        let declared = planned.declared.ok_or_else(not_listed)?;
        let role_id = planned.role.as_ref().ok_or_else(not_listed)?.id;
        let entry = match self.inventory.runs.get(&declared.name) {
            Some(RunState::OfFleet(run)) if planned.superseded.is_none() => {
                let entry = Entry::take_over(&run.record.operation)?;
                entry.ok_or_else(|| busy(&declared.name))?
            }
            _ => {
                // The plan may be older than the confirmation for which this run waited.
                let listed = planned.key.ok_or_else(not_listed)?;
                let key = self.read_again(listed).await?;
                let key = key.ok_or_else(|| gone(listed))?;
                let mark = FleetMark::of(key.description().unwrap_or_default());
                let mark = mark.ok_or_else(not_listed)?;
                // The record may contain a former name of the key, or another form of the address of the manager.
                match Entry::take_over(&mark.operation)? {
                    Some(entry) => entry,
                    None => self.record_again(declared, role_id, &key, &mark)?,
                }
            }
        };
        let operation = entry.record.operation.clone();
        let search = find_abandoned_key(&entry, self.access);
        let found = self.access.context.signals.cancel(search).await;
        let found = found.map_err(|error| unproven(error, &entry.record, self.access.context))?;
        let is_found = |key: &ApiKey| Some(key.id) == found && mint::is_ours(&entry.record, key);
        // A key with the marker of the run shows that this sign-in is for the same tenant.
        if !self.inventory.keys.iter().any(is_found) {
            same_signer(&entry.record, self.access)?;
        }
        let id = match found {
            Some(id) => {
                let listed = planned.key.filter(|key| key.id == id);
                self.finish_key(declared, (id, listed), entry).await?
            }
            None => {
                let old = entry.record.predecessor.as_ref().map(|old| old.id);
                match planned.key.filter(|key| Some(key.id) != old) {
                    Some(key) => {
                        settle(entry)?;
                        return Err(replaced(key.id));
                    }
                    None => self.create_again(declared, role_id, entry).await?,
                }
            }
        };
        Ok((id, Some(operation)))
    }

    /// Removes the record of an interrupted run whose work is not needed, because another run has superseded it. No secret is reset.
    pub(super) fn remove_superseded(&self, planned: &PlannedKey<'_>) -> Result<(), Error> {
        let Some(operation) = &planned.superseded else {
            return Ok(());
        };
        let entry = Entry::take_over(operation)?;
        settle(entry.ok_or_else(|| busy(planned.name()))?)
    }

    /// Writes the record of a run again whose state folder is lost.
    fn record_again(
        &self,
        declared: &DeclaredKey,
        role_id: i64,
        key: &ApiKey,
        mark: &FleetMark,
    ) -> Result<Entry, Error> {
        let record = self.record(declared, role_id, mark, &PreparedSinks::new(Vec::new()));
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
        mut entry: Entry,
    ) -> Result<i64, Error> {
        let record = &entry.record;
        if record.work == Work::Rekey || record.is_over() {
            settle(entry)?;
            let message = "the key of the interrupted run no longer exists";
            return Err(Error::new(ErrorKind::Partial, message)
                .hint("run the command again to create the key"));
        }
        let old = record.predecessor.as_ref().map(|old| old.id);
        let old = match old {
            Some(id) => self.access.signed_in.find_api_key(id).await?,
            None => None,
        };
        let shows_delivery = |old: &ApiKey| self.shows_delivery(declared, old);
        let mark = FleetMark {
            operation: record.operation.clone(),
            fleet: self.fleet.to_owned(),
            predecessor: old.as_ref().map(|old| old.id),
            pending: !old.as_ref().is_some_and(shows_delivery),
        };
        entry
            .change(|record| record.pending = mark.pending)
            .map_err(|error| {
                Error::unexpected(format!("could not update the record of the run: {error}"))
            })?;
        let key = self.new_key(declared, role_id, &mark);
        let prepared = self.prepare_places(declared).await?;
        let transaction = self.transaction(prepared);
        let (delivered, recorded) = transaction.create_again(&key, entry).await?;
        self.end_finished(declared, delivered.id, recorded).await
    }

    /// Finishes the work on a key that exists. `listed` is the key as the plan contains it.
    async fn finish_key(
        &self,
        declared: &DeclaredKey,
        (id, listed): (i64, Option<&ApiKey>),
        entry: Entry,
    ) -> Result<i64, Error> {
        if entry.record.is_delivered() {
            return self
                .end_finished(declared, id, RunRecord::written(entry))
                .await;
        }
        let (key, entry) = self.unfinished(declared, (id, listed), entry).await?;
        let delivery = match self.is_own_key(&key, &entry.record).await? {
            true => Delivery::Shown,
            false => self.delivery(declared, &key).await?,
        };
        if delivery == Delivery::Shown {
            return self
                .end_finished(declared, id, RunRecord::written(entry))
                .await;
        }
        let entry = self.refuse_used(declared, &key, entry, delivery)?;
        let record = &entry.record;
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
        wait_for_inflight_request(&entry, self.access.target, self.access.context).await?;
        let prepared = self.prepare_places(declared).await?;
        // Another machine may have finished the work while this run waited.
        let (key, entry) = self.unfinished(declared, (id, Some(&key)), entry).await?;
        let entry = match delivery {
            // This run has used the secret.
            Delivery::Partial => entry,
            _ => self.refuse_used(declared, &key, entry, delivery)?,
        };
        let transaction = self.transaction(prepared).recovering();
        let transaction = transaction.verify(self.verifies(&key));
        let (delivered, recorded) = transaction.resume(id, entry).await?;
        self.end_finished(declared, delivered.id, recorded).await
    }

    /// Reads a key, and checks that no other run has finished the work on it. `before` is the key as it was read before. If another run has finished
    /// the work, the record is removed, so that no later run resets the secret.
    ///
    /// # Errors
    /// Returns a conflict if another run has finished the work, or if the key was changed or no longer belongs to the fleet.
    async fn unfinished(
        &self,
        declared: &DeclaredKey,
        (id, before): (i64, Option<&ApiKey>),
        entry: Entry,
    ) -> Result<(ApiKey, Entry), Error> {
        let record = &entry.record;
        let reading = async {
            let key = self.access.signed_in.api_key(id).await?;
            let is_retired = self.is_predecessor_retired(declared, record, &key).await?;
            Ok((key, is_retired))
        };
        let (key, is_predecessor_retired) = self.access.context.signals.cancel(reading).await?;
        let mark = |key: &ApiKey| FleetMark::of(key.description().unwrap_or_default());
        let now = mark(&key);
        let is_confirmed = record.pending
            && (now.as_ref()).is_some_and(|now| !now.pending && now.operation == record.operation);
        if is_confirmed || is_predecessor_retired {
            settle(entry)?;
            return Err(finished_elsewhere(id));
        }
        let is_of_fleet = now.as_ref().is_some_and(|now| now.fleet == self.fleet);
        if !is_of_fleet && !mint::is_ours(record, &key) {
            let message = "the key no longer belongs to the fleet, so its secret was not reset";
            let hint = format!(
                "run `swp-keys recover {} --forget{}` to remove the record of the interrupted run",
                record.operation,
                self.access.context.yes_flag()
            );
            return Err(Error::new(ErrorKind::Conflict, message).hint(hint).key(id));
        }
        if before.is_some_and(|before| mark(before) != now) {
            return Err(changed_meanwhile(id));
        }
        Ok((key, entry))
    }

    /// Returns true if a rotation has set the expiry of the old key, or if the old key got an earlier expiry since it was listed. A rotation sets this
    /// expiry after the secret of the successor was delivered.
    ///
    /// # Errors
    /// Returns a conflict if it is unknown whether a rotation has set the expiry. Also returns the errors of the call.
    async fn is_predecessor_retired(
        &self,
        declared: &DeclaredKey,
        record: &Record,
        successor: &ApiKey,
    ) -> Result<bool, Error> {
        let Some(old) = &record.predecessor else {
            return Ok(false);
        };
        let mut listed = self.inventory.keys.iter();
        let Some(listed) = listed.find(|key| key.id == old.id) else {
            return Ok(false);
        };
        let now = self.access.signed_in.time();
        // The expiry of the old key shows no delivery if the marker of its successor has the word `pending`.
        if !record.pending {
            if is_retired_within(old.overlap, listed, successor, declared, now) {
                return Ok(true);
            }
            // Another run may have completed the rotation with the overlap that is declared now.
            if is_retired(listed, successor, declared, now) && is_expiry_changed(listed, declared) {
                return Err(self.unknown_delivery(successor.id, record));
            }
        }
        let old = self.access.signed_in.find_api_key(listed.id).await?;
        let expiry = old.and_then(|old| old.expiry_date());
        Ok(expiry.is_some_and(|now| listed.expiry_date().is_none_or(|listed| now < listed)))
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
        let mark = FleetMark::of(description);
        let is_released = !key.is_brief() && mark.is_none_or(|mark| mark.fleet != self.fleet);
        if !is_released {
            self.set_last_fields(declared, &key, description).await?;
        }
        if recorded.record().predecessor.is_some() {
            self.expire_old_key(recorded, id).await?;
        } else {
            recorded.settle(self.access.context);
        }
        match is_released {
            true => Err(changed_meanwhile(id)),
            false => Ok(id),
        }
    }
}

/// Returns the error for a key whose secret another run has delivered.
fn finished_elsewhere(id: i64) -> Error {
    let message = "another run has delivered the secret of the key, so this run did not reset it";
    Error::new(ErrorKind::Conflict, message).key(id)
}

/// Returns the error for a declared key that another run has created, or whose key was deleted during this run.
fn replaced(id: i64) -> Error {
    let message = "the key of the interrupted run no longer exists, so nothing was changed";
    Error::new(ErrorKind::Conflict, message)
        .hint("run the command again to compare the key with the file")
        .key(id)
}

//! Creates declared keys and the successors of rotations, in groups.

use std::cell::RefCell;

use super::change::{gone, not_listed};
use super::manager_run::{AT_ONCE, KeyDone, ManagerRun};
use crate::error::{Error, ErrorKind};
use crate::fleet::manifest::DeclaredKey;
use crate::fleet::plan::{PlannedAction, PlannedKey};
use crate::fleet::presence::{self, KeyToLookAt, Presence, SecretState, SecretStates};
use crate::manager::ApiKey;
use crate::mint::group::{GroupMember, MemberResult, NewerKeys};
use crate::mint::{self, Retired, RunRecord};
use crate::process::concurrency::run_all;

/// The number of keys in a group. A larger group saves few calls, and is what a killed run leaves to be finished.
const GROUP: usize = 16;

/// If the old key of a rotation expires later than the overlap and this time from now, its expiry shows that the rotation is not complete. In
/// milliseconds.
const SOON: i64 = 2 * 60 * 60 * 1000;

/// A requested key of a group.
struct RequestedKey {
    /// The position in the plan.
    place: usize,
    operation: String,
    description: String,
}

impl<'r> ManagerRun<'r> {
    /// Creates the keys with this action, which is to create or to rotate.
    pub(super) async fn create(&self, action: PlannedAction, newer: &mut NewerKeys) {
        let places = self.positions(&|key| key.action == action);
        for group in places.chunks(GROUP) {
            if self.must_stop() {
                return;
            }
            self.create_group(group, newer).await;
        }
    }

    async fn create_group(&self, group: &[usize], newer: &mut NewerKeys) {
        let keys: Vec<(usize, &PlannedKey<'_>)> = group
            .iter()
            .filter_map(|place| Some((*place, self.plan.keys.get(*place)?)))
            .collect();
        let found = match self.look_at(&keys).await {
            Ok(found) => found,
            // A signal has arrived, and no key was requested yet.
            Err(_) => return,
        };
        let (mut requested, mut members) = (Vec::new(), Vec::new());
        for (place, member) in self.members(keys, &found).await {
            match member {
                Ok(member) => {
                    requested.push(RequestedKey {
                        place,
                        operation: member.record.operation.clone(),
                        description: member.key.description.clone().unwrap_or_default(),
                    });
                    members.push(member);
                }
                Err(error) => self.end(place, Err(error)),
            }
        }
        if members.is_empty() {
            return;
        }
        match newer.create(members, self.access).await {
            Ok(results) => self.end_group(requested, results).await,
            Err(error) => {
                for key in requested {
                    self.end(key.place, Err(error.clone()));
                }
            }
        }
    }

    /// Looks at the destinations of new keys, because a later run cannot tell whether the secret was delivered if a destination already has one.
    async fn look_at(&self, keys: &[(usize, &PlannedKey<'_>)]) -> Result<SecretStates, Error> {
        let new = keys
            .iter()
            .filter(|(_, key)| key.action == PlannedAction::Create);
        let new = new.filter_map(|(_, key)| key.declared);
        let new = new.map(|declared| KeyToLookAt {
            declared,
            id: None,
            reads_secret: false,
            runs_command: true,
        });
        let new: Vec<KeyToLookAt<'_>> = new.collect();
        match self.options.no_look || new.is_empty() {
            true => Ok(SecretStates::new()),
            false => presence::look_at(&new, self.access.context).await,
        }
    }

    /// Prepares the keys of a group. The result has the same order.
    async fn members(
        &self,
        keys: Vec<(usize, &PlannedKey<'_>)>,
        found: &SecretStates,
    ) -> Vec<(usize, Result<GroupMember<'r>, Error>)> {
        let prepared = &RefCell::new(Vec::with_capacity(keys.len()));
        let mut rest = keys.into_iter();
        run_all(AT_ONCE, &mut || {
            let (place, planned) = rest.next()?;
            Some(Box::pin(async move {
                let member = self.member(planned, found).await;
                prepared.borrow_mut().push((place, member));
            }))
        })
        .await;
        let mut prepared = prepared.take();
        prepared.sort_by_key(|(place, _)| *place);
        prepared
    }

    async fn member(
        &self,
        planned: &PlannedKey<'_>,
        found: &SecretStates,
    ) -> Result<GroupMember<'r>, Error> {
        let declared = planned.declared.ok_or_else(not_listed)?;
        let role_id = planned.role.as_ref().ok_or_else(not_listed)?.id;
        if let Some(listed) = planned.key {
            let old = self.read_unchanged(listed).await?;
            old.ok_or_else(|| gone(listed))?;
        }
        let prepared = self.prepare_places(declared).await?;
        let is_empty = |states: &Vec<SecretState>| {
            states
                .iter()
                .all(|state| state.presence == Presence::Missing)
        };
        let pending = match planned.key {
            Some(old) => !self.shows_delivery(declared, old),
            None => !found.get(&declared.name).is_some_and(is_empty),
        };
        let mark = self.new_mark(planned.key.map(|old| old.id), pending);
        Ok(GroupMember {
            key: self.new_key(declared, role_id, &mark),
            record: self.record(declared, role_id, &mark, &prepared),
            transaction: self.transaction(prepared),
        })
    }

    async fn end_group(&self, requested: Vec<RequestedKey>, results: Vec<MemberResult>) {
        let is_unknown = |result: &MemberResult| matches!(result, Some(Err(error)) if error.kind() == ErrorKind::Attention);
        let has_success = results.iter().any(|result| matches!(result, Some(Ok(_))));
        if !has_success && results.iter().any(is_unknown) {
            // The manager answered no request of the group, so the next group would also end without a known outcome.
            self.stop();
        }
        let settled = RefCell::new(Vec::new());
        let mut rest = requested.into_iter().zip(results);
        run_all(AT_ONCE, &mut || {
            let (requested, result) = rest.next()?;
            Some(Box::pin(self.end_member(requested, result, &settled)))
        })
        .await;
        RunRecord::settle_all(settled.take(), self.access.context);
    }

    /// Finishes a key whose secret was delivered. The record of a key that is not finished stays on disk, so that the next run finishes it.
    async fn end_member(
        &self,
        requested: RequestedKey,
        result: MemberResult,
        settled: &RefCell<Vec<RunRecord>>,
    ) {
        let place = requested.place;
        let (delivered, recorded) = match result {
            None => return,
            Some(Err(error)) => return self.end(place, Err(error)),
            Some(Ok(delivered)) => delivered,
        };
        let id = delivered.id;
        let Some(planned) = self.plan.keys.get(place) else {
            return;
        };
        let finishing = async {
            let finished = match (planned.declared, delivered.key()) {
                (Some(declared), Some(key)) => {
                    let text = key.description().unwrap_or(&requested.description);
                    self.set_last_fields(declared, &key, text).await
                }
                _ => Ok(()),
            };
            match (finished, recorded.record().predecessor.is_some()) {
                (Ok(()), false) => {
                    settled.borrow_mut().push(recorded);
                    Ok(())
                }
                // The record stays, because the marker still contains the word `pending`, or because the key is not locked yet.
                (Err(error), false) => Err(error),
                (Err(error), true) if recorded.record().pending => Err(error),
                (finished, true) => {
                    let expired = self.expire_old_key(recorded, id).await;
                    expired.and(finished)
                }
            }
        };
        let what = "the secret was delivered, but the rest of the work may not be done";
        let finished = self.limited((planned.name(), what), finishing).await;
        let done: Result<KeyDone, Error> = finished.map(|()| (id, Some(requested.operation)));
        self.end(place, done);
    }

    /// Returns true if the expiry of this old key of a rotation will show whether the secret of its successor was delivered. If the old key expires
    /// soon anyway, its expiry shows nothing.
    pub(super) fn shows_delivery(&self, declared: &DeclaredKey, old: &ApiKey) -> bool {
        let now = self.access.signed_in.time().timestamp_millis();
        let overlap = i64::try_from(declared.overlap.as_millis()).unwrap_or(i64::MAX);
        let soon = now.saturating_add(overlap).saturating_add(SOON);
        old.expiry_date().is_none_or(|expiry| expiry > soon)
    }

    /// Sets the expiry of the old key of a rotation after the secret of its successor was delivered.
    pub(super) async fn expire_old_key(
        &self,
        recorded: RunRecord,
        successor: i64,
    ) -> Result<(), Error> {
        let retired = mint::expire_predecessor(self.access, recorded, successor).await?;
        if let Retired::Released(id) = retired {
            self.access.context.output.warn(&format!(
                "the old key with ID {id} no longer belongs to the fleet, so its expiry was not set"
            ));
        }
        Ok(())
    }
}

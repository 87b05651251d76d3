//! Decides what happens with one declared key.

use std::collections::HashMap;

use super::changes;
use super::duplicate_names;
use super::matching::{FleetKeys, Matched, is_named_by_rotation, may_be_delivered_soon};
use super::model::{FieldChange, PlannedAction, PlannedKey, PlannedRole};
use super::rotation_state::{due, is_expiry_changed, replaces};
use super::situation::{RoleKey, RunState, Situation};
use super::superseded::RecordedRun;
use crate::expiry::{Expiry, format_date, format_time};
use crate::fleet::manifest::{DeclaredKey, OnMissing};
use crate::fleet::presence::{Presence, SecretState};
use crate::manager::{ApiKey, LastUse};
use crate::mint::{FleetMark, retiring_name};
use crate::text::rfc3339;

/// The time before an expiry in which it is reported, in milliseconds.
const SOON: i64 = 14 * 24 * 60 * 60 * 1000;

const OTHER_RUN: &str =
    "another run created the key a short time ago and may still deliver its secret";
const NO_AGE: &str = "another run created the key and did not confirm the delivery of its secret, and the manager does not report when the key was created";
const REKEY_INSTEAD: &str =
    "; `on-missing = \"rekey\"` replaces the secret now, and the old secret stops working";
const OWN_KEY: &str = "this run signs in with the key, so it is neither locked nor reset";

/// What the decision about one declared key depends on.
pub(super) struct Decision<'a, 's> {
    pub(super) declared: &'a DeclaredKey,
    pub(super) matched: &'s Matched<'a>,
    pub(super) fleet_keys: &'s FleetKeys<'a>,
    pub(super) situation: &'s Situation<'a>,
    /// The names of the declared roles.
    pub(super) labels: &'s HashMap<i64, &'s str>,
    /// The declared fields that the manager does not report.
    pub(super) hidden: Vec<&'static str>,
}

impl<'a> Decision<'a, '_> {
    /// Returns the entry of the plan.
    pub(super) fn decide(&mut self) -> PlannedKey<'a> {
        match self.situation.runs.get(&self.declared.name) {
            Some(RunState::InProgress) => {
                return self.problem(None, "another run on this machine is working on this key");
            }
            Some(RunState::Interrupted(operation)) => {
                let reason = format!(
                    "an interrupted run is not finished; run `swp-keys recover {operation}`"
                );
                return self.problem(None, reason);
            }
            Some(RunState::OfFleet(_)) | None => {}
        }
        let (declared, situation) = (self.declared, self.situation);
        let run = RecordedRun::of(declared, self.matched, self.fleet_keys, situation);
        let reason = run.as_ref().and_then(RecordedRun::superseded);
        let (Some(run), Some(reason)) = (&run, reason) else {
            return self.decide_with(run.as_ref());
        };
        let mut planned = self.decide_with(None);
        planned.superseded = Some(run.operation().to_owned());
        planned.notes.push(format!(
            "the interrupted run {} needs no more work: {reason}",
            run.operation()
        ));
        planned
    }

    /// Returns the entry of the plan. If there is an interrupted run, the entry is to finish it.
    fn decide_with(&mut self, run: Option<&RecordedRun<'a, '_>>) -> PlannedKey<'a> {
        let role = (self.declared.role.clone(), self.declared.allow_full_access);
        let role = (RoleKey::of(&role.0), role.1);
        let role = match self.situation.roles.get(&role) {
            Some(Ok(role)) => role.clone(),
            Some(Err(reason)) => return self.problem(self.only_key(), reason),
            None => return self.problem(self.only_key(), "the role was not looked up"),
        };
        if let Some(run) = run {
            let reason = format!("the run {} was interrupted", run.operation());
            return self.with_role(run.key(), PlannedAction::Finish, reason, role);
        }
        let live = &self.matched.live;
        let copied = |key: &&&ApiKey| self.fleet_keys.copied.contains(&key.id);
        if let Some(key) = live.iter().chain(&self.matched.former).find(copied) {
            let reason = format!(
                "another key of the fleet has the same marker as the key with ID {}; remove the copied marker with `swp-keys update-key ID --no-mark`",
                key.id
            );
            return self.problem(Some(key), reason);
        }
        match live.as_slice() {
            [] => match self.matched.former.as_slice() {
                [] => self.absent(role),
                [key] => self.present(key, role),
                several => self.problem(None, several_keys(several)),
            },
            [key] => self.present(key, role),
            // The run that created the new key may be on another machine.
            [old, new] if replaces(new, old) && may_be_delivered_soon(new, self.situation.now) => {
                match new.created() {
                    Some(_) => self.problem(Some(new), OTHER_RUN),
                    None => self.problem(Some(new), unfinished_rotation(old, new)),
                }
            }
            [old, new]
                if replaces(new, old)
                    && (is_expiry_changed(old, self.declared)
                        || !is_named_by_rotation(old, self.declared)) =>
            {
                self.problem(Some(new), self.still_works(old, new))
            }
            [old, new] if replaces(new, old) => {
                let reason = "a rotation was interrupted before the old key was retired";
                self.with_role(Some(new), PlannedAction::Finish, reason.to_owned(), role)
            }
            several => self.several(several),
        }
    }

    /// Returns the problem if a rotation may be complete, but a user has set the expiry of the old key since then. The secret of the new key may be in
    /// use.
    fn still_works(&self, old: &ApiKey, new: &ApiKey) -> String {
        let overlap = i64::try_from(self.declared.overlap.as_millis()).unwrap_or(i64::MAX);
        let end = (old.expiry_date()).unwrap_or_else(|| self.now().saturating_add(overlap));
        let expires = match old.expiry_date() {
            Some(_) => String::new(),
            None => format!(" --expires {}", rfc3339(end).unwrap_or_default()),
        };
        let until = (old.expiry_date()).map_or("forever".to_owned(), |end| {
            format!("until {}", format_time(end))
        });
        format!(
            "the key with ID {0} replaces the key with ID {1}, which works {until}; check that each destination has the secret of the key with ID {0}, then run `swp-keys update-key {1}{expires} --name {2}` to complete the rotation",
            new.id,
            old.id,
            shell_words::quote(&retiring_name(&self.declared.name, end))
        )
    }

    /// Plans several keys with the same name, none of which replaces another.
    fn several(&self, keys: &[&'a ApiKey]) -> PlannedKey<'a> {
        let found =
            duplicate_names::unneeded(keys, self.secrets(), self.fleet_keys, self.situation);
        let Some((unneeded, needed)) = found else {
            let is_hidden = |key: &&&ApiKey| self.situation.last_use(key) == LastUse::NotShown;
            let reason = match keys.iter().find(is_hidden) {
                Some(_) => "; the manager does not report when they were last used",
                None => "",
            };
            return self.problem(None, several_keys(keys) + reason);
        };
        let reason = format!(
            "never used, and each destination has the secret of another key with this name (ID {})",
            needed.id
        );
        PlannedKey {
            secret: self.secrets(),
            kept: Some(needed),
            ..PlannedKey::new(
                Some(self.declared),
                Some(unneeded),
                PlannedAction::Delete,
                reason,
            )
        }
    }

    fn only_key(&self) -> Option<&'a ApiKey> {
        match self.matched.live.as_slice() {
            [key] => Some(key),
            _ => None,
        }
    }

    pub(super) fn problem(
        &self,
        key: Option<&'a ApiKey>,
        reason: impl Into<String>,
    ) -> PlannedKey<'a> {
        PlannedKey::new(Some(self.declared), key, PlannedAction::Problem, reason)
    }

    pub(super) fn with_role(
        &self,
        key: Option<&'a ApiKey>,
        action: PlannedAction,
        reason: String,
        role: PlannedRole,
    ) -> PlannedKey<'a> {
        let secret = self.secrets();
        let defect = secret.iter().find_map(|secret| secret.defect.clone());
        let planned = match defect.filter(|_| action.delivers_secret()) {
            Some(defect) => self.problem(key, defect),
            None => PlannedKey {
                role: Some(role),
                ..PlannedKey::new(Some(self.declared), key, action, reason)
            },
        };
        PlannedKey { secret, ..planned }
    }

    pub(super) fn secrets(&self) -> &'a [SecretState] {
        let found = self.situation.secrets.get(&self.declared.name);
        found.map_or(&[], Vec::as_slice)
    }

    fn is_signer(&self, key: &ApiKey) -> bool {
        self.situation.signer == Some(key.id)
    }

    pub(super) fn now(&self) -> i64 {
        self.situation.now.timestamp_millis()
    }

    /// Returns the problem if the declared expiry is a time in the past.
    pub(super) fn past_expiry(&self) -> Option<String> {
        match self.declared.expires {
            Expiry::At(time) if time <= self.situation.now => Some(format!(
                "`expires` is in the past: {}",
                format_time(time.timestamp_millis())
            )),
            _ => None,
        }
    }

    pub(super) fn changes(&mut self, key: &ApiKey, role: &PlannedRole) -> Vec<FieldChange> {
        let label = |id: i64| self.labels.get(&id).map(|label| (*label).to_owned());
        let found = changes::compare(self.declared, key, role, label);
        self.hidden.extend(found.hidden);
        found.changes
    }

    /// Plans a key that the fleet has once.
    fn present(&mut self, key: &'a ApiKey, role: PlannedRole) -> PlannedKey<'a> {
        if let Some(mark) = self.fleet_keys.mark(key.id).filter(|mark| mark.pending) {
            return self.pending(key, mark, role);
        }
        if key.active() == Some(false) && self.declared.locked.is_none() {
            let reason = "the key is locked, and the manifest does not set `locked`";
            return self.problem(Some(key), reason);
        }
        if let Some(reason) = due(self.declared, key, self.situation.now) {
            return self.rotate(key, reason, "", role);
        }
        if let Some(past) = self.past_expiry() {
            return self.problem(Some(key), past);
        }
        let mut missing = self.secrets().iter().filter(|secret| secret.is_missing());
        if let Some(reason) = missing.find_map(SecretState::problem) {
            match self.declared.on_missing {
                OnMissing::Report => {}
                OnMissing::Rotate => return self.rotate(key, reason, REKEY_INSTEAD, role),
                OnMissing::Rekey if self.is_signer(key) => {
                    return self.problem(Some(key), format!("{reason}; {OWN_KEY}"));
                }
                OnMissing::Rekey => {
                    let changes = self.changes(key, &role);
                    let mut planned = self.with_role(Some(key), PlannedAction::Rekey, reason, role);
                    if planned.action == PlannedAction::Rekey {
                        planned.changes = changes;
                    }
                    return planned;
                }
            }
        }
        let changes = self.changes(key, &role);
        let locks = (changes.iter()).any(|one| one.field == "active" && one.to == false);
        if locks && self.is_signer(key) {
            return self.problem(Some(key), OWN_KEY);
        }
        let mut planned = self.with_role(Some(key), action_of(&changes), String::new(), role);
        planned.changes = changes;
        let is_known = |secret: &&SecretState| !self.names_unlisted_key(secret);
        let problems = self.secrets().iter().filter(is_known);
        planned.problems = problems.filter_map(SecretState::problem).collect();
        self.note_expiry(&mut planned);
        planned.notes.extend(self.unknown_secrets());
        planned
    }

    fn pending(&self, key: &'a ApiKey, mark: &FleetMark, role: PlannedRole) -> PlannedKey<'a> {
        if !may_be_delivered_soon(key, self.situation.now) {
            let reason = format!(
                "the run {} created the key and did not confirm the delivery of its secret",
                mark.operation
            );
            return self.with_role(Some(key), PlannedAction::Finish, reason, role);
        }
        match key.created() {
            Some(_) => self.problem(Some(key), OTHER_RUN),
            None => self.problem(Some(key), unconfirmed_delivery(key)),
        }
    }

    /// Plans a rotation. There are never three keys, so it waits until an earlier old key has expired. `instead` is what the user can do meanwhile.
    fn rotate(
        &self,
        key: &'a ApiKey,
        reason: String,
        instead: &str,
        role: PlannedRole,
    ) -> PlannedKey<'a> {
        if let Some(past) = self.past_expiry() {
            return self.problem(Some(key), past);
        }
        if let Some(old) = self.matched.retiring.first() {
            let until = old.expiry_date().map_or("never".to_owned(), format_time);
            let waits = format!(
                "{reason}; the rotation waits until the old key with ID {} has expired ({until}){instead}",
                old.id
            );
            return self.problem(Some(key), waits);
        }
        self.with_role(Some(key), PlannedAction::Rotate, reason, role)
    }

    /// Returns true if a secret that was not used names an ID that no listed key has. The number may not be the ID of a key.
    pub(super) fn names_unlisted_key(&self, secret: &SecretState) -> bool {
        match secret.presence {
            Presence::NamesOtherKey(id) => self.situation.listed.iter().all(|key| key.id != id),
            _ => false,
        }
    }

    /// Returns a note for each destination that could not be checked. A destination that no command can check is only in the JSON output, unless
    /// the secrets are used.
    pub(super) fn unknown_secrets(&self) -> impl Iterator<Item = String> {
        let reported = self.secrets().iter().filter(|secret| secret.is_reported);
        reported.filter_map(|secret| match &secret.presence {
            Presence::NamesOtherKey(_) if self.names_unlisted_key(secret) => secret.problem(),
            Presence::NotKnown(reason) => Some(format!(
                "the secret is not known: {}: {reason}",
                secret.place
            )),
            _ => None,
        })
    }

    /// Reports an expiry that comes soon and that no rotation prevents.
    fn note_expiry(&self, planned: &mut PlannedKey<'a>) {
        let expiry = planned.key.and_then(ApiKey::expiry_date);
        let changed = planned.changes.iter().any(|one| one.field == "expiryDate");
        if let Some(expiry) = expiry.filter(|_| !changed && self.declared.rotation.is_none())
            && expiry <= self.now().saturating_add(SOON)
        {
            let note = format!(
                "expires {}, and no rotation is declared",
                format_date(expiry)
            );
            planned.notes.push(note);
        }
    }
}

/// Returns the action for these changes. A change of one field has an action of its own if the field is the name or the lock.
fn action_of(changes: &[FieldChange]) -> PlannedAction {
    match changes {
        [] => PlannedAction::None,
        [only] if only.field == "keyName" => PlannedAction::Rename,
        [only] if only.field == "active" => match only.to.as_bool() {
            Some(true) => PlannedAction::Unlock,
            _ => PlannedAction::Lock,
        },
        _ => PlannedAction::Change,
    }
}

/// Returns the problem of a key whose delivery is not confirmed, if its age is unknown.
fn unconfirmed_delivery(key: &ApiKey) -> String {
    format!(
        "{NO_AGE}; if no run is working on the key, run `swp-keys delete-key {}`, then run `apply` again",
        key.id
    )
}

/// Returns the problem of a rotation whose old key was not retired, if the age of the new key is unknown.
fn unfinished_rotation(old: &ApiKey, new: &ApiKey) -> String {
    format!(
        "{NO_AGE}; if no run is working on the key, run `swp-keys delete-key {}` if its secret is not in use, or `swp-keys delete-key {}` if it is",
        new.id, old.id
    )
}

pub(super) fn several_keys(keys: &[&ApiKey]) -> String {
    let ids: Vec<String> = keys.iter().map(|key| key.id.to_string()).collect();
    format!(
        "several keys have this name (IDs {}); delete or rename the keys that are not in use",
        ids.join(", ")
    )
}

//! Determines whether the record of an interrupted run still shows unfinished work.
//!
//! The manager may show that another run has replaced the key of the record, or has delivered its secret. Then this run must not reset the secret of
//! that key, so the record is removed, and the declared key is planned as without a record. Without such a sign, the interrupted run is finished.

use super::changes::{ExpiryMatch, compare_expiry};
use super::matching::{FleetKeys, Matched};
use super::rotation_state::{is_renamed, is_retired_by_name, is_retired_within};
use super::situation::{InterruptedRun, RunState, Situation};
use crate::fleet::manifest::DeclaredKey;
use crate::journal::{Predecessor, Stage, Work};
use crate::manager::ApiKey;
use crate::mint::{FleetMark, is_like, is_ours};

/// How long after the last request of a run its key may be used by the run itself, in milliseconds: a run with `--verify` uses a new secret before it
/// delivers the secret.
pub(crate) const OWN_USE: i64 = 5 * 60 * 1000;

/// Returns true if a run for the declared key is in progress, or if an interrupted run is not finished.
pub(super) fn has_unfinished_run<'a>(
    declared: &'a DeclaredKey,
    matched: &Matched<'a>,
    fleet_keys: &FleetKeys<'a>,
    situation: &Situation<'a>,
) -> bool {
    let run = RecordedRun::of(declared, matched, fleet_keys, situation);
    let is_superseded = run.is_some_and(|run| run.superseded().is_some());
    situation.runs.contains_key(&declared.name) && !is_superseded
}

/// An interrupted run for a declared key, and what the manager shows of its key.
pub(super) struct RecordedRun<'a, 's> {
    run: &'s InterruptedRun,
    declared: &'a DeclaredKey,
    matched: &'s Matched<'a>,
    fleet_keys: &'s FleetKeys<'a>,
    situation: &'s Situation<'a>,
}

impl<'a, 's> RecordedRun<'a, 's> {
    /// Returns the interrupted run of the fleet for a declared key.
    pub(super) fn of(
        declared: &'a DeclaredKey,
        matched: &'s Matched<'a>,
        fleet_keys: &'s FleetKeys<'a>,
        situation: &'s Situation<'a>,
    ) -> Option<Self> {
        let Some(RunState::OfFleet(run)) = situation.runs.get(&declared.name) else {
            return None;
        };
        Some(Self {
            run,
            declared,
            matched,
            fleet_keys,
            situation,
        })
    }

    /// Returns the ID of the operation.
    pub(super) fn operation(&self) -> &'s str {
        &self.run.record.operation
    }

    /// Returns the key that the run worked on, or else the key that another run has created instead.
    pub(super) fn key(&self) -> Option<&'a ApiKey> {
        let live = || self.matched.live.iter().copied();
        let id = self.id();
        let own = id.and_then(|id| self.fleet_keys.with_id(id));
        let other = || live().find(|key| !self.is_predecessor(key));
        own.map(|(key, _)| *key)
            .or_else(other)
            .or_else(|| live().next())
    }

    /// Returns the reason if another run has superseded the interrupted run.
    pub(super) fn superseded(&self) -> Option<String> {
        let record = &self.run.record;
        if !self.run.has_same_signer {
            return None;
        }
        let Some(id) = self.id() else {
            let is_replaced =
                !self.run.may_be_in_flight && self.has_other_key() && !self.has_altered_marker();
            return is_replaced.then(|| "another run has created the key".to_owned());
        };
        let Some((key, mark)) = self.fleet_keys.with_id(id) else {
            if self.has_altered_marker() {
                return None;
            }
            if self.matched.strangers.iter().any(|key| key.id == id) {
                return Some(format!(
                    "the key with ID {id} no longer belongs to the fleet"
                ));
            }
            // The run did not finish its work, so the key is created again unless there is another one.
            let is_needed = record.work == Work::Create
                && !record.is_delivered()
                && !self.has_other_key()
                && self.matched.strangers.is_empty();
            return (!is_needed).then(|| format!("the key with ID {id} no longer exists"));
        };
        if self.fleet_keys.copied.contains(&id) {
            return None;
        }
        if record.work == Work::Create && mark.operation != record.operation {
            return Some(format!("the key with ID {id} has a new marker"));
        }
        if self.fleet_keys.has_successor(id) || is_renamed(key) {
            return Some(format!("a rotation has replaced the key with ID {id}"));
        }
        if !self.has_declared_name(key) {
            return Some(format!("the key with ID {id} was renamed"));
        }
        let is_confirmed = record.pending && !mark.pending;
        if is_confirmed || self.is_predecessor_retired(key) {
            return Some(format!("the secret of the key with ID {id} was delivered"));
        }
        (self.was_used_after_run(key) && record.progress.stage == Stage::Begun)
            .then(|| format!("the key with ID {id} was used after the run"))
    }

    /// Returns the ID of the key that the run worked on, if it is known.
    fn id(&self) -> Option<i64> {
        let record = &self.run.record;
        let created =
            (record.work == Work::Create).then(|| self.fleet_keys.of_operation(&record.operation));
        created.flatten().map(|(key, _)| key.id).or(record.key_id)
    }

    /// Returns true if a key has the operation ID of the run, but not the marker of a fleet. The manager may have altered the marker. The secret of
    /// this key may be unknown, and no other record or marker shows it.
    fn has_altered_marker(&self) -> bool {
        let is_altered = |key: &&ApiKey| {
            let mark = FleetMark::of(key.description().unwrap_or_default());
            is_ours(&self.run.record, key) && mark.is_none()
        };
        self.run.record.work == Work::Create && self.matched.strangers.iter().any(is_altered)
    }

    /// Returns true if the key was used so long after the last request of the run that the run itself did not use it.
    fn was_used_after_run(&self, key: &ApiKey) -> bool {
        let own_use = self.run.last_request.saturating_add(OWN_USE);
        key.last_sign_in().is_some_and(|used| used > own_use)
    }

    fn is_predecessor(&self, key: &ApiKey) -> bool {
        let old = self.run.record.predecessor.as_ref();
        old.is_some_and(|old| old.id == key.id)
    }

    /// Returns true if there is a key with the name that the interrupted run did not replace.
    fn has_other_key(&self) -> bool {
        let mut live = self.matched.live.iter();
        live.any(|key| !self.is_predecessor(key))
    }

    fn has_declared_name(&self, key: &ApiKey) -> bool {
        let declared = &self.declared.name;
        key.name()
            .is_none_or(|name| name == declared || is_like(declared, name))
    }

    /// Returns true if another run has retired the old key of a rotation, which it does only after the delivery of the successor's secret.
    fn is_predecessor_retired(&self, successor: &ApiKey) -> bool {
        let Some(Predecessor {
            id,
            given_name,
            overlap,
            ..
        }) = &self.run.record.predecessor
        else {
            return false;
        };
        let now = self.situation.now;
        let Some((old, _)) = self.fleet_keys.with_id(*id) else {
            // A deleted key does not show whether it was retired before.
            return self.was_used_after_run(successor);
        };
        match is_renamed(old) {
            // The interrupted run may have renamed the key itself, before it created the successor.
            true => {
                old.name() != given_name.as_deref() && is_retired_by_name(old, now) == Some(true)
            }
            // The old key may have expired before the rotation, or expire soon as declared.
            false => {
                let expiry = compare_expiry(self.declared.expires, old);
                matches!(expiry, ExpiryMatch::Different(_))
                    && old.expiry_date() > Some(self.run.last_request)
                    && is_retired_within(*overlap, old, successor, self.declared, now)
            }
        }
    }
}

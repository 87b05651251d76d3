//! The limits that `docs/transaction.md` lists, and the proof that a key falls under one of them. Each limit is counted separately.

use std::fmt;

use swp_keys::sandbox::{AnswerFields, ApiKey, StoredText};

use super::audit::Audit;
use super::conditions::RENAMED;
use super::families::{LATE, late_create};
use super::machines::zone;
use super::scenario::{CREATE, Naming};

/// A limit that explains why a key was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Limit {
    /// The manager processed the request after the settle time.
    Late,
    /// Nothing distinguishes the key from the key of a different run.
    Ambiguous,
    /// Two machines reset one key at the same time.
    TwoMachines,
    /// Not a documented limit: a repeated request created the key, and `list-keys` warns about the duplicate.
    Duplicate,
}

impl fmt::Display for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Late => "limit 1, worked on after the settle time",
            Self::Ambiguous => "limit 2, a key that cannot be distinguished from others",
            Self::TwoMachines => "limit 3, two machines at once",
            Self::Duplicate => "a duplicate that `list-keys` reports",
        })
    }
}

impl Audit<'_> {
    /// Returns the limit that provably explains why no run knows this key.
    pub(super) fn limit_of(&self, key: &ApiKey) -> Option<Limit> {
        let index = (0..self.runs.len()).find(|index| key.time_zone == zone(*index))?;
        if self.was_created_late(key, index) {
            Some(Limit::Late)
        } else if self.duplicates_a_delivered_key(key, index) {
            Some(Limit::Duplicate)
        } else if self.is_ambiguous(key, index)
            || self.accepted_wrong_response(index)
            || self.is_unmarked_duplicate(key)
        {
            Some(Limit::Ambiguous)
        } else {
            None
        }
    }

    /// Returns true if the scenario delays creates, and the key was created after the settle time of its run.
    fn was_created_late(&self, key: &ApiKey, index: usize) -> bool {
        let drawn = late_create();
        (self.scenario.faults.iter()).any(|fault| fault.starts_with(&drawn))
            && key.created >= self.runs[index].started + LATE
    }

    /// Returns true if the key duplicates a delivered one, and its run could not know: it did not search keys, or had no permission to.
    fn duplicates_a_delivered_key(&self, key: &ApiKey, index: usize) -> bool {
        let run = &self.scenario.runs[index];
        let looks = run.rotates || run.verify || run.naming != Naming::Default;
        let may_look = self.scenario.manager.session_keys.is_none();
        !(looks && may_look)
            && self.scenario.creates_duplicates()
            && self.duplicates_of(key).next().is_some()
    }

    fn duplicates_of<'a>(&'a self, key: &'a ApiKey) -> impl Iterator<Item = &'a ApiKey> {
        (self.keys.iter()).filter(move |other| {
            other.id != key.id
                && other.time_zone == key.time_zone
                && other.created.abs_diff(key.created) < 1000
                && self.works(other)
        })
    }

    /// Returns true if `list-keys` reports the key and its duplicate.
    pub(super) fn is_listed_as_duplicate(&self, key: &ApiKey) -> bool {
        let listed = self.testbed.machines[0].home.run(["list-keys"]);
        self.duplicates_of(key).any(|other| {
            let (low, high) = (key.id.min(other.id), key.id.max(other.id));
            listed.stderr.contains(&format!("IDs {low} and {high};"))
        })
    }

    /// Returns true if the key has neither its name nor its marker, and the response with its ID may have been lost. A key with `--no-mark` never has
    /// a marker. If its response went to a different run, that run's key may have the same name.
    fn is_ambiguous(&self, key: &ApiKey, index: usize) -> bool {
        let outcome = &self.runs[index];
        let run = &self.scenario.runs[index];
        let lost = outcome.was_killed()
            || !run.network_faults.is_empty()
            || (self.scenario.faults.iter()).any(|fault| fault.starts_with(CREATE));
        let renamed = key.name.as_deref() == Some(RENAMED);
        let exchanged = run.naming == Naming::Unmarked && self.scenario.confuses_keys();
        lost && (renamed || exchanged) && !self.shows_marker(key)
    }

    /// Returns true if the run may have accepted the response to a different request, because nothing contradicted it: the account may not search
    /// keys, or the manager drops the descriptions that contain the markers.
    fn accepted_wrong_response(&self, index: usize) -> bool {
        let outcome = &self.runs[index];
        let refused = (self.testbed.sandbox.requests().iter())
            .filter(|request| request.route() == CREATE)
            .filter(|request| String::from_utf8_lossy(&request.body).contains(zone(index)))
            .any(|request| request.status.is_some_and(|status| status / 100 == 4));
        let delivered = outcome.delivered();
        let took_anothers = (self.keys.iter())
            .any(|key| key.time_zone != zone(index) && delivered.contains(&key.secret));
        let cannot_search = self.scenario.manager.session_keys.is_some();
        let unmarked = self.scenario.manager.descriptions == StoredText::Dropped;
        self.scenario.confuses_keys()
            && ((refused && cannot_search) || (took_anothers && (cannot_search || unmarked)))
    }

    /// Returns true if a repeated request may have created the key, and the key shows no marker. A run treats one of two keys with the same name as
    /// the key of a different run.
    fn is_unmarked_duplicate(&self, key: &ApiKey) -> bool {
        self.scenario.creates_duplicates() && !self.shows_marker(key)
    }

    fn shows_marker(&self, key: &ApiKey) -> bool {
        let description = key.description.as_deref().unwrap_or_default();
        let describe = self.scenario.manager.answer_fields != AnswerFields::Sparse;
        describe && description.to_lowercase().contains("swp-keys")
    }

    /// Returns true if keys have no marker: the manager drops descriptions, or a run set none.
    pub(super) fn markers_are_lost(&self) -> bool {
        self.scenario.manager.descriptions == StoredText::Dropped
            || (self.scenario.runs.iter()).any(|run| run.naming == Naming::Unmarked)
    }
}

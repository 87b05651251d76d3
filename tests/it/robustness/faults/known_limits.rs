//! What no client can see, as the documentation of the transaction lists it, and how it is proved of a key that it is such a case. Each is
//! counted apart.

use std::fmt;

use swp_keys::sandbox::{AnswerFields, ApiKey, StoredText};

use super::audit::Audit;
use super::conditions::RENAMED;
use super::families::{LATE, late_create};
use super::machines::zone;
use super::scenario::{CREATE, Naming};

/// One of the three, and what a list of keys shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Limit {
    /// The request was worked on after the settle time.
    Late,
    /// Nothing tells the key from others.
    Ambiguous,
    /// Two machines gave one key a new secret at once.
    TwoMachines,
    /// No limit of these: a request that came twice made it, and `list-keys` warns of it.
    Duplicate,
}

impl fmt::Display for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Late => "limit 1, worked on after the settle time",
            Self::Ambiguous => "limit 2, a key that cannot be told from others",
            Self::TwoMachines => "limit 3, two machines at once",
            Self::Duplicate => "a twin that is listed as such",
        })
    }
}

impl Audit<'_> {
    /// Why no run could know of this key, if that can be proved.
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

    /// The fault that makes it late was drawn, and the key was created that much later than its run was started.
    fn was_created_late(&self, key: &ApiKey, index: usize) -> bool {
        let drawn = late_create();
        (self.scenario.faults.iter()).any(|fault| fault.starts_with(&drawn))
            && key.created >= self.runs[index].started + LATE
    }

    /// A create with a name of its own looks at no keys, nor does a sign-in that may not, and the other key of its request is delivered.
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

    /// Whether `list-keys` names the key and its twin.
    pub(super) fn is_listed_as_duplicate(&self, key: &ApiKey) -> bool {
        let listed = self.testbed.machines[0].home.run(["list-keys"]);
        self.duplicates_of(key).any(|other| {
            let (low, high) = (key.id.min(other.id), key.id.max(other.id));
            listed.stderr.contains(&format!("{low} and {high} "))
        })
    }

    /// Neither the name nor the mark is left of what was sent, and the answer that tells the ID may have been lost.
    fn is_ambiguous(&self, key: &ApiKey, index: usize) -> bool {
        let outcome = &self.runs[index];
        let run = &self.scenario.runs[index];
        let lost = outcome.was_killed()
            || !run.troubles.is_empty()
            || (self.scenario.faults.iter()).any(|fault| fault.starts_with(CREATE));
        let renamed = key.name.as_deref() == Some(RENAMED);
        lost && renamed && !self.shows_marker(key)
    }

    /// The response to the create belongs to a copy of the request, or to another run's request, and nothing contradicts it: this sign-in may
    /// not search keys, or the manager drops the descriptions that hold the marks. The run accepts such a response.
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

    /// One request made it and another key, and no mark shows whose they are: of two keys with one name, one is taken for another run's.
    fn is_unmarked_duplicate(&self, key: &ApiKey) -> bool {
        self.scenario.creates_duplicates() && !self.shows_marker(key)
    }

    fn shows_marker(&self, key: &ApiKey) -> bool {
        let description = key.description.as_deref().unwrap_or_default();
        let describe = self.scenario.manager.answer_fields != AnswerFields::Sparse;
        describe && description.to_lowercase().contains("swp-keys")
    }

    /// Whether nothing shows on the manager that a key is the run's: by the descriptions that it keeps, or by what the run asked for.
    pub(super) fn markers_are_lost(&self) -> bool {
        self.scenario.manager.descriptions == StoredText::Dropped
            || (self.scenario.runs.iter()).any(|run| run.naming == Naming::Unmarked)
    }
}

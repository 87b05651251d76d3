//! What is known before a plan is made.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::model::PlannedRole;
use crate::fleet::manifest::{DeclaredKey, DeclaredRole};
use crate::fleet::presence::SecretStates;
use crate::journal::Record;
use crate::manager::{ApiKey, LastUse};

/// What is known before the plan is made.
pub(crate) struct Situation<'a> {
    /// The name of the fleet.
    pub(crate) fleet: &'a str,
    /// The declared keys on this manager.
    pub(crate) declared: &'a [&'a DeclaredKey],
    /// The listed keys: all keys of the fleet, and all keys with a declared name.
    pub(crate) listed: &'a [ApiKey],
    /// The declared roles, or the reason why a role cannot be used.
    pub(crate) roles: &'a HashMap<RoleUse, Result<PlannedRole, String>>,
    /// The names of keys with unfinished runs on this machine.
    pub(crate) runs: &'a HashMap<String, RunState>,
    /// What is known of the secrets, by the name of the declared key. A key without an entry was not looked at.
    pub(crate) secrets: &'a SecretStates,
    /// True if the manager reports the last use of at least one key.
    pub(crate) reports_last_use: bool,
    /// The ID of the key that authenticates this run, if it is known.
    pub(crate) signer: Option<i64>,
    /// The manager's time.
    pub(crate) now: DateTime<Utc>,
    pub(crate) prune: Prune,
}

impl<'a> Situation<'a> {
    /// Returns the names of the declared keys.
    pub(super) fn names(&self) -> HashSet<&'a str> {
        let declared = self.declared.iter();
        declared.map(|key| key.name.as_str()).collect()
    }

    /// Returns true if the run with this operation ID was interrupted, and its record is on this machine.
    pub(super) fn is_interrupted(&self, operation: &str) -> bool {
        let is_it = |run: &RunState| matches!(run, RunState::OfFleet(of) if of.record.operation == operation);
        self.runs.values().any(is_it)
    }

    /// Returns what is known of the last use of a key. A missing time means that the key was never used, but only on a manager that reports the time
    /// for other keys.
    pub(super) fn last_use(&self, key: &ApiKey) -> LastUse {
        match key.last_use() {
            LastUse::NotShown if self.reports_last_use && !key.is_brief() => LastUse::Never,
            last_use => last_use,
        }
    }
}

/// A role and whether it may grant every right.
pub(crate) type RoleUse = (RoleKey, bool);

/// The name or the ID of a declared role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum RoleKey {
    Name(String),
    Id(i64),
}

/// The state of a run that left a record on this machine. If several runs worked on a key, the first of these states counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunState {
    InProgress,
    /// The run was interrupted, and it worked for a fleet with a different name or for no fleet. The value is its operation ID.
    Interrupted(String),
    /// A run for this fleet was interrupted.
    OfFleet(Box<InterruptedRun>),
}

impl RunState {
    /// Returns the position of the state in the order of importance.
    pub(crate) fn rank(&self) -> usize {
        match self {
            Self::InProgress => 0,
            Self::Interrupted(_) => 1,
            Self::OfFleet(_) => 2,
        }
    }
}

/// A run for this fleet that was interrupted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InterruptedRun {
    pub(crate) record: Record,
    /// The time of its last request for a secret, by the manager's clock, in milliseconds.
    pub(crate) last_request: i64,
    /// True if a request of the run may still be in flight.
    pub(crate) may_be_in_flight: bool,
    /// True if the run used the sign-in of this run. With a different sign-in, the keys may belong to a different tenant.
    pub(crate) has_same_signer: bool,
}

/// Whether keys of the fleet that the manifest does not declare are deleted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Prune {
    /// True for `--prune`.
    pub(crate) wanted: bool,
    /// The maximum number of keys to delete, from `--prune-at-most`.
    pub(crate) at_most: Option<usize>,
    /// True if keys that were used recently may be deleted, from `--prune-used`.
    pub(crate) used: bool,
}

impl RoleKey {
    /// Returns the role of a declared key.
    pub(crate) fn of(role: &DeclaredRole) -> Self {
        match role {
            DeclaredRole::Name(name) => Self::Name(name.clone()),
            DeclaredRole::Id(id) => Self::Id(*id),
        }
    }
}

//! Finds the keys on the manager that belong to a declared key.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::rotation_state::{has_expired, is_renamed, is_retired, is_retired_by_name, replaces};
use crate::fleet::manifest::DeclaredKey;
use crate::manager::{ApiKey, LastUse};
use crate::mint::{FleetMark, original_name};

/// The age at which the run that created a key no longer delivers its secret, in milliseconds.
const PENDING: i64 = 15 * 60 * 1000;

/// Returns true if the run that created the key may still deliver its secret. `now` is the manager's time.
pub(super) fn may_be_delivered_soon(key: &ApiKey, now: DateTime<Utc>) -> bool {
    let age = (key.created()).map(|created| now.timestamp_millis().saturating_sub(created));
    age.is_none_or(|age| age < PENDING)
}

/// The listed keys, by the fleet that they belong to.
pub(super) struct FleetKeys<'a> {
    /// The keys whose complete marker names the fleet, by ID.
    pub(super) ours: Vec<(&'a ApiKey, FleetMark)>,
    /// The IDs of keys of the fleet that have the same marker. A user has copied a description, so none of these keys is changed.
    pub(super) copied: HashSet<i64>,
    /// The keys of the fleet by their original names, which they had before a rotation renamed them.
    by_name: HashMap<&'a str, Vec<&'a ApiKey>>,
    /// All other keys by name.
    others: HashMap<&'a str, Vec<&'a ApiKey>>,
}

/// The keys that belong to one declared key.
pub(super) struct Matched<'a> {
    /// The keys of the fleet that have the name. Keys that a rotation has retired are left out.
    pub(super) live: Vec<&'a ApiKey>,
    /// The old keys of rotations that still work.
    pub(super) retiring: Vec<&'a ApiKey>,
    /// The old keys of rotations that have expired.
    pub(super) expired: Vec<&'a ApiKey>,
    /// The keys of the fleet with the former name, if no key has the name.
    pub(super) former: Vec<&'a ApiKey>,
    /// The keys with the name that do not belong to the fleet.
    pub(super) strangers: Vec<&'a ApiKey>,
}

impl<'a> FleetKeys<'a> {
    /// Divides the listed keys.
    pub(super) fn of(fleet: &str, listed: &'a [ApiKey]) -> Self {
        let mut ours = Vec::new();
        let mut others: HashMap<&str, Vec<&ApiKey>> = HashMap::new();
        for key in listed {
            match FleetMark::of(key.description().unwrap_or_default()) {
                Some(mark) if mark.fleet == fleet => ours.push((key, mark)),
                _ => {
                    let name = key.name().unwrap_or_default();
                    others.entry(name).or_default().push(key);
                }
            }
        }
        ours.sort_by_cached_key(|(key, _)| key.id);
        let mut by_name: HashMap<&str, Vec<&ApiKey>> = HashMap::new();
        for (key, _) in &ours {
            let name = key.name().map(original_name).unwrap_or_default();
            by_name.entry(name).or_default().push(*key);
        }
        let mut by_operation: HashMap<&str, Vec<i64>> = HashMap::new();
        for (key, mark) in &ours {
            by_operation
                .entry(&mark.operation)
                .or_default()
                .push(key.id);
        }
        let copied = by_operation
            .into_values()
            .filter(|ids| ids.len() > 1)
            .flatten()
            .collect();
        Self {
            ours,
            copied,
            by_name,
            others,
        }
    }

    /// Returns the marker of a key of the fleet.
    pub(super) fn mark(&self, id: i64) -> Option<&FleetMark> {
        self.with_id(id).map(|(_, mark)| mark)
    }

    /// Returns a key of the fleet and its marker.
    pub(super) fn with_id(&self, id: i64) -> Option<&(&'a ApiKey, FleetMark)> {
        let place = self.ours.binary_search_by_key(&id, |(key, _)| key.id);
        self.ours.get(place.ok()?)
    }

    /// Returns the key that an operation created.
    pub(super) fn of_operation(&self, operation: &str) -> Option<&(&'a ApiKey, FleetMark)> {
        let mut ours = self.ours.iter();
        ours.find(|(_, mark)| mark.operation == operation)
    }

    /// Returns true if a rotation has created a successor of this key.
    pub(super) fn has_successor(&self, id: i64) -> bool {
        let mut marks = self.ours.iter().map(|(_, mark)| mark);
        marks.any(|mark| mark.predecessor == Some(id))
    }

    /// Returns the keys of the fleet with this name, and the keys that had this name until a rotation renamed them.
    fn named(&self, name: &str) -> (Vec<&'a ApiKey>, Vec<&'a ApiKey>) {
        let found = self.by_name.get(original_name(name)).into_iter().flatten();
        let (exact, others): (Vec<_>, Vec<_>) =
            found.copied().partition(|key| key.name() == Some(name));
        let is_old = |key: &&ApiKey| is_renamed(key) && key.name().map(original_name) == Some(name);
        (exact, others.into_iter().filter(is_old).collect())
    }

    /// Returns the key of the fleet that this key replaces.
    fn predecessor_of(&self, successor: &ApiKey) -> Option<&'a ApiKey> {
        let id = self.mark(successor.id)?.predecessor?;
        self.with_id(id).map(|(key, _)| *key)
    }

    /// Returns the keys that belong to a declared key. `declared_names` has the names of all declared keys.
    pub(super) fn matching(
        &self,
        declared: &DeclaredKey,
        declared_names: &HashSet<&str>,
        now: DateTime<Utc>,
    ) -> Matched<'a> {
        let (mut all, named_before) = self.named(&declared.name);
        let newest = all.last().copied();
        // The rotation of a key that is renamed by `was` gives the new name to the successor only. If the old key has another name, a user has renamed it.
        // It is left alone if the successor is in use.
        if let Some((newest, old)) = newest.and_then(|new| Some((new, self.predecessor_of(new)?)))
            && !declared_names.contains(old.name().map(original_name).unwrap_or_default())
            && (is_named_by_rotation(old, declared) || !matches!(newest.last_use(), LastUse::At(_)))
        {
            all.insert(0, old);
        }
        // Each key of a chain of rotations may still work.
        let is_old = |key: &ApiKey| {
            all.iter().any(|successor| {
                successor.id != key.id
                    && replaces(successor, key)
                    && is_retired(key, successor, declared, now)
            })
        };
        let (retired, mut live): (Vec<_>, Vec<_>) =
            all.iter().copied().partition(|key| is_old(key));
        let (retiring, unfinished): (Vec<_>, Vec<_>) = retired
            .into_iter()
            .chain(named_before)
            .partition(|key| match newest {
                Some(newest) => !replaces(newest, key) || is_retired(key, newest, declared, now),
                None => is_retired_by_name(key, now).unwrap_or(true),
            });
        // The old key was renamed, but its expiry is not set: the rotation is not finished, or its successor was not created.
        live.splice(0..0, unfinished);
        live.sort_by_cached_key(|key| key.id);
        let former = match (&declared.was, live.is_empty()) {
            (Some(was), true) => self.named(was).0,
            _ => Vec::new(),
        };
        let strangers = self.others.get(declared.name.as_str()).cloned();
        let (expired, retiring) = (retiring.into_iter()).partition(|key| has_expired(key, now));
        Matched {
            live,
            retiring,
            expired,
            former,
            strangers: strangers.unwrap_or_default(),
        }
    }
}

/// Returns true if the old key of a rotation has the name that the rotation or the manifest gives it.
pub(super) fn is_named_by_rotation(old: &ApiKey, declared: &DeclaredKey) -> bool {
    let name = old.name();
    is_renamed(old) || name == Some(&declared.name) || name == declared.was.as_deref()
}

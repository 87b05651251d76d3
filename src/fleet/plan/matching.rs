//! Finds the keys on the manager that belong to a declared key.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::rotation_state::{has_expired, is_renamed, is_retired, is_retired_by_name, replaces};
use crate::fleet::manifest::DeclaredKey;
use crate::manager::ApiKey;
use crate::mint::{FleetMark, original_name};

/// The listed keys, by the fleet that they belong to.
pub(super) struct FleetKeys<'a> {
    /// The keys whose complete marker names the fleet, by ID.
    pub(super) ours: Vec<(&'a ApiKey, FleetMark)>,
    /// The IDs of keys of the fleet that have the same marker. Somebody has copied a description, so none of these keys is changed.
    pub(super) copied: HashSet<i64>,
    /// All other keys.
    others: Vec<&'a ApiKey>,
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
        let (mut ours, mut others) = (Vec::new(), Vec::new());
        for key in listed {
            match FleetMark::of(key.description().unwrap_or_default()) {
                Some(mark) if mark.fleet == fleet => ours.push((key, mark)),
                _ => others.push(key),
            }
        }
        ours.sort_by_key(|(key, _)| key.id);
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
            others,
        }
    }

    /// Returns the marker of a key of the fleet.
    pub(super) fn mark(&self, id: i64) -> Option<&FleetMark> {
        let found = self.ours.iter().find(|(key, _)| key.id == id);
        found.map(|(_, mark)| mark)
    }

    /// Returns the keys that belong to a declared key.
    pub(super) fn matching(&self, declared: &DeclaredKey, now: DateTime<Utc>) -> Matched<'a> {
        let named = |name: &str| -> Vec<&'a ApiKey> {
            let ours = self.ours.iter().map(|(key, _)| *key);
            ours.filter(|key| key.name() == Some(name)).collect()
        };
        let named_before: Vec<&'a ApiKey> = (self.ours.iter().map(|(key, _)| *key))
            .filter(|key| is_renamed(key))
            .filter(|key| key.name().map(original_name) == Some(&declared.name))
            .collect();
        let all = named(&declared.name);
        let newest = all.last().copied();
        let is_old = |key: &ApiKey| {
            newest.is_some_and(|newest| {
                newest.id != key.id
                    && replaces(newest, key)
                    && is_retired(key, newest, declared, now)
            })
        };
        let (retired, mut live): (Vec<_>, Vec<_>) = all.into_iter().partition(|key| is_old(key));
        let (retiring, unfinished): (Vec<_>, Vec<_>) = retired
            .into_iter()
            .chain(named_before)
            .partition(|key| match newest {
                Some(newest) => !replaces(newest, key) || is_retired(key, newest, declared, now),
                None => is_retired_by_name(key, now).unwrap_or(true),
            });
        // The old key was renamed, but its expiry is not set: the rotation is not finished, or its successor was not created.
        live.splice(0..0, unfinished);
        live.sort_by_key(|key| key.id);
        let former = match (&declared.was, live.is_empty()) {
            (Some(was), true) => named(was),
            _ => Vec::new(),
        };
        let strangers = self.others.iter().copied();
        let (expired, retiring) = (retiring.into_iter()).partition(|key| has_expired(key, now));
        Matched {
            live,
            retiring,
            expired,
            former,
            strangers: strangers
                .filter(|key| key.name() == Some(&declared.name))
                .collect(),
        }
    }
}

//! The keys of the fleet that the manifest does not declare.

use std::collections::HashSet;

use super::matching::FleetKeys;
use super::model::{PlannedAction, PlannedKey};
use super::rotation_state::{expired_long_ago, is_renamed, is_retired_by_name};
use super::situation::{Prune, Situation};
use crate::expiry::format_date;
use crate::manager::{ApiKey, LastUse};

/// How recently a key was used if it is not deleted without `--prune-used`, in milliseconds.
const RECENT: i64 = 7 * 24 * 60 * 60 * 1000;
/// The maximum number of keys that are deleted without `--prune-at-most`.
const MOST: usize = 25;

/// Plans the keys of the fleet that belong to no declared key. `seen` has the IDs of the keys that do, and `retired` has the IDs of expired keys
/// that rotations have replaced.
pub(super) fn plan<'a>(
    fleet_keys: &FleetKeys<'a>,
    seen: &HashSet<i64>,
    retired: &HashSet<i64>,
    situation: &Situation<'a>,
) -> Vec<PlannedKey<'a>> {
    let mut planned = Vec::new();
    for (key, mark) in &fleet_keys.ours {
        if seen.contains(&key.id) {
            continue;
        }
        let entry = |action, reason: String| PlannedKey::new(None, Some(*key), action, reason);
        let is_signer = situation.signer == Some(key.id);
        if fleet_keys.copied.contains(&key.id) {
            let reason = "another key of the fleet has the same marker, so neither key is changed";
            planned.push(entry(PlannedAction::Problem, reason.to_owned()));
        } else if situation.is_interrupted(&mark.operation) {
            let reason = format!(
                "not in the file, and the run that created the key was interrupted; run `swp-keys recover {0} --delete` to delete the key, or `swp-keys recover {0} --out-file FILE` to get its secret",
                mark.operation
            );
            planned.push(entry(PlannedAction::Problem, reason));
        } else if is_retired(key, situation) || retired.contains(&key.id) {
            if !expired_long_ago(key, situation.now) || is_signer {
                continue;
            }
            let expiry = key.expiry_date().map(format_date).unwrap_or_default();
            let reason = format!("a rotation retired the key, and it expired {expiry}");
            planned.push(entry(PlannedAction::Delete, reason));
        } else {
            planned.push(left_over(key, is_signer, situation));
        }
    }
    planned
}

/// Returns true if a rotation has renamed the key and set its expiry, and the key did not get a later expiry since then.
fn is_retired(key: &ApiKey, situation: &Situation<'_>) -> bool {
    is_renamed(key) && is_retired_by_name(key, situation.now) == Some(true)
}

fn left_over<'a>(key: &'a ApiKey, is_signer: bool, situation: &Situation<'a>) -> PlannedKey<'a> {
    let last_use = situation.last_use(key);
    let used = match last_use {
        LastUse::At(used) => format!("last used {}", format_date(used)),
        LastUse::Never => "never used".to_owned(),
        LastUse::NotShown => "last use not reported by the manager".to_owned(),
    };
    let entry = |action, reason: String| PlannedKey::new(None, Some(key), action, reason);
    let reason = format!("not in the file, {used}");
    if !situation.prune.wanted {
        return entry(PlannedAction::LeftOver, reason);
    }
    if is_signer {
        let reason = format!("{reason}; this run signs in with the key");
        return entry(PlannedAction::LeftOver, reason);
    }
    let last = match last_use {
        LastUse::At(used) => Some(used),
        LastUse::Never => key.created(),
        LastUse::NotShown => None,
    };
    let limit = situation.now.timestamp_millis().saturating_sub(RECENT);
    if !situation.prune.used && last.is_none_or(|last| last > limit) {
        let deleted = match last_use {
            LastUse::At(_) => "recently used keys",
            LastUse::Never => "recently created keys",
            LastUse::NotShown => "such keys too",
        };
        let reason = format!("{reason}; `--prune-used` deletes {deleted}");
        return entry(PlannedAction::LeftOver, reason);
    }
    PlannedKey {
        is_pruned: true,
        ..entry(PlannedAction::Delete, reason)
    }
}

/// Refuses to delete many keys at once, because the manifest may be incomplete. Returns the reason.
pub(super) fn refuse_many(
    keys: &mut [PlannedKey<'_>],
    fleet_keys: &FleetKeys<'_>,
    prune: Prune,
) -> Option<String> {
    let is_pruned = |key: &PlannedKey<'_>| key.action == PlannedAction::Delete && key.is_pruned;
    let count = keys.iter().filter(|key| is_pruned(key)).count();
    let limit = prune.at_most.unwrap_or(MOST.min(fleet_keys.ours.len() / 2));
    if count <= limit {
        return None;
    }
    for key in keys.iter_mut().filter(|key| is_pruned(key)) {
        key.action = PlannedAction::Problem;
        key.reason
            .push_str("; not deleted, because too many keys would be deleted");
    }
    Some(format!(
        "{count} of the {} keys of the fleet are not in the file; check the file, then allow it with `--prune-at-most {count}`",
        fleet_keys.ours.len()
    ))
}

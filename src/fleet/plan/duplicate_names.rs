//! Decides which of two keys of the fleet with the same name is deleted.
//!
//! Two runs on different machines may both have created the key. A key is deleted only if it was never used, and if the secret at every destination
//! belongs to the other key.

use super::matching::{FleetKeys, may_be_delivered_soon};
use super::rotation_state::{is_renamed, replaces};
use super::situation::Situation;
use crate::fleet::presence::{Presence, SecretState};
use crate::manager::{ApiKey, LastUse};

/// Returns true if the use of the secrets can show which of the keys is not needed.
pub(super) fn may_be_decided(
    keys: &[&ApiKey],
    fleet_keys: &FleetKeys<'_>,
    situation: &Situation<'_>,
) -> bool {
    let [one, two] = keys else {
        return false;
    };
    let is_settled = |key: &ApiKey| {
        let is_pending = fleet_keys.mark(key.id).is_none_or(|mark| mark.pending);
        !is_pending && !is_renamed(key) && !fleet_keys.copied.contains(&key.id)
    };
    one.name() == two.name()
        && !replaces(one, two)
        && !replaces(two, one)
        && keys.iter().all(|key| is_settled(key))
        && keys.iter().any(|key| is_unused(key, situation))
}

/// Returns true if the key was never used, and was not created a short time ago. The run that created a new key may still deliver its secret.
fn is_unused(key: &ApiKey, situation: &Situation<'_>) -> bool {
    situation.last_use(key) == LastUse::Never && !may_be_delivered_soon(key, situation.now)
}

/// Returns the key that is not needed, and the key that has the secrets at the destinations.
pub(super) fn unneeded<'a>(
    keys: &[&'a ApiKey],
    secrets: &[SecretState],
    fleet_keys: &FleetKeys<'_>,
    situation: &Situation<'_>,
) -> Option<(&'a ApiKey, &'a ApiKey)> {
    if !may_be_decided(keys, fleet_keys, situation) {
        return None;
    }
    let (first, rest) = secrets.split_first()?;
    let Presence::Works(Some(owner)) = first.presence else {
        return None;
    };
    let is_same = |state: &SecretState| state.presence == first.presence;
    let needed = keys.iter().find(|key| key.id == owner)?;
    let other = keys.iter().find(|key| key.id != owner)?;
    (rest.iter().all(is_same) && is_unused(other, situation)).then_some((*other, *needed))
}

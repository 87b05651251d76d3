//! Makes the plan for the keys on one manager.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::decision::Decision;
use super::leftovers;
use super::matching::FleetKeys;
use super::model::{Plan, PlannedKey};
use super::situation::Situation;

/// Makes the plan.
pub(crate) fn make<'a>(situation: &Situation<'a>) -> Plan<'a> {
    let fleet_keys = FleetKeys::of(situation.fleet, situation.listed);
    let mut labels: HashMap<i64, &str> = HashMap::new();
    for role in situation.roles.values().flatten() {
        labels.insert(role.id, &role.label);
    }
    let mut keys: Vec<PlannedKey<'a>> = Vec::with_capacity(situation.declared.len());
    let (mut seen, mut retired, mut hidden) = (HashSet::new(), HashSet::new(), BTreeSet::new());
    let names = situation.names();
    for declared in situation.declared.iter().copied() {
        let matched = fleet_keys.matching(declared, &names, situation.now);
        let used = [&matched.live, &matched.former, &matched.retiring];
        seen.extend(used.into_iter().flatten().map(|key| key.id));
        retired.extend(matched.expired.iter().map(|key| key.id));
        let mut decision = Decision {
            declared,
            matched: &matched,
            fleet_keys: &fleet_keys,
            situation,
            labels: &labels,
            hidden: Vec::new(),
        };
        keys.push(decision.decide());
        hidden.extend(decision.hidden);
    }
    let mut notes = Vec::new();
    if !hidden.is_empty() {
        notes.push(format!(
            "the manager does not report these fields of some keys, so they were not compared: {}",
            Vec::from_iter(hidden).join(", ")
        ));
    }
    keys.extend(leftovers::plan(&fleet_keys, &seen, &retired, situation));
    notes.extend(leftovers::refuse_many(
        &mut keys,
        &fleet_keys,
        situation.prune,
    ));
    let prunes = situation.prune.wanted;
    Plan {
        keys,
        notes,
        prunes,
    }
}

//! Determines which destinations a plan depends on, and which secrets may be used.

use super::absent::may_adopt;
use super::duplicate_names;
use super::matching::FleetKeys;
use super::situation::Situation;
use super::superseded::has_unfinished_run;
use crate::fleet::manifest::DeclaredKey;
use crate::fleet::presence::{KeyToLookAt, KeyToVerify};
use crate::manager::ApiKey;

/// A declared key whose destinations must be looked at.
pub(crate) struct LookedAt<'a> {
    declared: &'a DeclaredKey,
    /// The ID of the key. `None` if several keys have the name, and the plan depends on which of them has the secret at the destinations.
    id: Option<i64>,
    obstacle: Option<&'static str>,
    /// True if the key does not exist yet. Only the files are looked at, because the run replaces their content.
    is_new: bool,
}

impl<'a> LookedAt<'a> {
    /// Returns the declared keys whose destinations must be looked at.
    pub(crate) fn all(situation: &Situation<'a>) -> Vec<Self> {
        let keys = FleetKeys::of(situation.fleet, situation.listed);
        let names = situation.names();
        let declared = situation.declared.iter().copied();
        let looked_at = declared.filter_map(|declared| {
            let matched = keys.matching(declared, &names, situation.now);
            let all = [matched.live.as_slice(), &matched.former].concat();
            let has_run = has_unfinished_run(declared, &matched, &keys, situation);
            match all.as_slice() {
                [key] => Some(Self {
                    declared,
                    id: Some(key.id),
                    obstacle: match has_run {
                        true => Some("a run for this key is not finished"),
                        false => obstacle(key, &keys, situation),
                    },
                    is_new: false,
                }),
                [] => {
                    let is_adopted = |key: &&&ApiKey| may_adopt(declared, key);
                    let stranger = match matched.strangers.as_slice() {
                        [stranger] => Some(stranger).filter(is_adopted),
                        _ => None,
                    };
                    Some(Self {
                        declared,
                        id: stranger.map(|key| key.id),
                        obstacle: stranger.and_then(|key| obstacle(key, &keys, situation)),
                        is_new: stranger.is_none(),
                    })
                }
                several
                    if !has_run && duplicate_names::may_be_decided(several, &keys, situation) =>
                {
                    Some(Self {
                        declared,
                        id: None,
                        obstacle: None,
                        is_new: false,
                    })
                }
                _ => None,
            }
        });
        looked_at.collect()
    }

    /// Returns how the destinations are looked at. `verifies` is true if each secret is used.
    pub(crate) fn to_look_at(&self, verifies: bool) -> KeyToLookAt<'a> {
        KeyToLookAt {
            declared: self.declared,
            id: self.id,
            reads_secret: self.is_used(verifies),
            runs_command: !self.is_new,
        }
    }

    /// Returns how the secrets are used.
    pub(crate) fn to_verify(&self) -> KeyToVerify<'a> {
        KeyToVerify {
            name: &self.declared.name,
            id: self.id,
            obstacle: self.obstacle,
        }
    }

    /// Returns true if the secret is used. `verifies` is true if the user wants that, and otherwise the plan may depend on it.
    pub(crate) fn is_used(&self, verifies: bool) -> bool {
        !self.is_new && (verifies || self.id.is_none())
    }
}

/// Returns why the manager would reject even the correct secret, or why the secret may not be delivered yet.
fn obstacle(key: &ApiKey, keys: &FleetKeys<'_>, situation: &Situation<'_>) -> Option<&'static str> {
    match key.why_unusable(situation.now) {
        Some(obstacle) => Some(obstacle),
        None if keys.mark(key.id).is_some_and(|mark| mark.pending) => {
            Some("the delivery of the secret is not confirmed")
        }
        None => None,
    }
}

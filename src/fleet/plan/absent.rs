//! Plans a declared key that the fleet does not have: it is created, or an existing key is adopted.

use super::decision::{Decision, several_keys};
use super::model::{FieldChange, PlannedAction, PlannedKey, PlannedRole};
use crate::expiry::{Expiry, format_date};
use crate::fleet::manifest::{Adopt, DeclaredKey};
use crate::fleet::presence::{Presence, SecretState};
use crate::manager::ApiKey;
use crate::mint::{FleetMark, is_retiring};

impl<'a> Decision<'a, '_> {
    /// Plans a key that the fleet does not have.
    pub(super) fn absent(&mut self, role: PlannedRole) -> PlannedKey<'a> {
        match self.matched.strangers.as_slice() {
            [] => {
                if let Some(past) = self.past_expiry() {
                    return self.problem(None, past);
                }
                let expires = match self.declared.expires {
                    Expiry::Never => "never expires".to_owned(),
                    Expiry::At(time) => {
                        format!("expires {}", format_date(time.timestamp_millis()))
                    }
                    _ => format!("expires after {}", self.declared.expires_text),
                };
                let locked = match self.declared.locked {
                    Some(true) => ", locked",
                    _ => "",
                };
                let reason = format!("{}, {expires}{locked}", role.label);
                let planned = self.with_role(None, PlannedAction::Create, reason, role);
                PlannedKey {
                    notes: self.replaced_values().collect(),
                    ..planned
                }
            }
            [stranger] if may_adopt(self.declared, stranger) => self.adopt(stranger, role),
            [stranger] => {
                let owner = match FleetMark::of(stranger.description().unwrap_or_default()) {
                    Some(mark) => format!(
                        "a key of the fleet `{0}` has this name (ID {1}); `adopt = \"{0}\"` makes it a key of this fleet",
                        mark.fleet, stranger.id
                    ),
                    None => format!(
                        "a key that does not belong to the fleet has this name (ID {}); `adopt = true` makes it a key of this fleet",
                        stranger.id
                    ),
                };
                self.problem(Some(stranger), owner)
            }
            several => self.problem(None, several_keys(several)),
        }
    }

    /// Returns a note for each destination without the secret of an adopted key. Later plans report this as a problem.
    fn missing_after_adoption(&self) -> Vec<String> {
        let secrets = self.secrets().iter();
        let certain = secrets.filter(|secret| !self.names_unlisted_key(secret));
        let problems = certain.filter_map(SecretState::problem);
        let notes =
            problems.map(|problem| format!("{problem}; the next plan reports this as a problem"));
        notes.chain(self.unknown_secrets()).collect()
    }

    /// Plans the adoption of a key. Its secret is not changed, and it is not rotated in the same run.
    fn adopt(&mut self, stranger: &'a ApiKey, role: PlannedRole) -> PlannedKey<'a> {
        if let Some(past) = self.past_expiry() {
            return self.problem(Some(stranger), past);
        }
        let mut changes = self.changes(stranger, &role);
        let mut notes = self.missing_after_adoption();
        // The secret may be in use, so the key gets no expiry in the past. The next run rotates it.
        let is_past = |change: &FieldChange| {
            change.field == "expiryDate"
                && change
                    .to
                    .as_i64()
                    .is_some_and(|expiry| expiry <= self.now())
        };
        if changes.iter().any(is_past) {
            changes.retain(|change| !is_past(change));
            notes.push(format!(
                "the key is older than `expires = \"{}\"`, so its expiry is not changed; the next plan rotates it",
                self.declared.expires_text
            ));
        }
        let reason = format!("the existing key with ID {}", stranger.id);
        PlannedKey {
            changes,
            notes,
            ..self.with_role(Some(stranger), PlannedAction::Adopt, reason, role)
        }
    }

    /// Returns a note for each file that already has a value, which the secret of a new key replaces.
    fn replaced_values(&self) -> impl Iterator<Item = String> {
        let files = self.secrets().iter().filter(|secret| !secret.is_command);
        let with_value = files.filter(|secret| secret.presence == Presence::There);
        let replaced = with_value
            .map(|secret| format!("the secret replaces the present value: {}", secret.place));
        replaced.chain(self.renamed_keys())
    }

    /// Returns a note for each destination that has the secret of another key. A key of the fleet may have been renamed by hand.
    fn renamed_keys(&self) -> impl Iterator<Item = String> {
        let declared = |name: &str| self.situation.declared.iter().any(|key| key.name == name);
        self.secrets().iter().filter_map(move |secret| {
            let Presence::NamesOtherKey(id) = secret.presence else {
                return None;
            };
            let key = self.fleet_keys.with_id(id).map(|(key, _)| *key);
            let key = key.filter(|key| !is_retiring(key));
            let name = key.and_then(ApiKey::name).filter(|name| !declared(name));
            Some(match name {
                Some(name) => format!(
                    "the secret replaces the secret of the key `{name}` (ID {id}), which is not in the file; `was = \"{name}\"` renames that key instead: {}",
                    secret.place
                ),
                None => format!("the secret replaces the present value: {}", secret.place),
            })
        })
    }
}

/// Returns true if the manifest makes this key, which does not belong to the fleet, a key of the fleet.
pub(super) fn may_adopt(declared: &DeclaredKey, stranger: &ApiKey) -> bool {
    let mark = FleetMark::of(stranger.description().unwrap_or_default());
    match (&declared.adopt, mark) {
        (Adopt::Unowned, None) => true,
        (Adopt::FromFleet(name), Some(mark)) => mark.fleet == *name,
        _ => false,
    }
}

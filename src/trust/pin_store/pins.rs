//! The contents of the pin store. The file is read and written in `store.rs`.

use std::collections::BTreeMap;

use chrono::Utc;
use serde::Serialize;

use crate::manager::Pin;

/// The pins of one manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct KnownManager {
    /// The fingerprints of the public keys that are accepted for the manager. The list is never empty.
    #[serde(serialize_with = "as_texts")]
    pub(crate) pins: Vec<Pin>,
    /// The time when the manager's first public key was pinned, in RFC 3339 format.
    pub(crate) added: String,
}

fn as_texts<S: serde::Serializer>(pins: &[Pin], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(pins.iter().map(Pin::to_string))
}

/// The pins of all managers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct PinStore {
    /// Maps the `HOST:PORT` of each manager to its pins.
    pub(crate) managers: BTreeMap<String, KnownManager>,
}

impl PinStore {
    /// Adds pins for a manager.
    pub(crate) fn add(&mut self, host: &str, pins: &[Pin]) {
        let entry = self.managers.entry(host.to_owned());
        let known = entry.or_insert_with(|| KnownManager {
            pins: Vec::new(),
            added: Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        });
        for pin in pins {
            if !known.pins.contains(pin) {
                known.pins.push(*pin);
            }
        }
    }
}

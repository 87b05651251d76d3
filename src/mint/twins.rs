//! Twins: two keys that were created because a request was processed twice. They have the same marker.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::marker::last_mark;
use super::ownership::CLOSE;
use crate::manager::ApiKey;

/// The data that is kept for a key. It is small, because a list may be long.
#[derive(Clone, Copy)]
struct MarkedKey {
    id: i64,
    created: Option<i64>,
    used: bool,
    /// A hash of the name and the description.
    text_hash: u64,
}

/// The listed keys whose descriptions contain a marker.
#[derive(Default)]
pub(crate) struct Twins {
    by_mark: HashMap<u32, MarkedKey>,
    found: Vec<[MarkedKey; 2]>,
}

impl Twins {
    /// Adds a key from the list.
    pub(crate) fn look_at(&mut self, key: &ApiKey) {
        let description = key.description().unwrap_or_default();
        let Some(operation) = last_mark(key) else {
            return;
        };
        let Ok(operation) = u32::from_str_radix(&operation, 16) else {
            return;
        };
        let mut text_hash = DefaultHasher::new();
        (key.name(), description).hash(&mut text_hash);
        let seen = MarkedKey {
            id: key.id,
            created: key.created(),
            used: key.last_sign_in().is_some(),
            text_hash: text_hash.finish(),
        };
        if let Some(other) = self.by_mark.insert(operation, seen)
            && other.id != seen.id
            && other.is_twin_of(&seen)
        {
            self.found.push([other, seen]);
        }
    }

    /// Returns a warning for each pair of twins.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = String> {
        self.found.iter().map(|[one, other]| {
            let (first, second) = (one.id, other.id);
            let next = match (one.used, other.used) {
                (true, false) => format!("the one with the ID {second} was never used; delete it with `swp-keys delete-key {second}`"),
                (false, true) => format!("the one with the ID {first} was never used; delete it with `swp-keys delete-key {first}`"),
                _ => format!(
                    "delete the one whose secret you do not have (`swp-keys delete-key {first}` or `swp-keys delete-key {second}`)"
                ),
            };
            format!(
                "the keys with the IDs {first} and {second} were made by one request that was processed twice, and one secret was never \
                 delivered; {next}"
            )
        })
    }
}

impl MarkedKey {
    fn is_twin_of(&self, other: &Self) -> bool {
        let close = match (self.created, other.created) {
            (Some(one), Some(other)) => one.abs_diff(other) <= CLOSE,
            _ => true,
        };
        close && self.text_hash == other.text_hash
    }
}

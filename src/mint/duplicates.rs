//! Detects duplicate keys: keys with the same marker `[swp-keys OPERATION]` in their descriptions. Duplicates exist if the manager processed one
//! create request more than once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::marker::last_mark;
use super::ownership::CLOSE;
use crate::manager::ApiKey;

/// The data about a listed key. A hash replaces the name and the description, because the list may be long.
#[derive(Clone, Copy)]
struct MarkedKey {
    id: i64,
    created: Option<i64>,
    used: bool,
    /// A hash of the name and the description.
    text_hash: u64,
}

/// Finds pairs of duplicate keys in a list of keys. The two keys of a pair have the same operation ID.
#[derive(Default)]
pub(crate) struct Duplicates {
    by_mark: HashMap<u32, MarkedKey>,
    found: Vec<[MarkedKey; 2]>,
}

impl Duplicates {
    /// Adds a listed key.
    pub(crate) fn add(&mut self, key: &ApiKey) {
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
            && other.is_duplicate_of(&seen)
        {
            self.found.push([other, seen]);
        }
    }

    /// Returns a warning for each pair of duplicate keys.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = String> {
        self.found.iter().map(|[one, other]| {
            let (first, second) = (one.id, other.id);
            let next = match (one.used, other.used) {
                (true, false) => format!("the key with ID {second} was never used; run `swp-keys delete-key {second}` to delete it"),
                (false, true) => format!("the key with ID {first} was never used; run `swp-keys delete-key {first}` to delete it"),
                _ => format!(
                    "run `swp-keys delete-key {first}` or `swp-keys delete-key {second}` to delete the key whose secret you do not have"
                ),
            };
            format!(
                "the manager processed one create request twice and created the keys with IDs {first} and {second}; the secret of one of these keys \
                 was never delivered; {next}"
            )
        })
    }
}

impl MarkedKey {
    fn is_duplicate_of(&self, other: &Self) -> bool {
        let close = match (self.created, other.created) {
            (Some(one), Some(other)) => one.abs_diff(other) <= CLOSE,
            _ => true,
        };
        close && self.text_hash == other.text_hash
    }
}

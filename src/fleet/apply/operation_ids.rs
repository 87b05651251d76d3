//! The operation IDs in the markers of a fleet.

use std::cell::RefCell;
use std::collections::HashSet;

use crate::manager::ApiKey;
use crate::mint::FleetMark;
use crate::random;

/// The operation IDs of a fleet. An ID is used once, because two keys with the same marker could not be told apart.
pub(super) struct OperationIds(RefCell<HashSet<String>>);

impl OperationIds {
    /// Begins with the IDs in the markers of these keys.
    pub(super) fn of(keys: &[ApiKey]) -> Self {
        let marks = keys
            .iter()
            .filter_map(|key| FleetMark::of(key.description().unwrap_or_default()));
        Self(RefCell::new(marks.map(|mark| mark.operation).collect()))
    }

    /// Returns a new ID.
    pub(super) fn next(&self) -> String {
        loop {
            let id = random::hex(4);
            if self.0.borrow_mut().insert(id.clone()) {
                return id;
            }
        }
    }
}

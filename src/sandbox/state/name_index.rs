//! An index of names, so that a search for one name is fast even with a hundred thousand objects.

use std::collections::BTreeSet;

/// The IDs for each name, ignoring case. It is unknown whether a manager ignores case, so callers must compare the names themselves.
#[derive(Debug, Default)]
pub(crate) struct NameIndex {
    folded: BTreeSet<(String, i64)>,
}

impl NameIndex {
    pub(crate) fn insert(&mut self, name: &str, id: i64) {
        self.folded.insert((fold(name), id));
    }

    pub(crate) fn remove(&mut self, name: &str, id: i64) {
        self.folded.remove(&(fold(name), id));
    }

    /// Returns the IDs for this name, ignoring case, in ascending order.
    pub(crate) fn with(&self, name: &str) -> impl Iterator<Item = i64> {
        let name = fold(name);
        let same = (name.clone(), i64::MIN)..=(name, i64::MAX);
        self.folded.range(same).map(|(_, id)| *id)
    }
}

/// Returns the form of a name that is used for case-insensitive comparison.
pub(crate) fn fold(name: &str) -> String {
    name.to_lowercase()
}

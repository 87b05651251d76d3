//! An index of names. It makes the search for one name fast, even with a hundred thousand objects.

use std::collections::BTreeSet;

/// The IDs of the objects with each name. Names that differ only in upper and lower case have the same entry. It is unknown whether a real
/// manager ignores case, so callers must compare the names of the found objects themselves.
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

    /// Returns the IDs of the objects with this name, in ascending order. Upper and lower case count as equal.
    pub(crate) fn with(&self, name: &str) -> impl Iterator<Item = i64> {
        let name = fold(name);
        let same = (name.clone(), i64::MIN)..=(name, i64::MAX);
        self.folded.range(same).map(|(_, id)| *id)
    }
}

/// Returns a name in lower case, for a comparison that ignores case.
pub(crate) fn fold(name: &str) -> String {
    name.to_lowercase()
}

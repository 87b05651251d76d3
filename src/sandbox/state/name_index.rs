//! An index by name, which makes looking for one name as quick among a hundred thousand as among two.

use std::collections::BTreeSet;

/// Which IDs have a name, blind to case: whether case counts is an open question, so what is found here is looked at again.
#[derive(Debug, Default)]
pub(crate) struct Names {
    folded: BTreeSet<(String, i64)>,
}

impl Names {
    pub(crate) fn insert(&mut self, name: &str, id: i64) {
        self.folded.insert((fold(name), id));
    }

    pub(crate) fn remove(&mut self, name: &str, id: i64) {
        self.folded.remove(&(fold(name), id));
    }

    /// The IDs of everything that has this name in some case, in order.
    pub(crate) fn with(&self, name: &str) -> impl Iterator<Item = i64> {
        let name = fold(name);
        let same = (name.clone(), i64::MIN)..=(name, i64::MAX);
        self.folded.range(same).map(|(_, id)| *id)
    }
}

/// How two names are compared where case does not count.
pub(crate) fn fold(name: &str) -> String {
    name.to_lowercase()
}

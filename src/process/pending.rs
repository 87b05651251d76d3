//! Tracks the operations that an aborted run would leave unfinished.
//!
//! An operation on a key is added to the set before its first request. Dropping the guard of an operation removes the operation from the set, so an
//! early return cannot leave a stale entry. The set can contain operations on several keys of one or more managers at the same time.

use std::cell::{Cell, RefCell};

use crate::error::{Error, ErrorKind, Signal};

/// All operations in progress in this process.
#[derive(Default)]
pub(crate) struct PendingSet {
    entries: RefCell<Vec<PendingEntry>>,
    last_number: Cell<u64>,
    /// True if the run delivers the secrets of the keys that exist after the first signal, instead of rolling the keys back.
    finishes: Cell<bool>,
}

/// An operation on one key that an aborted run would leave unfinished.
pub(crate) struct PendingWork {
    description: String,
    key_id: Option<i64>,
    kind: PendingKind,
    hint: String,
}

/// The kind of operation. It determines what the run does after the first signal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PendingKind {
    /// A secret is being created, delivered or rolled back.
    Secret,
    /// A key is being changed or deleted. Repeating the operation is safe.
    Change,
}

struct PendingEntry {
    number: u64,
    work: PendingWork,
    /// The hint that replaces `work.hint` while a destination may have the secret.
    next_step: Option<String>,
}

/// The guard of an entry in a [`PendingSet`]. Dropping the guard removes the entry.
#[must_use]
pub(crate) struct PendingGuard<'a> {
    set: &'a PendingSet,
    number: u64,
}

impl PendingWork {
    /// Returns the pending operation for the creation and delivery of a secret. If the run is aborted, the error contains `description` (the state of
    /// the key) and `hint` (the next step for the user).
    pub(crate) fn secret(description: String, key_id: Option<i64>, hint: String) -> Self {
        Self {
            description,
            key_id,
            kind: PendingKind::Secret,
            hint,
        }
    }

    /// Returns the pending operation for the change or the deletion of a key. The user may safely repeat the operation.
    pub(crate) fn change(description: String, key_id: i64) -> Self {
        Self {
            description,
            key_id: Some(key_id),
            kind: PendingKind::Change,
            hint:
                "run `swp-keys show-key` to check the key, then repeat the command; repeating it is safe"
                    .to_owned(),
        }
    }
}

impl PendingSet {
    /// Adds an operation to the set. The operation stays in the set until the returned guard is dropped.
    pub(crate) fn add(&self, work: PendingWork) -> PendingGuard<'_> {
        let number = self.last_number.get() + 1;
        self.last_number.set(number);
        self.entries.borrow_mut().push(PendingEntry {
            number,
            work,
            next_step: None,
        });
        PendingGuard { set: self, number }
    }

    /// Records that the run finishes its operations after the first signal, instead of rolling them back.
    pub(crate) fn finish_after_signal(&self) {
        self.finishes.set(true);
    }

    /// Returns true if no operation is pending.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
    }

    /// Returns a phrase that tells the user what the run does after a first signal. Returns `None` if no operation is pending.
    pub(crate) fn meanwhile(&self) -> Option<&'static str> {
        let entries = self.entries.borrow();
        let kinds = || entries.iter().map(|entry| entry.work.kind);
        if kinds().any(|kind| kind == PendingKind::Secret) {
            return Some(match self.finishes.get() {
                true => "delivering the secrets of the keys that exist",
                false => "rolling back the operation in progress",
            });
        }
        kinds()
            .next()
            .map(|_| "waiting for the operation in progress")
    }

    /// Returns the error for a run that is aborted by a second signal. The error names the key of every pending operation.
    pub(crate) fn abort_error(&self, signal: Signal) -> Error {
        let entries = self.entries.borrow();
        if entries.is_empty() {
            return Error::interrupted(signal);
        }
        let descriptions: Vec<_> = (entries.iter())
            .map(|entry| entry.work.description.as_str())
            .collect();
        let mut hints: Vec<&str> = Vec::new();
        for entry in entries.iter() {
            let hint = entry.next_step.as_deref().unwrap_or(&entry.work.hint);
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        let message = format!(
            "interrupted before the outcome was known: {}",
            descriptions.join("; ")
        );
        let error = Error::new(ErrorKind::Attention, message).hint(hints.join("; "));
        match &entries[..] {
            [only] => only.work.key_id.into_iter().fold(error, Error::key),
            _ => error,
        }
    }

    fn edit(&self, number: u64, edit: impl FnOnce(&mut PendingEntry)) {
        let mut entries = self.entries.borrow_mut();
        if let Some(entry) = entries.iter_mut().find(|entry| entry.number == number) {
            edit(entry);
        }
    }
}

impl PendingGuard<'_> {
    /// Sets the key's ID and replaces the description. The caller calls this function when the ID becomes known.
    pub(crate) fn describe(&self, description: String, key_id: i64) {
        self.set.edit(self.number, |entry| {
            entry.work.description = description;
            entry.work.key_id = Some(key_id);
        });
    }

    /// Replaces the hint that is printed if the run is aborted. The old hint would be wrong, because a destination may have the secret from now on.
    pub(crate) fn set_next_step(&self, next_step: String) {
        (self.set).edit(self.number, |entry| entry.next_step = Some(next_step));
    }

    /// Removes the hint that `set_next_step` has set, because no destination has the secret any more.
    pub(crate) fn clear_next_step(&self) {
        self.set.edit(self.number, |entry| entry.next_step = None);
    }
}

impl Drop for PendingGuard<'_> {
    fn drop(&mut self) {
        let mut entries = self.set.entries.borrow_mut();
        entries.retain(|entry| entry.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(name: &str, hint: &str) -> PendingWork {
        let description = format!("the key `{name}` may have been created");
        PendingWork::secret(description, None, hint.to_owned())
    }

    #[test]
    fn an_aborted_run_reports_every_pending_key() {
        let set = PendingSet::default();
        let first = set.add(secret("one", "run `swp-keys recover`"));
        let second = set.add(secret("two", "run `swp-keys recover`"));
        first.describe("the key `one` (ID 1) has a secret".to_owned(), 1);
        second.set_next_step("check `two`".to_owned());
        let error = set.abort_error(Signal::Interrupt);
        let message = error.to_string();
        assert!(message.contains("`one` (ID 1)") && message.contains("`two`"));
        assert_eq!(error.key_id(), None);
        assert_eq!(
            error.next_step(),
            Some("run `swp-keys recover`; check `two`")
        );
        second.clear_next_step();
        let error = set.abort_error(Signal::Interrupt);
        assert_eq!(error.next_step(), Some("run `swp-keys recover`"));
        drop(second);
        assert_eq!(set.abort_error(Signal::Interrupt).key_id(), Some(1));
        drop(first);
        let error = set.abort_error(Signal::Interrupt);
        assert_eq!(error.kind(), ErrorKind::Interrupted(Signal::Interrupt));
    }

    #[test]
    fn a_pending_secret_is_rolled_back_after_the_first_signal_despite_pending_changes() {
        let set = PendingSet::default();
        assert_eq!(set.meanwhile(), None);
        let _change = set.add(PendingWork::change("the key may be changed".to_owned(), 1));
        assert_eq!(
            set.meanwhile(),
            Some("waiting for the operation in progress")
        );
        let _secret = set.add(secret("one", "hint"));
        assert_eq!(
            set.meanwhile(),
            Some("rolling back the operation in progress")
        );
    }
}

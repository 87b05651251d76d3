//! An answer to a create that is about another key than the one that was made: nothing of that is touched.

use super::likeness::is_like;
use super::ownership::{Bearer, marker_owner};
use super::{Failure, ownership};
use crate::error::{Error, ErrorKind};
use crate::journal::{Record, Work};
use crate::manager::ApiKey;

/// Where the answer is about a key that was there before: the one that is to be succeeded, say.
pub(super) fn known_before(record: &Record, key: &ApiKey) -> Option<Failure> {
    let known = record.work == Work::Create && record.existing_ids.contains(&key.id);
    known.then(|| {
        let failure = format!(
            "the manager's answer to a create is about the key with the ID {}, which was there before",
            key.id
        );
        Failure::Unresolved(Error::new(ErrorKind::Attention, failure).key(key.id))
    })
}

/// What an answer to a create shows of whose key it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// Ours, as far as it shows.
    Ours,
    /// Another run's: something in between has exchanged two answers.
    Another,
    /// It shows neither our name nor our mark. A manager may keep a name in any form, and not tell descriptions.
    Unknown,
}

pub(super) fn whose(record: &Record, key: &ApiKey) -> Whose {
    let name = key.name().unwrap_or(&record.key_name);
    let like_ours = name == record.key_name || is_like(&record.key_name, name);
    match marker_owner(record, key) {
        Bearer::Us => Whose::Ours,
        Bearer::Another => Whose::Another,
        Bearer::Nobody if like_ours => Whose::Ours,
        // If it tells descriptions, it tells the mark that was asked for.
        Bearer::Nobody if !record.marked || key.description().is_some() => Whose::Another,
        Bearer::Nobody => Whose::Unknown,
    }
}

/// Of an answer that is about the key of another run: that is neither delivered nor deleted.
pub(super) fn exchanged(record: &Record, key: &ApiKey) -> Failure {
    let message = format!(
        "the manager's answer to a create is about the key `{}`; it has the ID {}, and nothing shows that it is ours: it is not delivered, and \
         nothing is deleted",
        key.name().unwrap_or(&record.key_name),
        key.id
    );
    Failure::Unresolved(Error::new(ErrorKind::Attention, message).key(key.id))
}

/// Where nothing shows that the answer is about the key that was asked for: it is somebody's then, and stays.
pub(super) fn belongs_to_another_run(
    failure: &str,
    record: &Record,
    key: &ApiKey,
) -> Option<Failure> {
    let another = record.work == Work::Create
        && key.name().is_some_and(|name| name != record.key_name)
        && !ownership::is_ours(record, key);
    another.then(|| {
        let message = format!(
            "{failure}; it has the ID {}, and nothing shows that it is ours",
            key.id
        );
        Failure::Unresolved(Error::new(ErrorKind::Attention, message).key(key.id))
    })
}

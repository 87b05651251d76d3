//! An answer to a create that is about another key than the one that was made: nothing of that is touched.

use super::likeness::is_like;
use super::ownership::{self, Bearer, marker_owner};
use super::state::{Failure, Minted, Transaction, UndeliveredSecret};
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

/// The role of a key that was created, where it is another than was asked for.
fn other_role(record: &Record, key: &ApiKey) -> Option<i64> {
    let created = record.work == Work::Create;
    key.role_id()
        .filter(|role_id| created && record.role_id.is_some_and(|asked| asked != *role_id))
}

impl Transaction<'_> {
    /// Takes the secret out of an answer, if the answer is about the key that was asked for.
    pub(super) async fn accept(&self, mut key: ApiKey, record: &Record) -> Result<Minted, Failure> {
        let name = key.name().unwrap_or(&record.key_name).to_owned();
        if record.work == Work::Create
            && name != record.key_name
            && !ownership::is_ours(record, &key)
        {
            // Whether a manager keeps every name as it is sent is unknown (manager-api.md, section 11, no. 13).
            self.context.output.warn(&format!(
                "the manager names the key `{name}` (ID {}), and not `{}` as asked",
                key.id, record.key_name
            ));
        }
        let what = format!(
            "the key `{name}` (ID {}) has a secret that was not delivered",
            key.id
        );
        if let Some(pending) = &self.pending {
            pending.describe(what, key.id);
        }
        if let Some(role_id) = other_role(record, &key) {
            return Err(self.refuse_role(&key, role_id, record).await);
        }
        let Some(secret) = UndeliveredSecret::of(&mut key) else {
            let failure = "the manager's answer holds no secretKey";
            return Err(match belongs_to_another_run(failure, record, &key) {
                Some(end) => end,
                None => self.undo(key.id, record, failure).await,
            });
        };
        Ok(Minted {
            id: key.id,
            name,
            fields: key.fields(),
            expiry_date: key.expiry_date(),
            active: key.active(),
            secret,
            uncertain: false,
        })
    }

    /// A key that may do more than was asked for is a danger to whoever keeps it, and one that may do less is of no use: it is not
    /// handed over. Where nothing shows that the answer is about the key that was asked for, it is somebody's, and stays.
    async fn refuse_role(&self, key: &ApiKey, role_id: i64, record: &Record) -> Failure {
        let asked = record.role_id.unwrap_or_default();
        let failure = format!(
            "the manager's answer is about a key with the role ID {role_id}, and {asked} was asked for"
        );
        if let Some(end) = belongs_to_another_run(&failure, record, key) {
            return end;
        }
        match self.undo(key.id, record, &failure).await {
            Failure::RolledBack(error) => Failure::RolledBack(
                Error::new(ErrorKind::Unexpected, error.to_string())
                    .hint("ask whoever poll after the manager why it gives another role")
                    .key(key.id),
            ),
            open => open,
        }
    }
}

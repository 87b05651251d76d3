//! Responses about another key or another role than the one that was asked for. A key of another run is never touched.

use super::likeness::is_like;
use super::ownership::{self, MarkOwner, marker_owner};
use super::state::{Failure, Minted, Transaction, UndeliveredSecret};
use crate::error::{Error, ErrorKind};
use crate::journal::{Record, Work};
use crate::manager::ApiKey;

/// The failure if the response is about a key that was there before, such as the predecessor of a rotation.
pub(super) fn known_before(record: &Record, key: &ApiKey) -> Option<Failure> {
    let known = record.work == Work::Create && record.existing_ids.contains(&key.id);
    known.then(|| {
        let failure = format!(
            "the manager's response to a create is about the key with the ID {}, which was there before",
            key.id
        );
        Failure::Unresolved(Error::new(ErrorKind::Attention, failure).key(key.id))
    })
}

/// Attribution key a response to a create is about, as far as it shows that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attribution {
    /// Ours.
    Ours,
    /// Another run's: a proxy has exchanged two responses.
    AnotherRun,
    /// The response shows neither our name nor our marker. A manager may alter names and leave descriptions out.
    Unknown,
}

pub(super) fn attribute(record: &Record, key: &ApiKey) -> Attribution {
    let name = key.name().unwrap_or(&record.key_name);
    let like_ours = name == record.key_name || is_like(&record.key_name, name);
    match marker_owner(record, key) {
        MarkOwner::Us => Attribution::Ours,
        MarkOwner::Another => Attribution::AnotherRun,
        MarkOwner::None if like_ours => Attribution::Ours,
        // A response with descriptions shows the marker that was asked for.
        MarkOwner::None if !record.marked || key.description().is_some() => Attribution::AnotherRun,
        MarkOwner::None => Attribution::Unknown,
    }
}

/// The failure if the response is about the key of another run. That key is neither delivered nor deleted.
pub(super) fn exchanged(record: &Record, key: &ApiKey) -> Failure {
    let message = format!(
        "the manager's response to a create is about the key `{}`; it has the ID {}, and nothing shows that it is ours: it was not delivered, and \
         nothing was deleted",
        key.name().unwrap_or(&record.key_name),
        key.id
    );
    Failure::Unresolved(Error::new(ErrorKind::Attention, message).key(key.id))
}

/// The failure if nothing shows that the response is about the key that was asked for. The key may be another run's, so it stays.
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

/// Returns the role of a created key if it is not the role that was asked for.
fn other_role(record: &Record, key: &ApiKey) -> Option<i64> {
    let created = record.work == Work::Create;
    key.role_id()
        .filter(|role_id| created && record.role_id.is_some_and(|asked| asked != *role_id))
}

impl Transaction<'_> {
    /// Takes the secret out of a response, if the response is about the key that was asked for.
    pub(super) async fn accept(&self, mut key: ApiKey, record: &Record) -> Result<Minted, Failure> {
        let name = key.name().unwrap_or(&record.key_name).to_owned();
        if record.work == Work::Create
            && name != record.key_name
            && !ownership::is_ours(record, &key)
        {
            // It is unknown whether a manager keeps every name as it is sent (docs/manager-api.md, "Unknowns", no. 13).
            self.access.context.output.warn(&format!(
                "the manager named the key `{name}` (ID {}) instead of `{}`",
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
            let failure = "the manager's response has no secretKey";
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

    /// Refuses a key with another role. It could do more than was asked for, or less, so it is deleted. If nothing shows that the
    /// key is ours, it stays.
    async fn refuse_role(&self, key: &ApiKey, role_id: i64, record: &Record) -> Failure {
        let asked = record.role_id.unwrap_or_default();
        let failure =
            format!("the manager created a key with the role ID {role_id} instead of {asked}");
        if let Some(end) = belongs_to_another_run(&failure, record, key) {
            return end;
        }
        match self.undo(key.id, record, &failure).await {
            Failure::RolledBack(error) => Failure::RolledBack(
                Error::new(ErrorKind::Unexpected, error.to_string())
                    .hint("ask the administrators of the manager why it sets another role")
                    .key(key.id),
            ),
            open => open,
        }
    }
}

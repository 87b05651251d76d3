//! Finds the record of an interrupted rotation, and continues the rotation.

use crate::auth::session::Access;
use crate::keys::lookup::KeyRef;

use super::args::Args;
use super::report::NextStep;
use crate::error::{Error, ErrorKind};
use crate::expiry::format_time;
use crate::journal::{self, Entry, JournalEntry, Record};
use crate::manager::ApiKey;
use crate::mint;
use crate::mint::resume::{busy, find_abandoned_key, lost_name_race, same_signer, settle};
use crate::target::Target;

/// The record of an interrupted rotation.
pub(super) struct AbandonedRotation(Record);

impl AbandonedRotation {
    /// Finds the journal record of an interrupted rotation of the key `key_ref`. Only the journal is searched. On the manager, two keys or no key may
    /// have the name during a rotation.
    ///
    /// # Errors
    /// Returns an error if the process that started the rotation is still running.
    pub(super) fn find(key_ref: KeyRef<'_>, target: &Target) -> Result<Option<Self>, Error> {
        Self::find_where(target, |record, old| match key_ref {
            KeyRef::Id(id) => old == id || record.key_id == Some(id),
            KeyRef::Name(name) => record.key_name == name,
        })
    }

    /// Finds the journal record of an interrupted rotation in which this key is the old key or the new key.
    ///
    /// # Errors
    /// Returns an error if the process that started the rotation is still running.
    pub(super) fn of_key(key: &ApiKey, target: &Target) -> Result<Option<Self>, Error> {
        Self::find_where(target, |record, old| {
            old == key.id || record.key_id == Some(key.id) || mint::is_ours(record, key)
        })
    }

    fn find_where(
        target: &Target,
        matches: impl Fn(&Record, i64) -> bool,
    ) -> Result<Option<Self>, Error> {
        let manager = target.address.to_string();
        for entry in journal::unfinished().unwrap_or_default() {
            let (record, in_progress) = match entry {
                JournalEntry::Record(record) => (record, false),
                JournalEntry::InProgress(record) => (record, true),
                JournalEntry::Unreadable(..) => continue,
            };
            let Some(predecessor) = &record.predecessor else {
                continue;
            };
            let here =
                record.manager == manager && record.tenant.as_deref() == target.tenant_name();
            if !here || record.is_over() || !matches(&record, predecessor.id) {
                continue;
            }
            if in_progress {
                return Err(busy(&record.key_name));
            }
            return Ok(Some(Self(record)));
        }
        Ok(None)
    }

    /// Returns the ID of the operation.
    pub(super) fn operation(&self) -> &str {
        &self.0.operation
    }

    /// Returns true if only the expiry of the old key must still be set, because the secret was delivered. A secret on stdout may be lost. So if
    /// stdout is the destination, returns false, and this run creates a new secret.
    pub(super) fn needs_only_expiry(&self, args: &Args) -> bool {
        self.0.is_delivered() && !args.sinks.to_stdout()
    }

    /// Returns the next step of the rotation. `successor` is the ID of the new key, or `None` if the new key does not exist yet.
    pub(super) fn next_step(&self, successor: Option<i64>, args: &Args) -> NextStep {
        match successor {
            None => NextStep::Create,
            Some(id) if self.needs_only_expiry(args) => NextStep::Expiry(id),
            Some(id) => NextStep::NewSecret(id),
        }
    }

    /// Locks the journal record, so that only this run continues the rotation.
    ///
    /// # Errors
    /// Returns an error if the rotation was started with a different credential, or if another process is working on it.
    pub(super) fn take_over(&self, access: Access<'_>) -> Result<Entry, Error> {
        same_signer(&self.0, access)?;
        access.context.output.note(&format!(
            "continuing the rotation of the key `{}`, which was interrupted at {}",
            self.0.key_name,
            format_time(self.0.started)
        ));
        Entry::take_over(&self.0.operation)?.ok_or_else(|| busy(&self.0.key_name))
    }
}

/// Returns the ID of the new key that the interrupted run created, or `None` if the new key does not exist.
pub(super) async fn successor(entry: &Entry, access: Access<'_>) -> Result<Option<i64>, Error> {
    access
        .context
        .signals
        .cancel(find_abandoned_key(entry, access))
        .await
}

/// Returns the old key. If only the new key exists, returns the old key's data from the journal record. If neither key exists, returns `None`.
pub(super) async fn old_key(
    entry: &Entry,
    has_successor: bool,
    access: Access<'_>,
) -> Result<Option<ApiKey>, Error> {
    let record = &entry.record;
    let Some(predecessor) = &record.predecessor else {
        return Ok(None);
    };
    let request = async { Ok(access.signed_in.find_api_key(predecessor.id).await?) };
    let old = access.context.signals.cancel(request).await?;
    if old.is_some() || !has_successor {
        return Ok(old);
    }
    let gone = serde_json::json!({"ID": predecessor.id, "keyName": record.key_name, "roleID": record.role_id});
    Ok(serde_json::from_str(&gone.to_string()).ok())
}

/// Checks that no other rotation has replaced the old key since this rotation was interrupted.
///
/// # Errors
/// If another rotation has replaced the old key, deletes the new key of this rotation and returns a conflict error.
pub(super) async fn require_first(
    id: i64,
    entry: Entry,
    access: Access<'_>,
) -> Result<Entry, Error> {
    let record = &entry.record;
    if !lost_name_race(record, id, access).await? {
        return Ok(entry);
    }
    let message = format!(
        "a different run has already replaced the key `{}`",
        record.key_name
    );
    mint::delete_abandoned(access, record, id).await?;
    abandon(entry, access).await?;
    Err(Error::new(ErrorKind::Conflict, message))
}

/// Abandons the rotation: restores the name of the old key if this rotation changed it, and deletes the journal record.
pub(super) async fn abandon(entry: Entry, access: Access<'_>) -> Result<(), Error> {
    mint::restore_name(access, &entry.record).await?;
    settle(entry)
}

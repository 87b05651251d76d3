//! A rotation that was cut off: found by the key that is asked for, and told how far it had come.

use crate::keys::lookup::KeyRef;

use super::args::Args;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::expiry::format_time;
use crate::journal::{self, Entry, JournalEntry, Record};
use crate::manager::{ApiKey, SignedIn};
use crate::mint;
use crate::mint::resume::{
    announce_wait, busy, find_abandoned_key, lost_name_race, same_signer, settle,
};

/// The record of a rotation that was cut off.
pub(super) struct AbandonedRotation(Record);

impl AbandonedRotation {
    /// The one that a KEY means, by what stands in the records alone: a name may lead to two keys by now, or to none.
    ///
    /// # Errors
    /// Where its run lives.
    pub(super) fn find(wanted: KeyRef<'_>, context: &Context) -> Result<Option<Self>, Error> {
        Self::which(context, |record, old| match wanted {
            KeyRef::Id(id) => old == id || record.key_id == Some(id),
            KeyRef::Name(name) => record.key_name == name,
        })
    }

    /// The one that is about this key, or that made it.
    ///
    /// # Errors
    /// Where its run lives.
    pub(super) fn of_key(key: &ApiKey, context: &Context) -> Result<Option<Self>, Error> {
        Self::which(context, |record, old| {
            old == key.id || record.key_id == Some(key.id) || mint::is_ours(record, key)
        })
    }

    fn which(
        context: &Context,
        is_it: impl Fn(&Record, i64) -> bool,
    ) -> Result<Option<Self>, Error> {
        let manager = context.settings.address()?.to_string();
        let tenant = context.settings.tenant.as_ref();
        for found in journal::unfinished().unwrap_or_default() {
            let (record, lives) = match found {
                JournalEntry::Record(record) => (record, false),
                JournalEntry::InProgress(record) => (record, true),
                JournalEntry::Unreadable(..) => continue,
            };
            let Some(predecessor) = &record.predecessor else {
                continue;
            };
            let here = record.manager == manager
                && record.tenant.as_ref() == tenant.map(|tenant| &tenant.value);
            if !here || record.is_over() || !is_it(&record, predecessor.id) {
                continue;
            }
            if lives {
                return Err(busy(&record.key_name));
            }
            return Ok(Some(Self(record)));
        }
        Ok(None)
    }

    /// Whether the secret is where this run would put it, and only the end of the old key is to be set. Whoever reads stdout wants
    /// a secret from it, and what the run before wrote there may be lost.
    pub(super) fn only_the_end(&self, args: &Args) -> bool {
        self.0.is_delivered() && !args.sinks.to_stdout()
    }

    /// Works on it from now on.
    pub(super) fn take_over(
        &self,
        signed_in: &SignedIn,
        context: &Context,
    ) -> Result<Entry, Error> {
        same_signer(&self.0, signed_in)?;
        context.output.note(&format!(
            "the rotation of the key `{}` that was cut off at {} goes on",
            self.0.key_name,
            format_time(self.0.started)
        ));
        Entry::take_over(&self.0.operation)?.ok_or_else(|| busy(&self.0.key_name))
    }
}

/// The successor that the run made, if it is there.
pub(super) async fn successor(
    entry: &Entry,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Option<i64>, Error> {
    if entry.record.key_id.is_none() {
        announce_wait(entry, context);
    }
    context
        .signals
        .cancel(find_abandoned_key(entry, signed_in, context))
        .await
}

/// The key that is to be succeeded; none where it is gone. Where its successor is there, it does not matter whether it is.
pub(super) async fn old_key(
    entry: &Entry,
    succeeded: bool,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Option<ApiKey>, Error> {
    let record = &entry.record;
    let Some(predecessor) = &record.predecessor else {
        return Ok(None);
    };
    let looking = async { Ok(signed_in.find_api_key(predecessor.id).await?) };
    let old = context.signals.cancel(looking).await?;
    if old.is_some() || !succeeded {
        return Ok(old);
    }
    let gone = serde_json::json!({"ID": predecessor.id, "keyName": record.key_name, "roleID": record.role_id});
    Ok(serde_json::from_str(&gone.to_string()).ok())
}

/// Another rotation of the key was first: then this successor goes, as it would have, had its run lived.
pub(super) async fn must_be_first(
    id: i64,
    entry: Entry,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Entry, Error> {
    let record = &entry.record;
    if !lost_name_race(record, id, signed_in, context).await? {
        return Ok(entry);
    }
    let message = format!(
        "another run has put a key in the place of `{}`",
        record.key_name
    );
    mint::delete_abandoned(context, signed_in, record, id).await?;
    give_up(entry, signed_in, context).await?;
    Err(Error::new(ErrorKind::Conflict, message))
}

/// Another run has done it: what this one has done to the old key is taken back, as far as it is this one's.
pub(super) async fn give_up(
    entry: Entry,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<(), Error> {
    mint::restore_name(context, signed_in, &entry.record).await?;
    settle(entry)
}

//! The one transaction that makes a secret: prepared -> recorded -> asked -> minted -> delivered -> settled.
//!
//! No other room creates a key or resets a secret. The sinks are ready before anything else; the record is on disk, fsynced, before
//! the request leaves, and is removed when the work is settled. From "asked" to "settled" the run is not left: a signal is noticed,
//! and obeyed after the key was undone or delivered. What a crash (SIGKILL, power) leaves in each state, and who cleans it up:
//!
//! | state | on disk | on the manager | who cleans up |
//! | --- | --- | --- | --- |
//! | prepared | perhaps an empty temporary file beside a sink | nothing | nobody needs to |
//! | recorded, perhaps before signing in | the record | nothing | `recover` finds no key and drops the record |
//! | asked | the record | perhaps a key whose secret nobody has | `recover` re-keys or deletes it |
//! | minted | the record, perhaps a temporary file (0600) with the secret beside a sink | a key whose secret nobody has | `recover` re-keys or deletes it, and the file's secret is dead |
//! | delivered | the record, the secret in its place | the key | `recover`: a new secret takes the place of the delivered one |
//! | settled | the secret in its place | the key | nothing is left |
//!
//! **One name, many runs.** Where the user names the key, each run looks before creating and again after, and the key with the lowest
//! ID stays: whoever sees a lower one deletes its own and says that the name exists. It holds because the manager hands out IDs in
//! rising order: of two keys, the later one's run looks after both were created, so it sees the lower ID and goes; the run with the
//! lowest ID sees only higher ones and stays. It needs nothing of the manager but a search that shows what was created before, and
//! where the manager itself refuses a second key of one name, the others get that answer instead.
//!
//! **What is not undone.** A key that existed before (`--if-exists rekey`) is never deleted because its new secret could not be
//! delivered; its old secret is dead, so the record stays and says so.

mod another_key;
mod another_role;
mod hand_over;
mod outcome;
mod ownership;
mod proof;
mod recorded;
mod succession;
mod taking_back;

use std::cell::Cell;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::context::{Context, UnderWay, Unsettled};
use crate::delivery::{Sink, SinkArgs};
use crate::error::{Error, Kind};
use crate::journal::{self, Entry, Record, Work};
use crate::manager::{ApiKey, Cause, ManagerError, NewApiKey, SignedIn};
use crate::secret::Secret;

use outcome::{Created, Reset};
pub(crate) use ownership::{mark, marks, without_marks};
pub(crate) use proof::{Tried, try_key};
pub(crate) use recorded::{Ahead, Recorded, Writing, next_step};
pub(crate) use succession::{Retired, original_name, put_back, retire};
pub(crate) use taking_back::take_back;

/// How long a refusal is doubted that is not in the manager's form.
pub(crate) const REFUSAL_WAIT: Duration = Duration::from_secs(5);

/// Sinks that are ready; nothing was asked of the manager.
pub(crate) struct Prepared {
    sinks: Vec<Box<dyn Sink>>,
}

impl Prepared {
    /// Takes sinks that are ready. Delivering goes in this order, so one that cannot be taken back stands last.
    pub(crate) fn new(sinks: Vec<Box<dyn Sink>>) -> Self {
        Self { sinks }
    }

    /// Prepares the sinks that the command line names.
    ///
    /// # Errors
    /// Of usage, naming the flag at fault; of a signal.
    pub(crate) async fn ready(sinks: &SinkArgs, context: &Context) -> Result<Self, Error> {
        let format = context.output.format();
        let loose = context.settings.allow_loose_permissions;
        let sinks = sinks.prepare(format, loose, &context.interrupt).await?;
        Ok(Self::new(sinks))
    }

    /// The places, in words.
    pub(crate) fn places(&self) -> Vec<String> {
        self.sinks.iter().map(|sink| sink.place()).collect()
    }
}

/// A key that was delivered.
pub(crate) struct Delivered {
    /// Its ID.
    pub(crate) id: i64,
    /// The manager's object, without the secret.
    pub(crate) fields: Map<String, Value>,
    /// When it ends, by the manager's word.
    pub(crate) expiry_date: Option<i64>,
}

/// A secret that only this run has. It can be made here alone, and it ends in a place or with its key: one that is dropped
/// otherwise says so in a debug build.
struct FreshSecret {
    secret: Secret,
    settled: Cell<bool>,
}

impl FreshSecret {
    /// Takes it out of the answer to a create or a reset.
    fn of(key: &mut ApiKey) -> Option<Self> {
        key.take_secret().map(|secret| Self {
            secret,
            settled: Cell::new(false),
        })
    }
}

impl Drop for FreshSecret {
    fn drop(&mut self) {
        if cfg!(debug_assertions) && !self.settled.get() {
            log::error!("a fresh secret was dropped before it was delivered or its key undone");
        }
    }
}

/// A key whose secret only this run has.
struct Minted {
    id: i64,
    name: String,
    fields: Map<String, Value>,
    expiry_date: Option<i64>,
    secret: FreshSecret,
}

/// How the work ended that was not delivered.
enum End {
    /// Nothing is left of it.
    Settled(Error),
    /// Something may be left: the record stays.
    Open(Error),
}

/// One run of the transaction.
pub(crate) struct Mint<'a> {
    pub(crate) context: &'a Context,
    pub(crate) signed_in: &'a SignedIn,
    pub(crate) prepared: Prepared,
    /// What the document on stdout says beside the manager's fields.
    pub(crate) meta: &'a Value,
    /// Use the secret once before reporting success.
    pub(crate) verify: bool,
    /// It finishes what another run left.
    pub(crate) recovering: bool,
}

impl Mint<'_> {
    /// Creates a key and delivers its secret. A record that was put on disk ahead serves as its own.
    ///
    /// # Errors
    /// After each the key is gone, or the error and the record say that it may not be.
    pub(crate) async fn create(
        self,
        key: &NewApiKey,
        record: Record,
        ahead: Option<Ahead<'_>>,
    ) -> Result<Delivered, Error> {
        let context = self.context;
        let recorded = match ahead {
            Some(ahead) => ahead.begin(record)?,
            None => Recorded::put(record, context)?,
        };
        let (delivered, recorded) = self.create_recorded(key, recorded).await?;
        recorded.settle(context);
        Ok(delivered)
    }

    /// The same for a key with which the work is not over: its record stays until that is.
    pub(crate) async fn create_open(
        self,
        key: &NewApiKey,
        record: Record,
    ) -> Result<(Delivered, Recorded), Error> {
        let recorded = Recorded::put(record, self.context)?;
        self.create_recorded(key, recorded).await
    }

    /// The same once more, for a record that a run left which made no key.
    pub(crate) async fn create_again(
        self,
        key: &NewApiKey,
        mut entry: Entry,
    ) -> Result<(Delivered, Recorded), Error> {
        if let Err(error) = entry.change(Record::begin_again) {
            return Err(succession::not_noted(&error));
        }
        self.create_recorded(key, Recorded::Kept(entry)).await
    }

    async fn create_recorded(
        mut self,
        key: &NewApiKey,
        mut recorded: Recorded,
    ) -> Result<(Delivered, Recorded), Error> {
        self.context.set_unsettled(Some(Unsettled {
            what: format!("the key `{}` may have been created", key.key_name),
            key_id: None,
            work: UnderWay::Secret {
                recorded: recorded.parts().1,
            },
        }));
        let mut asked = self.ask(key, recorded.parts().0).await;
        if succession::name_is_taken(&asked, recorded.parts().0) {
            asked = match self.make_way(&mut recorded).await {
                Ok(()) => self.ask(key, recorded.parts().0).await,
                Err(end) => Err(end),
            };
        }
        let result = match asked {
            Ok(minted) => self.hand_over(minted, recorded.parts().0).await,
            Err(end) => Err(end),
        };
        self.close(recorded, result).await
    }

    /// Gives a key that exists a new secret and delivers that.
    ///
    /// # Errors
    /// After each the record says whether the old secret may be dead.
    pub(crate) async fn rekey(self, id: i64, record: Record) -> Result<Delivered, Error> {
        let context = self.context;
        let recorded = Recorded::put(record, self.context)?;
        let (delivered, recorded) = self.rekey_recorded(id, recorded).await?;
        recorded.settle(context);
        Ok(delivered)
    }

    /// The same for a key whose record a run left. The record stays.
    pub(crate) async fn finish(
        self,
        id: i64,
        entry: Entry,
    ) -> Result<(Delivered, Recorded), Error> {
        self.rekey_recorded(id, Recorded::Kept(entry)).await
    }

    async fn rekey_recorded(
        mut self,
        id: i64,
        recorded: Recorded,
    ) -> Result<(Delivered, Recorded), Error> {
        let (record, kept) = recorded.parts();
        let what = format!(
            "the key `{}` (ID {id}) may have a new secret that nobody has",
            record.key_name
        );
        self.context.set_unsettled(Some(Unsettled {
            what,
            key_id: Some(id),
            work: UnderWay::Secret { recorded: kept },
        }));
        let result = match self.reset(id, record).await {
            Ok(minted) => self.hand_over(minted, recorded.parts().0).await,
            Err(end) => Err(end),
        };
        self.close(recorded, result).await
    }

    async fn ask(&self, key: &NewApiKey, record: &Record) -> Result<Minted, End> {
        let asking = self.signed_in.create_api_key(key);
        let error = match journal::kept_young(record, asking).await {
            Ok(created) => return self.minted(created, record).await,
            Err(error) => error,
        };
        if error.nothing_was_done() {
            return Err(End::Settled(self.refused(error, record).await));
        }
        log::warn!("{error}; finding out what became of the key");
        // A 500 in the manager's own words is its last one: nothing is under way any more, so one look tells. A refusal in another
        // form may be the manager's as well, or come from something in between.
        let last_word = error.is_its_word() && *error.cause() == Cause::Rejected(500);
        let refused = last_word || error.looks_refused();
        let wait = match self.context.settings.settle_timeout {
            _ if last_word => Duration::ZERO,
            wait if refused => wait.min(REFUSAL_WAIT),
            wait => wait,
        };
        match outcome::of_create(self.signed_in, record, wait).await {
            Created::Ours(id) => self.reset(id, record).await,
            // A 500 in any form may be how a manager refuses a name that is taken, and in a rotation it is taken.
            Created::Not
                if refused
                    || record.predecessor.is_some() && *error.cause() == Cause::Rejected(500) =>
            {
                let error = self.refused(error, record).await;
                let message = format!("{error}; the key `{}` was not created", record.key_name);
                let plain = Error::new(error.kind(), message).http(error.http_status());
                Err(End::Settled(match error.key_id() {
                    Some(id) => plain.key(id),
                    None => plain,
                }))
            }
            Created::Not => Err(End::Settled(not_created(error.into(), record))),
            // Who may not create may well not look either, and is refused both in the same form.
            Created::MayNotLook(_) if error.looks_refused() => Err(End::Settled(error.into())),
            Created::MayNotLook(why) | Created::Unknown(why) => Err(End::Open(Error::new(
                Kind::Attention,
                format!(
                    "{error}; it is not known whether the key `{}` was created: {why}",
                    record.key_name
                ),
            ))),
        }
    }

    /// Why the manager refused. Which status it has for a name that is taken is unknown (manager-api.md, section 11, no. 7), so a look
    /// tells whether that is it: another run of the same name was first.
    async fn refused(&self, error: ManagerError, record: &Record) -> Error {
        let about_the_key = matches!(error.cause(), Cause::Rejected(_) | Cause::Forbidden);
        if !record.unique || !about_the_key {
            return error.into();
        }
        let found = self
            .signed_in
            .api_keys_named(&record.key_name)
            .await
            .unwrap_or_default();
        let same_name = |key: &&ApiKey| key.name() == Some(&record.key_name);
        let known = |key: &&ApiKey| record.existing_ids.contains(&key.id);
        // Another run's key says more than one that was known to be there.
        let other = (found.iter().filter(same_name).find(|key| !known(key)))
            .or_else(|| found.iter().find(same_name));
        match other {
            None => error.into(),
            Some(other) => Error::new(
                Kind::Conflict,
                format!(
                    "{error}; a key named `{}` exists already, with the ID {}",
                    record.key_name, other.id
                ),
            )
            .key(other.id),
        }
    }

    /// Gives the key a new secret, until the answer to that is here.
    async fn reset(&self, id: i64, record: &Record) -> Result<Minted, End> {
        let wait = self.context.settings.settle_timeout;
        // The run that left a record may have made a secret that nobody has.
        let uncertain = self.recovering;
        let failure = match outcome::of_reset(self.signed_in, record, id, wait, uncertain).await {
            Reset::Made(key) => return self.minted(key, record).await,
            Reset::Refused(error) if *error.cause() == Cause::NotFound => {
                return Err(End::Settled(Error::from(error).key(id)));
            }
            // The old secret of a key that existed before still works.
            Reset::Refused(error) if record.work == Work::Rekey => {
                return Err(End::Settled(Error::from(error).key(id)));
            }
            Reset::Refused(error) => error.to_string(),
            Reset::Unknown(why) => why,
        };
        if self.recovering {
            // What recovers nothing deletes nothing that it was not told to.
            let message = format!(
                "the key `{}` (ID {id}) got no new secret: {failure}",
                record.key_name
            );
            return Err(End::Open(Error::new(Kind::Attention, message).key(id)));
        }
        Err(self.undo(id, record, &failure).await)
    }

    async fn minted(&self, mut key: ApiKey, record: &Record) -> Result<Minted, End> {
        if let Some(end) = another_key::known_before(record, &key) {
            return Err(end);
        }
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
        self.context.name_unsettled(what, key.id);
        if let Some(role_id) = another_role::of(record, &key) {
            return Err(self.refuse_role(&key, role_id, record).await);
        }
        let Some(secret) = FreshSecret::of(&mut key) else {
            let failure = "the manager's answer holds no secretKey";
            return Err(match another_key::somebodys(failure, record, &key) {
                Some(end) => end,
                None => self.undo(key.id, record, failure).await,
            });
        };
        Ok(Minted {
            id: key.id,
            name,
            fields: key.fields(),
            expiry_date: key.expiry_date(),
            secret,
        })
    }

    /// Takes back what was made and nobody got: a key of this operation is deleted, one that existed before cannot be.
    async fn undo(&self, id: i64, record: &Record, failure: &str) -> End {
        let name = &record.key_name;
        if record.work == Work::Rekey {
            return End::Open(
                Error::new(
                    Kind::Attention,
                    format!("{failure}; the old secret of the key `{name}` (ID {id}) may be dead, and nobody has the new one"),
                )
                .key(id),
            );
        }
        match take_back(self.context, self.signed_in, id, name).await {
            Ok(()) => End::Settled(
                Error::new(Kind::Undelivered, format!("{failure}; the key `{name}` (ID {id}) was deleted again"))
                    .hint("mend what stands in the way, and run it again")
                    .key(id),
            ),
            Err(error) => End::Open(
                Error::new(
                    Kind::Attention,
                    format!("{failure}, and the key `{name}` (ID {id}) could not be deleted again: {error}"),
                )
                .key(id),
            ),
        }
    }

    /// The end: the record is removed, or it stays and the error says what to do with it. Where a key was delivered, it is for the
    /// caller to say when the work is over.
    async fn close(
        &self,
        recorded: Recorded,
        result: Result<Delivered, End>,
    ) -> Result<(Delivered, Recorded), Error> {
        let end = match result {
            Err(End::Settled(error)) => self.withdraw(recorded.parts().0, error).await,
            Err(end) => end,
            Ok(delivered) => {
                self.context.set_unsettled(None);
                return Ok((delivered, recorded));
            }
        };
        self.context.set_unsettled(None);
        match end {
            End::Settled(error) => {
                recorded.settle(self.context);
                Err(error)
            }
            End::Open(error) => Err(error.hint(next_step(recorded.parts().1))),
        }
    }
}

/// The manager has no such key, so a request that was lost on the way may be sent again.
fn not_created(error: Error, record: &Record) -> Error {
    let message = format!("{error}; the key `{}` was not created", record.key_name);
    Error::new(Kind::Unreachable, message)
        .http(error.http_status())
        .hint("run it again")
}

/// Deletes a key, and finds out whether that was done; whether it is gone, the caller sees.
pub(crate) async fn delete(
    context: &Context,
    signed_in: &SignedIn,
    id: i64,
    name: &str,
) -> Result<(), Error> {
    Ok(outcome::of_delete(signed_in, id, name, context.settings.settle_timeout).await?)
}

/// What became of a create whose record a run left: its key's ID, if it made one that is provably its own.
///
/// # Errors
/// Where that cannot be said; the record must stay.
pub(crate) async fn key_of(
    signed_in: &SignedIn,
    record: &Record,
    wait: Duration,
) -> Result<Option<i64>, Error> {
    match outcome::of_create(signed_in, record, wait).await {
        Created::Ours(id) => Ok(Some(id)),
        Created::Not => Ok(None),
        Created::MayNotLook(why) | Created::Unknown(why) => Err(Error::new(
            Kind::Attention,
            format!(
                "it is not known whether the key `{}` was created: {why}",
                record.key_name
            ),
        )),
    }
}

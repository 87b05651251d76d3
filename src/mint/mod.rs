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
//! | delivering | the record, perhaps the secret in its place | the key, whose secret may be in use | `recover`, if the operation is named, or the same `rotate-key` |
//! | delivered | the record, the secret in its place | the key | `recover` drops the record, or sets the end of an old key |
//! | settled | the secret in its place | the key | nothing is left |
//!
//! **Which key is ours.** By its ID first: it goes into the record as soon as an answer shows it (without a flush: after a power cut the key is
//! found by its mark). By its mark second: the operation's eight random digits are in the description of every key, unless `--no-mark` is
//! given, and in the name if the run makes that. The manager may alter letters, blanks and brackets, and people may rename keys, so all keys
//! above those that were there before are looked through (`lookup`). By its name last, which proves nothing. A key with another run's mark is
//! never re-keyed, delivered or deleted, whatever an answer claims.
//!
//! **Which answer is final.** A success is final if nothing shows that it is about another run's key. A refusal is not: it may answer the
//! second of two copies of a request. After each refusal of a request that was sent there is a look for our mark; a server error is doubted
//! like a lost answer, for the settle time. What is ours then gets a new secret and is delivered, or is deleted.
//!
//! **Requests that come twice** make twins, which bear one mark. A run that looks at keys anyway deletes the one that it does not deliver:
//! with `--name`, with `--verify`, in `exec`, in rotations, in `recover`, and after every lost answer. A plain create with a name of its own
//! does not look: `list-keys` warns of keys that bear one mark, from any machine. No note of it stays on this one.
//! A key with our mark but another name or description, or of another time, is no twin: somebody has copied a description. It stays.
//!
//! **How far it has come** stands at the head of the record, in fields of a fixed width that are overwritten through the descriptor that the
//! run holds, so that a full disk or a folder that takes nothing away keeps no run from noting it. The record says `delivering` before a
//! sink has the secret; if that cannot be noted, the secret is not delivered. It says `settled` before it is removed. A kill leaves what was
//! noted last. A power cut may leave an older note: then `recover` may make a new secret in the place of one that a run delivered in the
//! moment before, and that no run had reported as delivered yet.
//!
//! **New secrets for one key.** A run puts its record on disk, and then looks for other runs at work on the key, one at a time. So of
//! several in one state folder one goes on, and the others end before anything is asked. Each new secret of a key that existed before is
//! used once before it is delivered, and so is each that follows a lost request for one: a request that is worked on late, and a run on
//! another machine, are seen by that. After a lost request the wait is kept before the next one is sent.
//!
//! **One name, many runs.** If the user names the key, each run looks before creating and again after, and the key with the lowest
//! ID stays: a run that sees a lower one deletes its own and reports that the name exists. It holds because the manager hands out IDs in
//! rising order: of two keys, the later one's run looks after both were created, so it sees the lower ID and goes; the run with the
//! lowest ID sees only higher ones and stays. The condition is a search that shows, as soon as it shows a key, all keys with lower IDs: the
//! look after creating is repeated until it shows the run's own key, for the settle time at most, with a warning if it never does. If the
//! manager itself refuses a second key of one name, the others get that answer instead.
//!
//! **What no client can see.**
//! 1. A copy of a request that is worked on after the settle time, when nobody looks any more.
//! 2. A key that cannot be told from others: this sign-in may not search keys, or neither the name nor the mark shows of what was sent
//!    (`--no-mark` leaves only the name; a manager may drop descriptions or not show them; people rename keys). If the answer was lost, such
//!    a key is not found. If its request was worked on twice, one of the two keys is taken for another run's.
//! 3. Two machines that give one key a new secret at once. The manager names no holder of a secret, so the run that comes first may have
//!    used and delivered its secret, and reported success, before the second request is worked on. The secret of the last request works.
//!
//! **What is not undone.** A key that existed before (`--if-exists rekey`) is never deleted because its new secret could not be
//! delivered; its old secret is dead, so the record stays and says so.

mod abandoned_key;
mod another_role;
mod answer_check;
mod create;
mod deliver;
mod likeness;
mod lookup;
mod other_runs;
mod ownership;
pub(crate) mod poll;
mod reconcile;
mod record;
mod rekey;
pub(crate) mod resume;
mod retiring_name;
mod rollback;
mod rotation;
mod twins;

use std::cell::Cell;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::context::Context;
use crate::delivery::{Sink, SinkArgs};
use crate::error::{Error, ErrorKind};
use crate::journal::{Entry, Record, Work};
use crate::manager::{ApiKey, NewApiKey, SignedIn};
use crate::process::pending::{PendingGuard, PendingWork};
use crate::secret::Secret;

pub(crate) use crate::auth::key_check::{Tried, try_key};
pub(crate) use abandoned_key::{is_of_its_time, is_the_one, key_of};
pub(crate) use likeness::is_like;
pub(crate) use other_runs::{refuse_unfinished, same_signer};
pub(crate) use ownership::{is_ours, mark, markers, without_marks};
pub(crate) use record::{Ahead, RunRecord, Writing, next_step, pending_hint, refuse_too_long};
pub(crate) use retiring_name::{made_way_for, original_name};
use rollback::delete_all_confirmed;
pub(crate) use rollback::{delete_abandoned, delete_confirmed, delete_delivered};
pub(crate) use rotation::{Retired, expire_predecessor, restore_name};
pub(crate) use twins::Twins;

/// How long a refusal is doubted that is not in the manager's form.
pub(crate) const REFUSAL_WAIT: Duration = Duration::from_secs(5);

/// Sinks that are ready; nothing was asked of the manager.
pub(crate) struct PreparedSinks {
    sinks: Vec<Box<dyn Sink>>,
}

impl PreparedSinks {
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
        let sinks = sinks.prepare(format, loose, &context.signals).await?;
        let prepared = Self::new(sinks);
        refuse_too_long(&[], &prepared.places())?;
        Ok(prepared)
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
struct UndeliveredSecret {
    secret: Secret,
    settled: Cell<bool>,
}

impl UndeliveredSecret {
    /// Takes it out of the answer to a create or a reset.
    fn of(key: &mut ApiKey) -> Option<Self> {
        key.take_secret().map(|secret| Self {
            secret,
            settled: Cell::new(false),
        })
    }
}

impl Drop for UndeliveredSecret {
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
    /// Whether it may sign in, if the answer says so.
    active: Option<bool>,
    secret: UndeliveredSecret,
    /// A request for a secret of this key was lost before, and may be worked on late.
    uncertain: bool,
}

impl Minted {
    /// The key as its answer showed it.
    fn as_answered(&self) -> Option<ApiKey> {
        as_key(&self.fields)
    }
}

fn as_key(fields: &Map<String, Value>) -> Option<ApiKey> {
    serde_json::from_str(&Value::Object(fields.clone()).to_string()).ok()
}

/// How the work ended that was not delivered.
enum Failure {
    /// Nothing is left of it.
    RolledBack(Error),
    /// Something may be left: the record stays.
    Unresolved(Error),
}

/// One run of the transaction.
pub(crate) struct Transaction<'a> {
    context: &'a Context,
    signed_in: &'a SignedIn,
    prepared: PreparedSinks,
    /// The `meta` object of the JSON document.
    meta: &'a Value,
    /// Use the secret once before reporting success.
    verify: bool,
    /// It finishes the work of an earlier run.
    recovering: bool,
    /// The entry of this work in the set of pending work, from the first request to the end.
    pending: Option<PendingGuard<'a>>,
}

impl<'a> Transaction<'a> {
    /// A transaction that delivers to `prepared`; `meta` is the `meta` object of the JSON document.
    pub(crate) fn new(
        context: &'a Context,
        signed_in: &'a SignedIn,
        prepared: PreparedSinks,
        meta: &'a Value,
    ) -> Self {
        Self {
            context,
            signed_in,
            prepared,
            meta,
            verify: false,
            recovering: false,
            pending: None,
        }
    }

    /// Uses the secret once before it reports success, if `verify` is set.
    pub(crate) fn verify(self, verify: bool) -> Self {
        Self { verify, ..self }
    }

    /// Finishes the work of an earlier run.
    pub(crate) fn recovering(self) -> Self {
        Self {
            recovering: true,
            ..self
        }
    }
}

impl Transaction<'_> {
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
            None => RunRecord::put(record, context)?,
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
    ) -> Result<(Delivered, RunRecord), Error> {
        let recorded = RunRecord::put(record, self.context)?;
        self.create_recorded(key, recorded).await
    }

    /// The same once more, for a record that a run left which made no key.
    pub(crate) async fn create_again(
        self,
        key: &NewApiKey,
        mut entry: Entry,
    ) -> Result<(Delivered, RunRecord), Error> {
        if let Err(error) = entry.change(Record::begin_again) {
            return Err(rotation::not_noted(&error));
        }
        self.create_recorded(key, RunRecord::kept(entry)).await
    }

    async fn create_recorded(
        mut self,
        key: &NewApiKey,
        mut recorded: RunRecord,
    ) -> Result<(Delivered, RunRecord), Error> {
        let work = PendingWork::secret(
            format!("the key `{}` may have been created", key.key_name),
            None,
            pending_hint(recorded.parts().1),
        );
        self.pending = Some(self.context.pending.add(work));
        let mut asked = self.ask(key, &mut recorded).await;
        if rotation::name_is_taken(&asked, recorded.parts().0) {
            asked = match self.rename_predecessor(&mut recorded).await {
                Ok(()) => self.ask(key, &mut recorded).await,
                Err(end) => Err(end),
            };
        }
        let result = match asked {
            Ok(minted) => self.deliver(minted, &mut recorded).await,
            Err(end) => Err(end),
        };
        self.close(recorded, result).await
    }

    async fn minted(&self, mut key: ApiKey, record: &Record) -> Result<Minted, Failure> {
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
        if let Some(role_id) = another_role::of(record, &key) {
            return Err(self.refuse_role(&key, role_id, record).await);
        }
        let Some(secret) = UndeliveredSecret::of(&mut key) else {
            let failure = "the manager's answer holds no secretKey";
            return Err(
                match answer_check::belongs_to_another_run(failure, record, &key) {
                    Some(end) => end,
                    None => self.undo(key.id, record, failure).await,
                },
            );
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

    /// Takes back what was made and nobody got: a key of this operation is deleted, one that existed before cannot be.
    async fn undo(&self, id: i64, record: &Record, failure: &str) -> Failure {
        let name = &record.key_name;
        if record.work == Work::Rekey {
            return Failure::Unresolved(
                Error::new(
                    ErrorKind::Attention,
                    format!("{failure}; the old secret of the key `{name}` (ID {id}) may be dead, and nobody has the new one"),
                )
                .key(id),
            );
        }
        let taken_back = match self.recovering {
            true => delete_abandoned(self.context, self.signed_in, record, id).await,
            false => delete_all_confirmed(self.context, self.signed_in, record, id).await,
        };
        match taken_back {
            Ok(()) => Failure::RolledBack(
                Error::new(ErrorKind::Undelivered, format!("{failure}; the key `{name}` (ID {id}) was deleted again"))
                    .hint("mend what stands in the way, and run it again")
                    .key(id),
            ),
            Err(error) => Failure::Unresolved(
                Error::new(
                    ErrorKind::Attention,
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
        recorded: RunRecord,
        result: Result<Delivered, Failure>,
    ) -> Result<(Delivered, RunRecord), Error> {
        let end = match result {
            Err(Failure::RolledBack(error)) => self.withdraw(recorded.parts().0, error).await,
            Err(end) => end,
            Ok(delivered) => return Ok((delivered, recorded)),
        };
        match end {
            Failure::RolledBack(error) => {
                recorded.withdraw(self.context);
                Err(error)
            }
            Failure::Unresolved(error) => Err(error.hint(recorded.next_step())),
        }
    }
}

/// Deletes a key, and finds out whether that was done; whether it is gone, the caller sees.
pub(crate) async fn delete(context: &Context, signed_in: &SignedIn, id: i64) -> Result<(), Error> {
    Ok(reconcile::of_delete(signed_in, id, context.settings.settle_timeout).await?)
}

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

mod answer_check;
mod create_request;
mod deliver;
mod delivery_check;
mod likeness;
mod lookup;
mod other_runs;
mod ownership;
pub(crate) mod poll;
mod reconcile;
mod record;
mod reset_request;
pub(crate) mod resume;
mod retiring_name;
mod rollback;
mod rotation;
mod state;
mod transaction;
mod twins;

pub(crate) use likeness::is_like;
pub(crate) use other_runs::refuse_unfinished;
pub(crate) use ownership::{is_ours, mark, markers, without_marks};
pub(crate) use poll::REFUSAL_WAIT;
pub(crate) use record::{
    Flush, RunRecord, UnusedRecord, pending_hint, refuse_too_long, run_operation,
};
pub(crate) use retiring_name::{made_way_for, original_name};
pub(crate) use rollback::{delete, delete_abandoned, delete_delivered};
pub(crate) use rotation::{Retired, expire_predecessor, restore_name};
pub(crate) use state::{Delivered, PreparedSinks, Transaction};
pub(crate) use transaction::record_during;
pub(crate) use twins::Twins;

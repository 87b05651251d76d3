//! The one transaction that makes a secret: prepared, recorded, asked, minted, delivered, settled.
//!
//! No other module creates a key or resets a secret. [`transaction`] reads in this order. `docs/transaction.md` describes the faults and
//! what `recover` does about them. If the process dies in a state, this is left:
//!
//! | state | on disk | on the manager | cleaned up by |
//! | --- | --- | --- | --- |
//! | prepared | perhaps an empty temporary file beside a sink | nothing | nothing to do |
//! | recorded | the record | nothing | `recover` finds no key and removes the record |
//! | asked | the record | perhaps a key whose secret is lost | `recover` resets or deletes the key |
//! | minted | the record, perhaps a temporary file (0600) with the secret | a key whose secret was not delivered | the same |
//! | delivering | the record, perhaps the secret in its sink | the key, whose secret may be in use | `recover OPERATION` |
//! | delivered | the record, the secret in its sink | the key | `recover` removes the record, or sets the expiry of an old key |
//! | settled | the secret in its sink | the key | nothing to do |
//!
//! What the transaction guarantees:
//!
//! - **The record is first and last.** It is on disk, fsynced, before the request leaves, and is removed when nothing is left to be done.
//!   Between the two a signal is noted, and obeyed after the key was undone or delivered.
//! - **A key of another run is never touched.** A key is ours by its ID or by its marker. A name proves nothing.
//! - **Only a success is final.** A refusal may answer the second of two copies of a request, and a server error may follow a create
//!   that succeeded. So both are followed by a search for our marker.
//! - **A secret is delivered once it is safe.** The record says `delivering` before a sink has the secret. If that cannot be noted, the
//!   secret is not delivered. A new secret of a key that existed before is used once before it is delivered.
//! - **One key for each name.** If several runs create a key of one name, the key with the lowest ID stays.
//! - **An existing key is never deleted.** If its new secret cannot be delivered, the record stays and says so.

mod answer_check;
mod create_request;
mod deliver;
mod delivery_check;
mod likeness;
mod lookup;
mod marker;
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
pub(crate) mod transaction;
mod twins;
#[cfg(all(test, unix, feature = "sandbox"))]
mod two_targets;

pub(crate) use likeness::is_like;
pub(crate) use marker::{mark, markers, without_marks};
pub(crate) use other_runs::refuse_unfinished;
pub(crate) use ownership::is_ours;
pub(crate) use poll::REFUSAL_WAIT;
pub(crate) use record::{RunRecord, UnusedRecord, pending_hint, refuse_too_long};
pub(crate) use retiring_name::{made_way_for, original_name};
pub(crate) use rollback::{delete, delete_abandoned, delete_delivered};
pub(crate) use rotation::{Retired, expire_predecessor, is_requested_expiry, restore_name};
pub(crate) use state::{Delivered, PreparedSinks, Transaction};
pub(crate) use twins::Twins;

//! The transaction that creates a secret and delivers it. Its states are prepared, recorded, asked, minted, delivering, delivered and
//! settled.
//!
//! No other module creates a key or resets a secret. The methods in [`transaction`] go through these states in order. `docs/transaction.md`
//! describes the possible faults and how `recover` handles them. The table shows what is left behind if the process is killed in each
//! state:
//!
//! | state | on disk | on the manager | cleaned up by |
//! | --- | --- | --- | --- |
//! | prepared | perhaps an empty temporary file beside a destination file | nothing | nothing to do |
//! | recorded | the record | nothing | `recover` finds no key and removes the record |
//! | asked | the record | perhaps a key whose secret is lost | `recover` creates a new secret or deletes the key |
//! | minted | the record, perhaps a temporary file (0600) with the secret | a key whose secret was not delivered | the same |
//! | delivering | the record, perhaps the secret at its destination | the key, whose secret may be in use | `recover OPERATION` |
//! | delivered | the record, the secret at its destination | the key | `recover` removes the record, or sets the expiry of an old key |
//! | settled | the secret at its destination | the key | nothing to do |
//!
//! What the transaction guarantees:
//!
//! - **The record covers the request.** The record is on disk and fsynced before the request is sent, and is removed when no work is left.
//!   While the record is on disk, a signal stops the run only after the secret was delivered or the key was deleted.
//! - **Keys of other runs are never changed.** A run adds the marker `[swp-keys OPERATION]` to its key's description. The run recognizes
//!   its key by the ID or by the marker, and never by the name alone.
//! - **Only a success response is conclusive.** An error may be the response to a second copy of a request, and a server error may follow a
//!   successful create. So the run searches for a key with its marker after each error response.
//! - **A delivery is recorded first.** The stage `delivering` is written to the record before the secret is delivered. If this write fails,
//!   the secret is not delivered. The new secret of an existing key is used once to verify that it works before it is delivered.
//! - **One key per name.** If several runs create a key with the same name, all of these keys except the key with the lowest ID are
//!   deleted.
//! - **An existing key is never deleted.** If the new secret of an existing key cannot be delivered, the record is not removed, and the
//!   error reports the failed delivery.

mod answer_check;
mod create_request;
mod deliver;
mod delivery_check;
mod duplicates;
mod fleet_mark;
pub(crate) mod group;
mod likeness;
mod lookup;
mod marker;
mod name_restoration;
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
#[cfg(all(test, unix, feature = "sandbox"))]
mod two_targets;
mod unused_record;

pub(crate) use duplicates::Duplicates;
pub(crate) use fleet_mark::{FleetMark, is_fleet_name};
pub(crate) use likeness::is_like;
pub(crate) use marker::{mark, markers, without_marks};
pub(crate) use name_restoration::restore_name;
pub(crate) use other_runs::refuse_unfinished;
pub(crate) use ownership::is_ours;
pub(crate) use poll::REFUSAL_WAIT;
pub(crate) use record::{RunRecord, pending_hint, refuse_too_long};
pub(crate) use retiring_name::{
    is_retiring, made_way_for, original_name, retiring_end, retiring_name,
};
pub(crate) use rollback::{delete, delete_abandoned, delete_delivered};
pub(crate) use rotation::{Retired, expire_predecessor, is_requested_expiry};
pub(crate) use state::{Delivered, PreparedSinks, Transaction};
pub(crate) use unused_record::{StartedRecord, UnusedRecord};

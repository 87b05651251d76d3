//! Does what a plan says on one manager.
//!
//! The order is: interrupted work, changes, new keys, rotations, new secrets, deletions. Keys are deleted because of `--prune` only if everything
//! before it succeeded. New keys and successors are created in groups. The failure of one key does not stop the work on the others.

mod change;
mod creation;
mod deletion;
mod delivery_proof;
mod finish;
mod manager_run;
mod operation_ids;
mod places;
mod request;

pub(crate) use manager_run::{ApplyOptions, ManagerRun};

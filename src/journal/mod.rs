//! The records of unfinished operations on disk. `recover` uses them to finish or roll back what a killed run left behind.
//!
//! Each operation has one file in the folder `unfinished/` of the state folder. The file never contains a secret. The file and its folder
//! are flushed to disk before the first change is requested from the manager, and the file is removed when the outcome is known. The file
//! is locked while the run is alive. The operating system releases the lock when the process ends, so an unlocked record is abandoned. The
//! progress of the operation is overwritten in place ([`progress`]).

mod entry;
mod flushes;
mod folder;
mod listing;
pub(crate) mod notice;
mod progress;
mod record;
mod refresh;

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
#[cfg(test)]
mod tests;

pub(crate) use entry::{Entry, is_left_on_disk, is_too_long, is_unmarked};
pub(crate) use flushes::PendingFlushes;
pub(crate) use folder::{place, turn};
pub(crate) use listing::{JournalEntry, unfinished};
pub(crate) use progress::Stage;
pub(crate) use record::{Operation, Predecessor, Record, Work, has_room};
pub(crate) use refresh::{refresh, refresh_while};

//! The records of unfinished work on disk, from which `recover` finishes what a killed run left behind.
//!
//! Each operation has one file in the folder `unfinished/` of the state. It never contains a secret. The file and its folder are
//! flushed to disk before the manager is asked for anything, and the file is removed when the work is settled. As long as the run is
//! alive the file is locked. The operating system releases the lock when the process ends, which tells an abandoned record from one
//! in use. The progress of the work is overwritten in place ([`progress`]).

mod entry;
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
pub(crate) use folder::{flush, place, turn};
pub(crate) use listing::{JournalEntry, unfinished};
pub(crate) use progress::Stage;
pub(crate) use record::{Operation, Predecessor, Record, Work, has_room};
pub(crate) use refresh::{refresh, refresh_while};

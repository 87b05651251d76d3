//! The journal: records of unfinished operations on disk. From these records, `recover` finishes or rolls back the operations that a killed
//! run left unfinished.
//!
//! Each operation has one file in the journal folder, which is the subfolder `unfinished/` of the state folder. The file never contains a
//! secret. The file and its folder are flushed to disk before the run requests the first change from the manager. The file is removed when
//! the outcome is known. The run locks the file while it works on the operation. The operating system releases the lock when the process
//! ends, so an unlocked record is abandoned. The progress of the operation is overwritten in place ([`progress`]).

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
pub(crate) use folder::{flush, place, turn};
pub(crate) use listing::{JournalEntry, unfinished};
pub(crate) use progress::{Stage, read_boot_id};
pub(crate) use record::{Operation, Predecessor, Record, Work, has_room};
pub(crate) use refresh::{refresh, refresh_while};

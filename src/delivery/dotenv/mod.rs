//! Delivers the secret to one line of a dotenv file. The other lines, the comments and the mode of the file are not changed.
//!
//! The file is read again for the delivery, because it may have changed since the start of the run. The folder is locked from this read to the
//! rename, so that concurrent runs do not overwrite each other's lines. Other programs, such as editors, ignore the lock. For this reason, the file
//! is read once more just before the rename. If the file has changed, the edit is repeated. A withdrawal also takes the lock, and removes or restores
//! only the line that this run has set.

pub(crate) mod editor;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod sink;

pub(super) use sink::DotenvSink;

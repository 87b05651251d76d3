//! Delivers the secret to one line of a dotenv file. All other lines, comments and the mode of the file are kept.
//!
//! The file is read again for the delivery, because it may have changed since the sink was prepared. The folder is locked from this read to
//! the rename, so that concurrent runs do not overwrite each other's lines. Programs such as editors do not use the lock. For this reason,
//! the file is read again just before the rename. If it has changed, the edit is repeated. A withdrawal also takes the lock, and removes
//! only the line of this run.

pub(super) mod editor;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod sink;

pub(super) use sink::DotenvSink;

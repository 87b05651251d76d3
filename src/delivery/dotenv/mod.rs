//! One line of a dotenv file is set to the secret. The rest of the file, its order, its comments and its mode are kept.
//!
//! The file is read again when the secret exists, because it may have changed since the sink was prepared. The folder is locked from
//! reading to the rename, so that concurrent runs keep each other's lines. Programs that do not use the lock, such as editors, may still
//! interfere: the file is read once more just before the rename, and edited again if it has changed. Withdrawing takes the lock too, and
//! removes only the line of this run.

pub(super) mod editor;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod sink;

pub(super) use sink::DotenvSink;

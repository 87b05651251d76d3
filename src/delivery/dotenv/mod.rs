//! One line of a dotenv file: the name set to the secret, the rest of the file, its order, its comments and its mode kept.
//!
//! What is edited is what the file holds when the secret is there, not what it held when the sink was prepared. The folder is locked
//! from the look at it to the rename, so that of many runs at once each keeps the lines of the others. Programs that do not ask for the
//! lock, such as editors, can still be overtaken: the file is looked at once more just before the rename, and edited anew if it has
//! changed. Undoing takes the lock too, and takes back the line of this run alone.

pub(super) mod editor;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod sink;

pub(super) use sink::DotenvSink;

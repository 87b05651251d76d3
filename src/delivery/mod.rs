//! Where a secret can go. A sink is prepared before the manager is asked for anything, so that what can be found wrong is found
//! while there is nothing to lose; `mint.rs` delivers, and withdraws what it can where a later sink fails.
//!
//! | sink | what is there after | withdrawing |
//! | --- | --- | --- |
//! | `--out-file` | a file of its own, 0600 | removes it, or brings the replaced one back |
//! | `--dotenv` | one line of a file set | brings the line back as it was |
//! | `--github-output`, `--github-env` | an assignment at the end of the runner's file | cuts it off, or blanks it if more follows |
//! | `--deliver-cmd` | what the command did with its stdin | cannot be done |
//! | a program that is started then | its environment, or a pipe that it inherits | forgets it |
//! | stdout, where no other is given | the one document of the run | cannot be done |
//!
//! Several runs may write to one file: a lock is held from the look at it to the end of the write, and again for withdrawing; never
//! while the manager or a command is waited for.
//!
//! No HTTP is known here. Files and stdout are written here and nowhere else, as far as secrets go.

mod args;
mod child_process;
mod command;
pub(crate) mod dotenv;
mod file;
mod github;
mod stdout;
mod target_path;

pub(crate) use args::{SinkArgs, variable_name};
#[cfg(unix)]
pub(crate) use child_process::Pipe;
pub(crate) use child_process::{ChildChannel, ChildSecret};

use std::pin::Pin;

use serde_json::{Map, Value};

use crate::process::signals::Signals;
use crate::secret::Secret;

/// What is delivered.
pub(crate) struct Payload<'a> {
    /// The secret.
    pub(crate) secret: &'a Secret,
    /// The manager's object, without it.
    pub(crate) fields: &'a Map<String, Value>,
    /// What is added under `meta`.
    pub(crate) meta: &'a Value,
}

/// A delivery under way. Dropped before it is done, it may have happened or not.
pub(crate) type Delivering<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// A withdrawal under way.
pub(crate) type Withdrawing<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// A place that is ready to take a secret.
pub(crate) trait Sink {
    /// The place, in words.
    fn place(&self) -> String;

    /// Puts the secret there, for good. A signal hastens it where it may take long, and never leaves it half done.
    ///
    /// # Errors
    /// In words, why it is not there. What was done of it is undone then, or the words say what is left.
    fn deliver<'a>(&'a mut self, payload: &'a Payload<'a>, signals: &'a Signals) -> Delivering<'a>;

    /// Takes it away again. The sinks are withdrawn in the opposite order of their delivery: two may share a file.
    ///
    /// # Errors
    /// In words, why that cannot be done.
    fn withdraw(&mut self) -> Withdrawing<'_>;

    /// All sinks have it: what was kept for withdrawing is let go.
    fn settle(&mut self) {}
}

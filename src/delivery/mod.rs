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
mod sink;
mod stdout;
mod target_path;

pub(crate) use args::SinkArgs;
#[cfg(unix)]
pub(crate) use child_process::Pipe;
pub(crate) use child_process::{ChildChannel, ChildSecret};
pub(crate) use sink::{Payload, Sink};
pub(crate) use target_path::variable_name;

//! The destinations of a secret, called sinks. A sink is prepared before any request is sent, so that its problems are found while
//! nothing is at stake. `mint` delivers to all sinks, and withdraws what it can if one of them fails.
//!
//! | sink | result of delivery | how it is withdrawn |
//! | --- | --- | --- |
//! | `--out-file` | a file of its own, mode 0600 | the file is removed, or the replaced file restored |
//! | `--dotenv` | one line of a file is set | the line is restored |
//! | `--github-output`, `--github-env` | an assignment at the end of the runner's file | it is cut off, or blanked if more follows |
//! | `--deliver-cmd` | whatever the command did with its stdin | not possible |
//! | a program started afterwards | a variable of its environment, or a pipe that it inherits | the secret is dropped |
//! | stdout, if no other is given | the only document of the run | not possible |
//!
//! Several runs may write to one file. A lock is held from reading the file to the end of the write, and again for withdrawing, but
//! never while waiting for the manager or a command.
//!
//! Nothing here sends requests. Secrets are written to files and stdout only here.

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

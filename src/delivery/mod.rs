//! The destinations of a secret, called sinks. Each sink is prepared before any request is sent, so that problems are found before a secret is
//! created. `mint` delivers the secret to all sinks. If a delivery fails, `mint` withdraws the secret from the sinks that already have it and that
//! support a withdrawal.
//!
//! | sink | result of delivery | how it is withdrawn |
//! | --- | --- | --- |
//! | `--out-file` | a file that contains only the secret, mode 0600 | the file is removed, or the replaced file is restored |
//! | `--dotenv` | one line of a file is set | the line is restored |
//! | `--github-output`, `--github-env` | an assignment at the end of the runner's file | the assignment is removed, or overwritten with empty lines if more text follows |
//! | `--deliver-cmd` | the command has received the secret on its stdin | not possible |
//! | a program that `exec` starts afterwards | an environment variable, or a pipe that the program inherits | the secret is dropped |
//! | stdout, if no other sink is set | the output document | not possible |
//!
//! Several runs may write to the same file, so each run locks the file. The lock is held from the read to the end of the write, and again
//! during a withdrawal. The lock is not held during a request to the manager or while a command runs.
//!
//! This module sends no requests. No other module writes an API key's secret to stdout or to files that the user names.

mod args;
mod child_process;
mod command;
mod destination;
pub(crate) mod dotenv;
mod file;
mod github;
mod sink;
mod spec;
mod stdout;
mod target_path;

pub(crate) use args::{ReadablePlace, SinkArgs};
#[cfg(unix)]
pub(crate) use child_process::Pipe;
pub(crate) use child_process::{ChildChannel, ChildSecret};
pub(crate) use command::missing_program;
pub(crate) use destination::Destination;
pub(crate) use sink::{Payload, Sink};
pub(crate) use spec::SinkSpec;
pub(crate) use target_path::variable_name;

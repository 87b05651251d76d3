//! The command line: its parser, shell completion, and the call of each command.

pub(crate) mod command_line;
pub(crate) mod completion;
pub(crate) mod dispatch;
mod exit_codes;
mod help;
mod manual;
mod typed_line;
pub(crate) mod usage_error;

pub(crate) use command_line::{Cli, Command};

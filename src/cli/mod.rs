//! The command line: what can be typed, how it is parsed, and which command runs.

pub(crate) mod command_line;
pub(crate) mod completion;
pub(crate) mod dispatch;
pub(crate) mod usage_error;

pub(crate) use command_line::{Cli, Command};

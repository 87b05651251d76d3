//! The command line: usage errors and shell completion.

mod completion;
#[cfg(unix)]
mod help;
mod misplaced_secrets;
mod suggestions;
mod usage_error;

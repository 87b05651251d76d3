//! The command line: usage errors and shell completion.

mod completion;
mod misplaced_secrets;
mod usage_error;

//! Output, prompts and color.

mod color;
mod error_codes;
mod output;
mod prompts;
mod tables;
#[cfg(unix)]
mod workflow_commands;

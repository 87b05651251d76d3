//! Output, prompts and color.

mod color;
mod error_codes;
mod json_messages;
#[cfg(unix)]
mod lines;
mod output;
#[cfg(unix)]
mod progress;
mod prompts;
mod tables;
#[cfg(unix)]
mod workflow_commands;

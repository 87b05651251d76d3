//! Output, prompts and color.

mod color;
mod output;
mod prompts;
#[cfg(unix)]
mod workflow_commands;

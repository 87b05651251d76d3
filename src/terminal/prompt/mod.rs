//! Prompts the user. Prompts use the terminal directly, so that stdin and stdout can be pipes.

#[cfg(not(unix))]
mod console;
mod prompter;
mod reader_state;
#[cfg(unix)]
mod tty;
mod wrap;

#[cfg(all(test, unix))]
pub(crate) use prompter::tests;
pub(crate) use prompter::{Prompt, columns, rejection, restore_terminal};
pub(crate) use wrap::filled;

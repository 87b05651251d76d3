//! Prompts the user. A prompt reads from the terminal and writes to the terminal, so stdin and stdout may be pipes.

mod availability;
#[cfg(not(unix))]
mod console;
mod prompter;
mod reader_state;
#[cfg(unix)]
mod tty;

pub(crate) use availability::Prompt;
#[cfg(all(test, unix))]
pub(crate) use prompter::tests;
pub(crate) use prompter::{columns, rejection, restore_terminal};

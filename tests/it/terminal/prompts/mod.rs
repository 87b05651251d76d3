//! Prompts in a real terminal.

mod cancellation;
mod dialogs;

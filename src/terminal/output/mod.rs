//! The output: data goes to stdout, and everything else goes to stderr. With JSON output, each line on stderr is a JSON object.
//!
//! A run prints at most one document to stdout. In the format `jsonl`, a run may print several documents, one per line. The code that prints secrets
//! is in `delivery/`. [`safe`] and [`json_text`] make text from outside the program safe for a terminal.

mod deferred;
mod env_line;
mod escape;
mod format;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod message;
mod streams;
mod table;
mod wrap;

pub(crate) use env_line::{env_line, is_bare};
pub(crate) use escape::{is_plain, json_text, safe, without_leading_command};
pub(crate) use format::{Color, Format};
pub(crate) use message::{Level, MAX_LINE};
pub(crate) use streams::Output;
pub(crate) use table::{Cell, Column, Table, TableLayout, Tint};
pub(crate) use wrap::filled;

//! The output: data on stdout, everything else on stderr.
//!
//! stdout gets exactly one document or nothing; JSON lines have one document on each line. Secrets do not pass through here, because
//! `delivery/` writes them. Foreign text is made safe for a terminal by [`safe`] and [`json_text`].

mod deferred;
mod env_line;
mod escape;
mod format;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod streams;
mod table;

pub(crate) use env_line::{env_line, is_bare};
pub(crate) use escape::{is_plain, json_text, safe, without_leading_command};
pub(crate) use format::{Color, Format};
pub(crate) use streams::{MAX_LINE, Output};
pub(crate) use table::{pairs, table};

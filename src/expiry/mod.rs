//! The expiry of a key: parses the value of `--expires`, calculates the time in milliseconds, and formats times.

mod calendar;
mod format;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod parser;
#[cfg(test)]
mod tests;

pub(crate) use calendar::Span;
pub(crate) use format::{format_date, format_time, length, time_left};
pub(crate) use parser::{Expiry, time_zone};

//! `list-keys`: lists all keys, or only keys that match a filter.
//!
//! Text and JSON output is printed after the last page has arrived. JSON lines without `--sort` are printed page by page, so that only one page is in
//! memory. In this case, a failure to read a later page is reported only by the exit code and stderr, because some lines are already printed.

mod filter;
mod listing;
mod run;

pub(crate) use run::{Args, run};

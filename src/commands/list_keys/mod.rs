//! `list-keys`: lists all keys, or only keys that match a filter.
//!
//! Text and JSON output is printed after the last page has arrived. JSON lines without `--sort` are printed page by page, so that only one page is in
//! memory. If a later page cannot be read, some JSON lines are already printed, and only the exit code and stderr report the failure.

mod filter;
mod listing;
mod run;

pub(crate) use run::{Args, run};

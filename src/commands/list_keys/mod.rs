//! `list-keys`: lists all keys, or those that are unused, expire soon or are locked.
//!
//! Text and JSON are one document, which is printed after the last page arrived. JSON lines are printed page by page, so that a list of
//! any length needs the memory of one page. If a later page fails, the printed lines stay and the exit code reports the failure.

mod filter;
mod run;

pub(crate) use run::{Args, run};

//! `create-key`: finds the role, creates a key, and delivers its secret.

mod args;
mod plan;
mod report;

pub(crate) use args::Args;
pub(crate) use plan::run;

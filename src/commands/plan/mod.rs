//! `plan`: compares a manifest with the keys on the manager, and changes nothing.

mod args;
mod run;

pub(crate) use args::Args;
pub(crate) use run::run;

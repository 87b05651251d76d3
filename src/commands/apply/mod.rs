//! `apply`: makes the keys on the managers as a manifest declares them.

mod args;
mod confirmation;
mod run;
mod work;

pub(crate) use args::Args;
pub(crate) use run::run;

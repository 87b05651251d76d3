//! `recover`: finishes or undoes the work of interrupted runs. It is safe to repeat the command.

mod args;
mod confirmation;
mod key;
mod result;
mod rotation;
mod run;
mod selection;

pub(crate) use args::Args;
pub(crate) use run::run;

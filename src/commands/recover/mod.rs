//! `recover`: finish or undo what an interrupted run left. Running it again does no harm.

mod args;
mod confirmation;
mod key;
mod rotation;
mod run;
mod selection;

pub(crate) use args::Args;
pub(crate) use run::run;

//! `sandbox`: runs a simulated manager on a loopback address, to try out commands or pipelines.

mod args;
mod child;
mod environment;
mod files;
mod run;
mod settings;

pub(crate) use args::Args;
pub(crate) use run::run;

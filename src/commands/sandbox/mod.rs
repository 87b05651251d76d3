//! `sandbox`: a simulated manager on loopback, to try things out and to test pipelines.

mod args;
mod child;
mod environment;
mod run;
mod settings;

pub(crate) use args::Args;
pub(crate) use run::run;

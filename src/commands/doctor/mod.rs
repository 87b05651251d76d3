//! `doctor`: checks the settings, the connection and, on request, the sign-in. It changes nothing and never asks whether to trust a manager.

mod args;
mod checkup;
mod connection;
mod finding;
mod local;
mod manager;
mod report;
mod rights;
mod run;

pub(crate) use args::Args;
pub(crate) use run::run;

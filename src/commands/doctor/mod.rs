//! `doctor`: checks the settings, the connection and, on request, the sign-in. The command changes nothing, and never asks the user to trust a
//! certificate.

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

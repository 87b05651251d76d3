//! `rotate-key`: replaces a key by a successor and lets the old key expire, or gives the key a new secret.

mod args;
mod in_place;
mod report;
mod resume;
mod rotation;
mod run;
mod successor;

pub(crate) use args::Args;
pub(crate) use run::run;

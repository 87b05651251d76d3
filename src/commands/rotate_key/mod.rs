//! `rotate-key`: a successor takes the place of a key, and the old one retires by itself; or the key gets a new secret.

mod args;
mod in_place;
mod report;
mod resume;
mod rotation;
mod run;
mod successor;

pub(crate) use args::Args;
pub(crate) use run::run;

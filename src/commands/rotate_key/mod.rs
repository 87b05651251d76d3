//! `rotate-key`: replaces a key with a new key, after which the old key expires, or replaces only the secret of a key.

mod args;
mod in_place;
mod report;
mod resume;
mod rotation;
mod run;
mod successor;

pub(crate) use args::Args;
pub(crate) use run::run;

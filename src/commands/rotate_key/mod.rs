//! `rotate-key`: creates a new key and lets the old key expire. With `--in-place` or `--current`, replaces only the secret of a key.

mod args;
mod in_place;
mod report;
mod resume;
mod rotation;
mod run;
mod successor;

pub(crate) use args::Args;
pub(crate) use run::run;

//! Reports errors of the argument parser. A message does not repeat an unexpected value, because it may be a password in the wrong place (`swp-keys
//! create hunter2`).

mod exit;
mod origin;
mod suggestion;
mod unexpected;

pub(crate) use exit::exit;

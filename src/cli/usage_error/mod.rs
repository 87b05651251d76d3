//! Reports errors of the argument parser. The values of arguments are not repeated, because a misplaced argument may be a password
//! (`swp-keys create hunter2`).

mod exit;
mod origin;
mod suggestion;
mod unexpected;

pub(crate) use exit::exit;

//! Shell completion. Commands, flags and values come from the parser, and roles and keys come from the manager.
//!
//! The scripts of `commands/completions/` run `swp-keys __complete`. Completion runs while the user types. It does not prompt, prints no
//! messages, does not sign in with a password, and takes at most a second. If it cannot get the names from the manager under these
//! conditions, it offers none.

mod answer;
mod bash_line;
mod candidates;
mod request;

pub(crate) use answer::answer;
pub(crate) use request::Request;

//! Shell completion. Commands, flags and values come from the parser, and roles and keys come from the manager.
//!
//! The scripts of `commands/completions/` run `swp-keys __complete`. Completion runs while the user types, so it never prompts, prints no messages,
//! never signs in with a password, and takes at most a second. If the manager's names are not available under these conditions, completion offers no
//! roles and no keys.

mod answer;
mod bash_line;
mod candidates;
mod request;

pub(crate) use answer::answer;
pub(crate) use request::Request;

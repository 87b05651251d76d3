//! Shell completion. The candidates for commands, flags and values come from the parser. The candidates for roles and API keys come from the manager.
//! The shell itself completes paths and the command of `exec`.
//!
//! The scripts of `commands/completions/` run `swp-keys __complete`. Completion runs while the user types, so it never prompts, prints no messages,
//! never signs in with a password, and takes at most a second. If it cannot get the names from the manager within these limits, it offers no roles
//! and no API keys.

mod answer;
mod bash_line;
mod candidates;
mod request;

pub(crate) use answer::answer;
pub(crate) use request::Request;

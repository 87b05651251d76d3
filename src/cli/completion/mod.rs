//! What can be typed next, for the shells: commands, flags and values from the parser, roles and keys from the manager.
//!
//! The scripts of `commands/completions/` run `swp-keys __complete`. The user is typing meanwhile, so completion never prompts, prints no
//! messages, never signs in with a password, and takes at most a second. If that is not possible, it offers nothing.

mod answer;
mod bash_line;
mod candidates;
mod request;

pub(crate) use answer::answer;
pub(crate) use request::Request;

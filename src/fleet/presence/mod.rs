//! Whether the secret of a key is at its destinations.
//!
//! Only a use of a secret shows that it works. A destination shows only whether there is a secret. If that is unknown, nothing is changed.

mod command;
mod file;
mod look;
mod secret_check;
mod state;

pub(crate) use file::{FoundSecret, in_file, in_variable};
pub(crate) use look::look_at;
pub(crate) use secret_check::{SecretUse, use_secret};
pub(crate) use state::{Presence, SecretState};

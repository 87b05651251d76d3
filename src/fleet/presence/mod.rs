//! Whether the secret of a key is at its destinations.
//!
//! Only a use of a secret shows that it works. A destination shows only whether there is a secret. If that is unknown, nothing is changed.

mod command;
mod file;
mod look;
mod state;

pub(crate) use look::look_at;
pub(crate) use state::{Presence, SecretState};

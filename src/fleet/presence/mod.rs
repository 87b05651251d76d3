//! Whether the secret of a key is at its destinations.
//!
//! A destination shows only whether there is a secret. Only a use of the secret shows that it works. If that is unknown, nothing is changed.

mod command;
mod file;
mod look;
mod rejected_secrets;
mod secret_check;
mod state;
mod verification;

pub(crate) use file::{FoundSecret, in_file, in_variable};
pub(crate) use look::{KeyToLookAt, SecretStates, look_at};
pub(crate) use secret_check::{SecretChecks, SecretUse};
pub(crate) use state::{Presence, SecretState, unusable_file};
pub(crate) use verification::{KeyToVerify, verify};

//! Stores the pinned public keys of managers in the file `trusted.toml` in the settings folder.

mod parser;
mod pins;
mod store;

pub(crate) use pins::{KnownManager, PinStore};

//! The pinned keys of known managers: `trusted.toml` in the settings folder.

mod parser;
mod pins;
mod store;

pub(crate) use pins::{KnownManager, PinStore};

//! The store of the pinned keys of known managers: the file `trusted.toml` in the settings folder.

mod parser;
mod pins;
mod store;

pub(crate) use pins::{KnownManager, PinStore};

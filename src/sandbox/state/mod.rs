//! The state of the simulated manager. This module does not depend on the network.

pub(crate) mod clock;
mod key_document;
pub(crate) mod keys;
pub(crate) mod manager;
pub(crate) mod name_index;
pub(crate) mod rate_limit;
pub(crate) mod rights;
pub(crate) mod roles;
pub(crate) mod secrets;
pub(crate) mod sessions;

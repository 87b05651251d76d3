//! The endpoints of the simulated manager.

pub(crate) mod administrators;
pub(crate) mod api_keys;
pub(crate) mod authentication;
pub(crate) mod key_fields;
pub(crate) mod legacy;
pub(crate) mod roles;
pub(crate) mod sessions;

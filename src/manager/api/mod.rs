//! The endpoints of the manager's API.

pub(crate) mod administrators;
pub(crate) mod api_key;
pub(crate) mod api_keys;
pub(crate) mod role_summary;
pub(crate) mod roles;
pub(crate) mod search;
pub(crate) mod sessions;

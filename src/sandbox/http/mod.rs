//! Requests and responses of the simulated manager.

pub(crate) mod call;
pub(crate) mod response;

//! Whom a run trusts.

pub(crate) mod pin_store;
pub(crate) mod policy;

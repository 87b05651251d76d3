//! Searches for roles, API keys and administrators (`docs/manager-api.md`, "Search").

pub(crate) mod criteria;
pub(crate) mod field;
pub(crate) mod filter;

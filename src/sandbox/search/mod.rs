//! The search that roles, API keys and administrators share (`docs/manager-api.md`, "Search").

pub(crate) mod criteria;
pub(crate) mod field;
pub(crate) mod filter;

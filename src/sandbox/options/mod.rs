//! Everything that can be chosen about a simulated manager, as plain data.
//!
//! The manager's contract leaves much open (`docs/manager-api.md`, "Unknowns"). Each open question is a field of
//! [`Unknowns`](unknowns::Unknowns), so that a client can be tried against every answer that a real manager might give.

pub(crate) mod choices;
pub(crate) mod settings;
pub(crate) mod unknowns;

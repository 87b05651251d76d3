//! The settings of a simulated manager, as plain data.
//!
//! Some of the real manager's behaviour is not documented (`docs/manager-api.md`, "Unknowns"). Each open question is a field of
//! [`Unknowns`](unknowns::Unknowns), so that a client can be tested against every possible behaviour of a real manager.

pub(crate) mod choices;
pub(crate) mod settings;
pub(crate) mod unknowns;

//! The simulated manager, tested with an independent client. Its responses must match docs/manager-api.md.

mod client;
mod faults;
mod keys;
mod requests;
mod rights;
mod scale;
mod search;
mod sessions;
mod transport;
mod unknown_forms;
mod unknowns;

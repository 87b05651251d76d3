//! The simulated manager, asked by a client that is written here and shares nothing with the program's own: what it answers is
//! compared with docs/manager-api.md.

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

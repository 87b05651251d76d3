//! Drives the built binary against the simulated manager over real TLS and looks at stdout, stderr, exit codes and files.
#![cfg(feature = "sandbox")]

mod support;

mod color;
mod create_key;
mod expiry;
mod find_role;
mod if_exists;
mod list_roles;
mod mint;
mod output;
mod readme;
mod sandbox_command;
mod sandbox_contract;
mod signals;
mod sinks;

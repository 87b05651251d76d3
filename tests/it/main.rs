//! Drives the built binary against the simulated manager over real TLS and looks at stdout, stderr, exit codes and files.
#![cfg(feature = "sandbox")]

mod support;

mod create_key;
mod readme;
mod sandbox_command;
mod sandbox_contract;

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
mod network;
mod output;
mod proxy;
mod login;
#[cfg(unix)]
mod prompts;
mod readme;
mod retries;
mod sandbox_command;
mod sandbox_contract;
mod sign_in;
mod sign_in_refused;
mod sign_out;
mod signals;
mod sinks;
#[cfg(target_os = "linux")]
mod system_roots;
mod tls;
mod unknowns;
mod waiting;
mod with_a_key;
mod secret_sources;

//! The guard that keeps repeated wrong passwords from locking the account.

mod codes;
mod guard;
#[cfg(unix)]
mod prompts;
mod state_file;

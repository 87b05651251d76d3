//! The guard that keeps repeated wrong passwords from locking the account.

mod codes;
mod guard;
mod state_file;

//! The guard against locking an account.

mod codes;
mod guard;
mod state_file;

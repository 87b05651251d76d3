//! The transaction that makes a secret, and recovery from an interrupted one.

mod identity;
mod lost_resets;
mod record;
mod transaction;
mod unfinished_runs;

//! The transaction that creates a secret, and recovery from an interrupted transaction.

mod identity;
mod lost_resets;
mod name_restoration;
mod record;
mod transaction;
mod unfinished_runs;

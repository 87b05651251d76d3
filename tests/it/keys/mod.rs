//! Functions for keys and roles that several commands share.

mod expiry;
mod key_report;
mod lookup;
mod role_check;

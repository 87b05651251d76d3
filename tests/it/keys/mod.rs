//! What several commands do with keys and roles.

mod expiry;
mod key_report;
mod lookup;
mod role_check;

//! What several commands do with keys and roles.

mod expiry;
mod lookup;
mod role_check;

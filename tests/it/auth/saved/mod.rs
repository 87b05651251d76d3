//! What `login` saves and `logout` removes.

mod api_key;
mod expiry;
mod file;
mod session;

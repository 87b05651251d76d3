//! `create` without a role in a real terminal.

mod cancellation;
mod fixtures;
mod profile_offer;
mod questions;

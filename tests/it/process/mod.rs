//! Signals and process hardening.

mod core_dumps;
mod signals;

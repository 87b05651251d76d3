//! Signals and process hardening.

mod core_dumps;
mod rate_limit_signals;
mod signals;

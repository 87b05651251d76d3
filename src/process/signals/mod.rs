//! Handles the signals that end a run, and respects the signals that the caller ignores.

#[cfg(unix)]
mod disposition;
mod listener;

#[cfg(unix)]
pub(crate) use disposition::IgnoredSignals;
pub(crate) use listener::{ForwardedSignals, Signals};

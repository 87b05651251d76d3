//! Handles the signals that end a run. Signals that were ignored at startup stay ignored.

#[cfg(unix)]
mod disposition;
mod listener;

#[cfg(unix)]
pub(crate) use disposition::IgnoredSignals;
pub(crate) use listener::{ForwardedSignals, Signals};

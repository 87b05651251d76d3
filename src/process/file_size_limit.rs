//! The file size limit (`ulimit -f`). By default, a write beyond the limit kills the process with SIGXFSZ, which could leave an undelivered
//! key behind. This module makes such a write return an error instead.

#[cfg(unix)]
use super::signals::IgnoredSignals;

/// Makes a write beyond the limit return an error instead of killing the process. Child processes are not affected.
///
/// # Errors
/// Returns the system's error.
#[cfg(unix)]
pub(crate) fn make_an_error() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let number = rustix::process::Signal::XFSZ.as_raw();
    // The signal gets a handler instead of being ignored, because child processes would inherit that it is ignored. If the caller ignores the signal,
    // it stays ignored.
    if !IgnoredSignals::read().contains_number(number) {
        let _stays_after_drop = signal(SignalKind::from_raw(number))?;
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the signature is the same on every system"
)]
pub(crate) fn make_an_error() -> std::io::Result<()> {
    Ok(())
}

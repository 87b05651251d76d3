//! The file size limit (`ulimit -f`). By default, SIGXFSZ kills a process that writes beyond the limit. An undelivered key could then remain on the
//! manager. With this module, the write returns an error instead.

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
    // This function installs a handler instead of ignoring the signal, because child processes inherit ignored signals but not handlers. If the
    // signal was already ignored when this process started, it stays ignored.
    if !IgnoredSignals::read().contains_number(number) {
        let _stays_after_drop = signal(SignalKind::from_raw(number))?;
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "this function can fail on other systems"
)]
pub(crate) fn make_an_error() -> std::io::Result<()> {
    Ok(())
}

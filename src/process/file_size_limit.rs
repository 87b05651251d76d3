//! The limit on the size of files (`ulimit -f`). The system sends SIGXFSZ with a write that passes it, which ends a process, and leaves a
//! key behind whose secret was to be written. Here it is an error of the write.

#[cfg(unix)]
use super::signals::Ignored;

/// From now on, a write that passes the limit fails, and the process goes on. A program that is started gets the signal as it was.
///
/// # Errors
/// Returns the system's error.
#[cfg(unix)]
pub(crate) fn make_an_error() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let number = rustix::process::Signal::XFSZ.as_raw();
    // A signal with a handler is the default again in a program that is started; one that is ignored stays ignored, as whoever started
    // this process wants it.
    if !Ignored::read().contains_number(number) {
        let _stays_when_dropped = signal(SignalKind::from_raw(number))?;
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same form on every system")]
pub(crate) fn make_an_error() -> std::io::Result<()> {
    Ok(())
}

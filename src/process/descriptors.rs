//! What a run needs of the system, taken before the manager is asked for anything: file descriptors and a thread. If they ran out
//! later, a secret might be made that cannot be delivered, and the runtime panics without them.

use crate::error::Error;

/// For the runtime, a connection, a look-up of the host's name, the record of the run, and a command that is started.
pub(crate) const FOR_A_RUN: usize = 16;
/// For what comes after the places for the secret were prepared.
pub(crate) const FOR_DELIVERY: usize = 8;

/// Makes sure that so many more files can be opened.
///
/// # Errors
/// Returns an unexpected error if they cannot.
#[cfg(unix)]
pub(crate) fn require(count: usize) -> Result<(), Error> {
    use std::os::fd::AsFd as _;
    let mut taken = Vec::with_capacity(count);
    for _ in 0..count {
        match std::io::stderr().as_fd().try_clone_to_owned() {
            Ok(descriptor) => taken.push(descriptor),
            Err(error) if is_shortage(&error) => {
                return Err(Error::unexpected(format!(
                    "could not open {count} more files: {error}"
                ))
                .hint("raise the limit with `ulimit -n 64`; nothing was sent"));
            }
            // stderr itself cannot be cloned, which shows nothing about the limit.
            Err(_) => break,
        }
    }
    Ok(())
}

#[cfg(unix)]
fn is_shortage(error: &std::io::Error) -> bool {
    let code = rustix::io::Errno::from_io_error(error);
    matches!(
        code,
        Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE)
    )
}

/// Handles are not scarce there.
#[cfg(not(unix))]
pub(crate) fn require(_count: usize) -> Result<(), Error> {
    Ok(())
}

/// Makes sure that the system has a thread to give.
///
/// # Errors
/// Returns an unexpected error if it has none.
pub(crate) fn require_thread() -> Result<(), Error> {
    let thread = std::thread::Builder::new().spawn(|| ());
    match thread.map(std::thread::JoinHandle::join) {
        Ok(_) => Ok(()),
        Err(error) => Err(
            Error::unexpected(format!("could not begin a thread: {error}"))
                .hint("raise the limit with `ulimit -u`; nothing was sent"),
        ),
    }
}

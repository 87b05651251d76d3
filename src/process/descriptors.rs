//! Checks before the first request that the run can open enough file descriptors and start a thread. Without a descriptor, a secret might be created
//! but not delivered. Without a thread, the runtime would panic.

use std::io;
use std::thread::JoinHandle;

use crate::error::Error;

/// The number of descriptors that a run needs for the runtime, a connection, a host name lookup, its record and a child process.
pub(crate) const FOR_A_RUN: usize = 16;
/// The number of descriptors that a run still needs after its destinations have been prepared.
pub(crate) const FOR_DELIVERY: usize = 8;

/// Checks that `count` more files can be opened.
///
/// # Errors
/// Returns an error of the kind `Unexpected` if `count` more files cannot be opened.
#[cfg(unix)]
pub(crate) fn require(count: usize) -> Result<(), Error> {
    use std::os::fd::AsFd as _;
    let mut taken = Vec::with_capacity(count);
    for _ in 0..count {
        match io::stderr().as_fd().try_clone_to_owned() {
            Ok(descriptor) => taken.push(descriptor),
            Err(error) if is_shortage(&error) => {
                return Err(Error::unexpected(format!(
                    "could not open {count} more files: {error}"
                ))
                .hint("raise the limit with `ulimit -n 64`; nothing was sent"));
            }
            // The error has a different cause than the limit of open files. The run continues without a check of the limit.
            Err(_) => break,
        }
    }
    Ok(())
}

#[cfg(unix)]
fn is_shortage(error: &io::Error) -> bool {
    let code = rustix::io::Errno::from_io_error(error);
    matches!(
        code,
        Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE)
    )
}

/// Does nothing on Windows, where handles do not run out in practice.
#[cfg(not(unix))]
pub(crate) fn require(_count: usize) -> Result<(), Error> {
    Ok(())
}

/// A thread that does nothing. It shows whether the system can start a thread.
pub(crate) struct TrialThread(io::Result<JoinHandle<()>>);

impl TrialThread {
    /// Starts the trial thread. The caller does other work before it calls [`Self::finish`]. By then, the trial thread has usually ended, so the
    /// caller does not wait.
    pub(crate) fn start() -> Self {
        Self(std::thread::Builder::new().spawn(|| ()))
    }

    /// Waits until the trial thread has ended. While the trial thread exists, it counts toward the system's limit on threads.
    ///
    /// # Errors
    /// Returns an error of the kind `Unexpected` if the trial thread could not be started.
    pub(crate) fn finish(self) -> Result<(), Error> {
        match self.0.map(JoinHandle::join) {
            Ok(_) => Ok(()),
            Err(error) => Err(
                Error::unexpected(format!("could not start a thread: {error}"))
                    .hint("raise the limit with `ulimit -u`; nothing was sent"),
            ),
        }
    }
}

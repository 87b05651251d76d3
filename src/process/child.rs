//! Runs a program for the user as a child process: finds the program, forwards signals to it, and returns its exit code.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use tokio::process::{Child, Command};

use super::signals::{ForwardedSignals, Signals};
use crate::error::{Error, ErrorKind, Signal};

/// The environment variables that contain secrets.
const SECRET_VARIABLES: [&str; 3] = ["SWP_PASSWORD", "SWP_API_KEY", "SWP_MFA_CODE"];

/// Removes the variables that contain secrets from the environment of a child process. This must be called for every child process.
pub(crate) fn scrub_environment(command: &mut std::process::Command) {
    for variable in SECRET_VARIABLES {
        command.env_remove(variable);
    }
}

/// Finds a program, and returns its path.
///
/// # Errors
/// Returns an error with the exit code that a shell would use: 127 if the program does not exist, or 126 if it cannot be run.
pub(crate) fn find(program: &str) -> Result<PathBuf, Error> {
    which::which(program).map_err(|_| {
        let problem = if is_somewhere(program) {
            (true, "cannot be run: it is not an executable file")
        } else {
            (false, "cannot be run: program not found")
        };
        cannot_run(program, problem.0, problem.1)
    })
}

/// Returns the error for a program that could not be started.
pub(crate) fn cannot_run(program: &str, found: bool, problem: &str) -> Error {
    Error::new(
        ErrorKind::CannotRun { found },
        format!("`{program}` {problem}"),
    )
}

fn is_somewhere(program: &str) -> bool {
    let path = Path::new(program);
    if path.components().count() > 1 {
        return path.exists();
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

/// A running child process. The signals that this process receives are forwarded to the child process.
pub(crate) struct Running<'a> {
    child: Child,
    signals: ForwardedSignals<'a>,
}

/// Starts the program.
///
/// # Errors
/// Returns the system's error.
pub(crate) fn start<'a>(command: &mut Command, signals: &'a Signals) -> io::Result<Running<'a>> {
    // Forwarding begins before the child process starts, so that no signal can end this process while the child process is running.
    let signals = signals.pass_on();
    let child = command.spawn()?;
    Ok(Running { child, signals })
}

impl Running<'_> {
    /// Waits for the child process, and returns its exit code. If a signal ended the child process, the exit code is 128 plus the signal
    /// number, as in a shell.
    ///
    /// # Errors
    /// Returns the system's error.
    pub(crate) async fn end(mut self) -> io::Result<u8> {
        loop {
            tokio::select! {
                ended = self.child.wait() => return ended.map(code),
                signal = self.signals.next() => forward(signal, &self.child),
            }
        }
    }
}

#[cfg(unix)]
fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

#[cfg(not(unix))]
fn code(status: ExitStatus) -> u8 {
    // On Windows, exit codes have 32 bits. A code that does not fit into 8 bits is returned as 1.
    status
        .code()
        .map_or(1, |code| u8::try_from(code).unwrap_or(1))
}

/// Forwards a signal to the child process, unless the signal came from the terminal (Ctrl-C, Ctrl-\ or hang-up). The terminal sends these signals to
/// every process in the foreground process group, so the child process has already received them.
#[cfg(unix)]
fn forward(signal: Signal, child: &Child) {
    let is_from_terminal = matches!(signal, Signal::Hangup | Signal::Interrupt | Signal::Quit);
    if is_from_terminal && in_foreground() {
        return;
    }
    let process = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw);
    if let Some(process) = process {
        // Sending the signal may fail, because the child process may have just exited.
        let _ = rustix::process::kill_process(process, signal.of_unix());
    }
}

/// Returns true if this process is in the foreground process group of its terminal.
#[cfg(unix)]
fn in_foreground() -> bool {
    let Ok(terminal) = std::fs::File::open("/dev/tty") else {
        return false;
    };
    rustix::termios::tcgetpgrp(&terminal).is_ok_and(|group| group == rustix::process::getpgrp())
}

/// Does nothing on Windows, where the console sends Ctrl-C to every process that uses it.
#[cfg(not(unix))]
fn forward(_signal: Signal, _child: &Child) {}

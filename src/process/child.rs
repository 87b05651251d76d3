//! A program that runs in our place: found before anything is done for it, the signals on their way to it, and how it ended.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use tokio::process::{Child, Command};

use super::signals::{ForwardedSignals, Signals};
use crate::error::{Error, ErrorKind, Signal};

/// The environment variables that hold secrets.
const SECRET_VARIABLES: [&str; 3] = ["SWP_PASSWORD", "SWP_API_KEY", "SWP_MFA_CODE"];

/// Removes this program's secrets from the environment of a child process. Every child is started this way.
pub(crate) fn scrub_environment(command: &mut std::process::Command) {
    for variable in SECRET_VARIABLES {
        command.env_remove(variable);
    }
}

/// Where a program is.
///
/// # Errors
/// With the exit code that a shell has for it: 127 where there is none, 126 where it cannot be run.
pub(crate) fn find(program: &str) -> Result<PathBuf, Error> {
    which::which(program).map_err(|_| {
        let problem = if is_somewhere(program) {
            (true, "may not be run: it is no program, or not executable")
        } else {
            (false, "cannot be run: there is no such program")
        };
        cannot_run(program, problem.0, problem.1)
    })
}

/// It was not run, and why.
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

/// A program that runs. Signals are its own for as long.
pub(crate) struct Running<'a> {
    child: Child,
    signals: ForwardedSignals<'a>,
}

/// Starts it.
///
/// # Errors
/// Of the system.
pub(crate) fn start<'a>(command: &mut Command, signals: &'a Signals) -> io::Result<Running<'a>> {
    // Before it is there: from then on no signal may end us first.
    let signals = signals.pass_on();
    let child = command.spawn()?;
    Ok(Running { child, signals })
}

impl Running<'_> {
    /// Waits for its end, and returns its exit code as a shell would: 128 and the signal's number where a signal ended it.
    ///
    /// # Errors
    /// Of the system.
    pub(crate) async fn end(mut self) -> io::Result<u8> {
        loop {
            tokio::select! {
                ended = self.child.wait() => return ended.map(code),
                signal = self.signals.next() => pass_on(signal, &self.child),
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
    // Codes are wider there; what does not fit is a failure all the same.
    status
        .code()
        .map_or(1, |code| u8::try_from(code).unwrap_or(1))
}

/// Passes a signal on. What a terminal sends (Ctrl-C, Ctrl-\, its end) goes to the whole foreground group, the program with it; a
/// second one from us would be taken for impatience.
#[cfg(unix)]
fn pass_on(signal: Signal, child: &Child) {
    let of_terminal = matches!(signal, Signal::Hangup | Signal::Signals | Signal::Quit);
    if of_terminal && in_foreground() {
        return;
    }
    let process = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw);
    if let Some(process) = process {
        // It may have ended just now, and then there is nobody to tell.
        let _ = rustix::process::kill_process(process, signal.of_unix());
    }
}

/// Whether this process is in the foreground of a terminal.
#[cfg(unix)]
fn in_foreground() -> bool {
    let Ok(terminal) = std::fs::File::open("/dev/tty") else {
        return false;
    };
    rustix::termios::tcgetpgrp(&terminal).is_ok_and(|group| group == rustix::process::getpgrp())
}

/// Ctrl-C, which every program of a console gets by itself.
#[cfg(not(unix))]
fn pass_on(_signal: Signal, _child: &Child) {}

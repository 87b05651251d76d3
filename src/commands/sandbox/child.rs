//! The command that runs in a sandbox: its environment, the signals on their way to it, and how it ended.

use std::ffi::OsString;
use std::process::ExitStatus;

use tokio::process::{Child, Command};

use super::workplace::{Workplace, leads_elsewhere};
use crate::error::Error;

/// Runs a command, and returns its exit code as a shell would: 128 and the signal's number where a signal ended it.
pub(super) async fn run(
    program: &str,
    arguments: &[String],
    workplace: &Workplace,
) -> Result<u8, Error> {
    // Before the command is there: from then on no signal may end us first.
    let mut signals = Signals::listen()?;
    let mut child = command(program, arguments, workplace)?
        .spawn()
        .map_err(|error| {
            Error::usage(
                format!("`{program}` cannot be run: {error}"),
                "give a command after `--`, as in `sandbox -- sh`",
            )
        })?;
    loop {
        tokio::select! {
            ended = child.wait() => {
                let status = ended.map_err(|error| Error::unexpected(format!("`{program}` is lost: {error}")))?;
                return Ok(code(status));
            }
            signal = signals.next() => pass_on(signal, &child),
        }
    }
}

fn command(program: &str, arguments: &[String], workplace: &Workplace) -> Result<Command, Error> {
    let mut command = Command::new(program);
    command.args(arguments);
    for (name, _) in std::env::vars_os().filter(|(name, _)| leads_elsewhere(name)) {
        command.env_remove(name);
    }
    command.envs(
        workplace
            .variables()
            .iter()
            .map(|(name, value)| (name, value)),
    );
    command.envs(workplace.folders());
    command.env("PATH", path()?);
    Ok(command)
}

/// PATH with the folder of this program first.
fn path() -> Result<OsString, Error> {
    let unexpected = |error: String| {
        Error::unexpected(format!(
            "this program's own folder cannot be put into PATH: {error}"
        ))
    };
    let own = std::env::current_exe().map_err(|error| unexpected(error.to_string()))?;
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let folders = own
        .parent()
        .map(std::path::Path::to_path_buf)
        .into_iter()
        .chain(std::env::split_paths(&rest));
    std::env::join_paths(folders).map_err(|error| unexpected(error.to_string()))
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

/// The signals that would end this program.
#[cfg(unix)]
pub(super) struct Signals {
    hangup: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Takes the signals over from now on.
    pub(super) fn listen() -> Result<Signals, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| {
            signal(kind).map_err(|error| {
                Error::unexpected(format!("signals cannot be listened for: {error}"))
            })
        };
        Ok(Signals {
            hangup: listen(SignalKind::hangup())?,
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for one.
    pub(super) async fn wait(mut self) {
        self.next().await;
    }

    async fn next(&mut self) -> rustix::process::Signal {
        tokio::select! {
            _ = self.hangup.recv() => rustix::process::Signal::HUP,
            _ = self.interrupt.recv() => rustix::process::Signal::INT,
            _ = self.terminate.recv() => rustix::process::Signal::TERM,
        }
    }
}

/// Passes a signal on. What a terminal sends (Ctrl-C, its end) goes to the whole foreground group, the command with it; a
/// second one from us would be taken for impatience.
#[cfg(unix)]
fn pass_on(signal: rustix::process::Signal, child: &Child) {
    if signal != rustix::process::Signal::TERM && in_foreground() {
        return;
    }
    let process = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw);
    if let Some(process) = process {
        // It may have ended just now, and then there is nobody to tell.
        let _ = rustix::process::kill_process(process, signal);
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
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Takes Ctrl-C over from now on.
    pub(super) fn listen() -> Result<Signals, Error> {
        Ok(Signals)
    }

    /// Waits for one.
    pub(super) async fn wait(mut self) {
        self.next().await;
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

#[cfg(not(unix))]
fn pass_on(_signal: (), _child: &Child) {}

//! Reads from the terminal of a Unix process. This module uses the terminal only while the process is in the foreground.
//!
//! The system stops a background process that reads from its terminal or changes the terminal settings. The system could stop the process
//! before the process has handled the signals that arrived. So this module does not use the terminal in the background. The module first
//! lets the main thread handle all signals, and then stops the process itself.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, getpgrp, kill_current_process_group};
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetpgrp,
    tcgetwinsize, tcsetattr,
};
use zeroize::Zeroizing;

use super::reader_state::{Echo, ReaderState};
use crate::secret::Secret;

const TERMINAL: &str = "/dev/tty";
/// The maximum length of an input line. This is the limit of a terminal on Linux (N_TTY_BUF_SIZE). Other systems have a lower limit.
const MAX_LINE: usize = 4096;
/// The interval at which this module checks for input, and checks whether the process is in the foreground.
const PAUSE: Duration = Duration::from_millis(50);
/// If this process is in the background, the prompt stops it until the user brings it to the foreground. A stop has no effect if the process
/// ignores the stop signal. After this number of stops in a row without effect, the prompt ends with an error.
const MAX_FAILED_STOPS: u32 = 40;

/// Returns true if this process has a terminal.
pub(crate) fn is_available() -> bool {
    open().is_ok()
}

/// Returns the width of the terminal, or `None` if it is unknown.
pub(crate) fn columns() -> Option<u16> {
    let size = tcgetwinsize(open().ok()?).ok()?;
    (size.ws_col > 0).then_some(size.ws_col)
}

fn open() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(TERMINAL)
}

/// Shows `question` and reads a line. The terminal is read without a buffered reader, because a copy of a secret would stay in its buffer.
pub(crate) fn line(question: &str, echo: Echo, state: &ReaderState) -> io::Result<Secret> {
    let mut terminal = open()?;
    let mut asked = ask(&mut terminal, question, echo, state)?;
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE));
    let mut part = Zeroizing::new([0; 256]);
    while line.len() < MAX_LINE && !line.ends_with(b"\n") {
        let readable = is_readable(&terminal)?;
        if state.is_cancelled() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if asked != state.continued.load(Ordering::SeqCst) || !is_in_foreground(&terminal) {
            asked = ask(&mut terminal, question, echo, state)?;
        } else if readable {
            let most = part.len().min(MAX_LINE - line.len());
            match terminal.read(&mut part[..most])? {
                0 => break,
                count => line.extend_from_slice(&part[..count]),
            }
        }
    }
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Secret::from_line(line).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Waits until the process is in the foreground, and then shows the question. Returns the value that `state.continued` had just before the question
/// was shown.
fn ask(terminal: &mut File, question: &str, echo: Echo, state: &ReaderState) -> io::Result<u32> {
    come_to_foreground(terminal, state)?;
    if state.is_cancelled() {
        return Err(io::ErrorKind::Interrupted.into());
    }
    let asked = state.continued.load(Ordering::SeqCst);
    if echo == Echo::Off {
        // The echo is turned off before the question is shown, so that the terminal never shows what the user types after the question.
        hide(terminal)?;
    }
    terminal.write_all(question.as_bytes())?;
    Ok(asked)
}

fn come_to_foreground(terminal: &File, state: &ReaderState) -> io::Result<()> {
    let mut failed_stops = 0;
    while !is_in_foreground(terminal) {
        if failed_stops == MAX_FAILED_STOPS {
            return Err(io::Error::other(
                "this process is in the background of the terminal",
            ));
        }
        // Signals may have arrived while the process was stopped. The main thread must handle them before this thread stops the process
        // again.
        state.wait_for_turn();
        if state.is_cancelled() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let begun = Instant::now();
        kill_current_process_group(Signal::TTIN)?;
        std::thread::sleep(PAUSE);
        failed_stops = if begun.elapsed() < PAUSE * 3 {
            failed_stops + 1
        } else {
            0
        };
    }
    Ok(())
}

/// Waits for input for a short time. Returns true if there is input.
fn is_readable(terminal: &File) -> io::Result<bool> {
    let pause = Timespec {
        tv_sec: 0,
        tv_nsec: PAUSE.as_nanos().try_into().unwrap_or_default(),
    };
    let mut polled = [PollFd::new(terminal, PollFlags::IN)];
    match poll(&mut polled, Some(&pause)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Returns true if this process is in the foreground of the terminal. Also returns true if the foreground process group is unknown, for
/// example in a container.
fn is_in_foreground(terminal: &File) -> bool {
    tcgetpgrp(terminal).map_or(true, |group| group == getpgrp())
}

/// Turns off the echo, so that the terminal does not show what the user types. Only line breaks are still shown.
fn hide(terminal: &File) -> io::Result<()> {
    let mut state = tcgetattr(terminal)?;
    state.local_modes -= LocalModes::ECHO;
    state.local_modes |= LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
    Ok(tcsetattr(terminal, OptionalActions::Now, &state)?)
}

/// Turns off the echo until the state of the terminal is restored.
#[cfg(test)]
pub(crate) fn stop_echo() -> io::Result<()> {
    hide(&open()?)
}

/// The state of the terminal before a question.
pub(crate) struct TerminalState(Option<(File, Termios)>);

impl TerminalState {
    pub(crate) fn now() -> Self {
        Self(open().ok().and_then(|terminal| {
            let state = tcgetattr(&terminal).ok()?;
            Some((terminal, state))
        }))
    }

    /// Returns true if the terminal window was closed or the connection was lost.
    pub(crate) fn was_closed(&self) -> bool {
        (self.0.as_ref()).is_some_and(|(terminal, _)| tcgetattr(terminal).is_err())
    }

    pub(crate) fn is_in_foreground(&self) -> bool {
        (self.0.as_ref()).is_none_or(|(terminal, _)| is_in_foreground(terminal))
    }

    /// Moves the cursor to a new line after the question. If the question asked for a secret, unread input is discarded, because the shell
    /// would show it.
    pub(crate) fn end_line(&self, echo: Echo) {
        if let Some((terminal, _)) = self.0.as_ref().filter(|_| self.is_in_foreground()) {
            let _ = (&mut &*terminal).write_all(b"\n");
            if echo == Echo::Off {
                let _ = tcflush(terminal, QueueSelector::IFlush);
            }
        }
    }

    pub(crate) fn restore(&self) {
        // If this process is in the background, this function does nothing. The shell has already restored the terminal, and the system
        // would stop this process if it changed the terminal settings.
        if let Some((terminal, state)) = self.0.as_ref().filter(|_| self.is_in_foreground()) {
            // An error is ignored, because it means that the terminal is closed and cannot be restored.
            let _ = tcsetattr(terminal, OptionalActions::Now, state);
        }
    }
}

//! The terminal of a Unix process: asked only while the process is in its foreground.
//!
//! A process in the background that reads from its terminal or changes it is stopped by the system, and stopped once more when it
//! goes on: a signal to end, which was sent in between, would never be dealt with. So nothing here is done in the background but to
//! stop as the system would have it, and to leave the rest of the process time for its signals after each stop.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, getpgrp, kill_current_process_group};
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetpgrp, tcsetattr,
};
use zeroize::Zeroizing;

use super::{Echo, State};
use crate::secret::Secret;

const TERMINAL: &str = "/dev/tty";
/// A terminal gives no longer line (N_TTY_BUF_SIZE of Linux; others less).
const LONGEST: usize = 4096;
/// How often the state of the process is looked at.
const PAUSE: Duration = Duration::from_millis(50);
/// So many stops that did not happen, one after another, are waited for: the caller may ignore them, or no shell be there to go on.
const UNSTOPPED: u32 = 40;

/// A terminal that can be opened: there is one, and this process belongs to it.
pub(crate) fn is_there() -> bool {
    open().is_ok()
}

fn open() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(TERMINAL)
}

/// Shows `question` and reads a line, which a terminal hands over whole; without a buffer beside it, which would keep a copy.
pub(crate) fn line(question: &str, echo: Echo, state: &State) -> io::Result<Secret> {
    let mut terminal = open()?;
    let mut asked = ask(&mut terminal, question, echo, state)?;
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut part = Zeroizing::new([0; 256]);
    while line.len() < LONGEST && !line.ends_with(b"\n") {
        let readable = is_readable(&terminal)?;
        if state.is_left() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if asked != state.continued.load(Ordering::SeqCst) || !is_in_foreground(&terminal) {
            asked = ask(&mut terminal, question, echo, state)?;
        } else if readable {
            let most = part.len().min(LONGEST - line.len());
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

/// Shows the question once the process is in the foreground, and returns how often it had gone on after a stop by then.
fn ask(terminal: &mut File, question: &str, echo: Echo, state: &State) -> io::Result<u32> {
    come_to_foreground(terminal, state)?;
    if state.is_left() {
        return Err(io::ErrorKind::Interrupted.into());
    }
    let asked = state.continued.load(Ordering::SeqCst);
    if echo == Echo::Off {
        // Before the question: what is typed or pasted at once would be shown.
        hide(terminal)?;
    }
    terminal.write_all(question.as_bytes())?;
    Ok(asked)
}

fn come_to_foreground(terminal: &File, state: &State) -> io::Result<()> {
    let mut unstopped = 0;
    while !is_in_foreground(terminal) {
        if unstopped == UNSTOPPED {
            return Err(io::Error::other(
                "this run is in the background of the terminal",
            ));
        }
        // A signal to end that came during the last stop is dealt with before the next.
        state.wait_for_turn();
        if state.is_left() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let begun = Instant::now();
        kill_current_process_group(Signal::TTIN)?;
        std::thread::sleep(PAUSE);
        unstopped = if begun.elapsed() < PAUSE * 3 {
            unstopped + 1
        } else {
            0
        };
    }
    Ok(())
}

/// Waits a moment for something to read.
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

/// Whether this process may use the terminal. Who is in the foreground cannot always be seen, from a container for example.
fn is_in_foreground(terminal: &File) -> bool {
    tcgetpgrp(terminal).map_or(true, |group| group == getpgrp())
}

/// Shows no more of what is typed than the end of its line.
fn hide(terminal: &File) -> io::Result<()> {
    let mut state = tcgetattr(terminal)?;
    state.local_modes -= LocalModes::ECHO;
    state.local_modes |= LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
    Ok(tcsetattr(terminal, OptionalActions::Now, &state)?)
}

/// Shows no more of what is typed, until the state before is restored.
#[cfg(test)]
pub(crate) fn stop_echo() -> io::Result<()> {
    hide(&open()?)
}

/// How the terminal was before a question.
pub(crate) struct Saved(Option<(File, Termios)>);

impl Saved {
    pub(crate) fn now() -> Self {
        Self(open().ok().and_then(|terminal| {
            let state = tcgetattr(&terminal).ok()?;
            Some((terminal, state))
        }))
    }

    /// Its window was closed, or its connection lost.
    pub(crate) fn went_away(&self) -> bool {
        (self.0.as_ref()).is_some_and(|(terminal, _)| tcgetattr(terminal).is_err())
    }

    pub(crate) fn is_in_foreground(&self) -> bool {
        (self.0.as_ref()).is_none_or(|(terminal, _)| is_in_foreground(terminal))
    }

    /// Ends the line on which the question stands. What was typed of a secret is thrown away, or a shell would show it.
    pub(crate) fn end_line(&self, echo: Echo) {
        if let Some((terminal, _)) = self.0.as_ref().filter(|_| self.is_in_foreground()) {
            let _ = (&mut &*terminal).write_all(b"\n");
            if echo == Echo::Off {
                let _ = tcflush(terminal, QueueSelector::IFlush);
            }
        }
    }

    pub(crate) fn restore(&self) {
        // In the background, a shell has taken care of the terminal, and this process would be stopped.
        if let Some((terminal, state)) = self.0.as_ref().filter(|_| self.is_in_foreground()) {
            // A terminal that went away needs no restoring.
            let _ = tcsetattr(terminal, OptionalActions::Now, state);
        }
    }
}

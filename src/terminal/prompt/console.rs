//! Prompts on a Windows console.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use zeroize::Zeroizing;

use super::reader_state::{Echo, ReaderState};
use crate::secret::Secret;

pub(crate) fn is_available() -> bool {
    io::stdin().is_terminal()
}

/// Returns `None` on Windows, because the program cannot determine the width there.
pub(crate) fn columns() -> Option<u16> {
    None
}

pub(crate) fn line(question: &str, echo: Echo, _state: &ReaderState) -> io::Result<Secret> {
    if echo == Echo::Off {
        return rpassword::prompt_password(question).map(Secret::new);
    }
    io::stderr().write_all(question.as_bytes())?;
    let mut line = Zeroizing::new(Vec::with_capacity(4096));
    if io::stdin().lock().read_until(b'\n', &mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Secret::from_line(line).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The type has no fields on Windows, because the console library restores the state of the console itself.
pub(crate) struct TerminalState;

impl TerminalState {
    pub(crate) fn now() -> Self {
        Self
    }

    pub(crate) fn was_closed(&self) -> bool {
        false
    }

    pub(crate) fn is_in_foreground(&self) -> bool {
        true
    }

    pub(crate) fn end_line(&self, _echo: Echo) {
        let _ = io::stderr().write_all(b"\n");
    }

    pub(crate) fn restore(&self) {}
}

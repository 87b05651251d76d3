//! Asking a person: on the terminal itself, so that stdin and stdout can be pipes.

use std::io;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::secret::Secret;

/// How the terminal was before the question that is being asked.
static BEFORE: Mutex<Option<terminal::Saved>> = Mutex::new(None);

/// Gives the terminal back as it was before the question that is being asked, if one is: for an end that goes past the asking.
pub(crate) fn restore_terminal() {
    if let Ok(before) = BEFORE.try_lock()
        && let Some(before) = before.as_ref()
    {
        before.restore();
    }
}

fn remember(terminal: Option<terminal::Saved>) {
    *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = terminal;
}

/// Whether there is somebody to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// A terminal.
    Terminal,
    /// Nobody: no terminal, or `--no-input`.
    Nobody,
}

impl Prompt {
    /// Looks for a terminal, unless nobody is to be asked.
    pub(crate) fn find(no_input: bool) -> Self {
        if !no_input && terminal::is_there() {
            Self::Terminal
        } else {
            Self::Nobody
        }
    }

    /// Asks for a secret, which is not shown. `flags` says how to give it where nobody can be asked.
    pub(crate) async fn hidden(
        self,
        question: &str,
        flags: &str,
        interrupt: &Interrupt,
    ) -> Result<Secret, Error> {
        let answer = self
            .ask(question, flags, interrupt, |question| {
                // Before the question: rpassword asks first, and what is typed or pasted at once would be shown.
                terminal::stop_echo();
                rpassword::prompt_password(question).map(Secret::new)
            })
            .await?;
        not_empty(question, answer, flags)
    }

    /// Asks for something that is shown while it is typed.
    pub(crate) async fn visible(
        self,
        question: &str,
        flags: &str,
        interrupt: &Interrupt,
    ) -> Result<Secret, Error> {
        let answer = self
            .ask(question, flags, interrupt, |question| {
                terminal::line(&question)
            })
            .await?;
        not_empty(question, answer, flags)
    }

    /// Asks for an answer that may be anything, nothing at all included.
    pub(crate) async fn answer(
        self,
        question: &str,
        flags: &str,
        interrupt: &Interrupt,
    ) -> Result<String, Error> {
        let answer = self
            .ask(question, flags, interrupt, |question| {
                terminal::line(&question)
            })
            .await?;
        Ok(answer.expose().trim().to_owned())
    }

    /// Asks whether to do something; only `y` and `yes` mean that.
    pub(crate) async fn confirm(
        self,
        question: &str,
        flags: &str,
        interrupt: &Interrupt,
    ) -> Result<bool, Error> {
        let question = format!("{question} [y/N] ");
        let answer = self.answer(&question, flags, interrupt).await?;
        Ok(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Reads on a thread of its own, so that a signal is noticed meanwhile; the terminal is then put back as it was, because the
    /// thread is left behind in the middle of its reading.
    async fn ask(
        self,
        question: &str,
        flags: &str,
        interrupt: &Interrupt,
        read: impl FnOnce(String) -> io::Result<Secret> + Send + 'static,
    ) -> Result<Secret, Error> {
        if self == Self::Nobody {
            let message = format!(
                "no {} is given, and there is nobody to ask",
                topic(question)
            );
            return Err(Error::usage(message, flags));
        }
        let terminal = terminal::Saved::now();
        remember(Some(terminal::Saved::now()));
        let owned = question.to_owned();
        let reading = tokio::task::spawn_blocking(move || read(owned));
        let answer = interrupt.or(async { Ok(reading.await) }).await;
        terminal.restore();
        remember(None);
        match answer? {
            // The end of a terminal ends the reading as a line break does, and half a password counts as a wrong one.
            Ok(Ok(_)) if terminal.went_away() => {
                Err(unread(question, "the terminal went away", flags))
            }
            Ok(Ok(answer)) => Ok(answer),
            // Ctrl-C arrives as a character while a secret is typed; rpassword raises the signal, which may not be here yet.
            Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {
                Err(Error::interrupted(interrupt.first_signal().await))
            }
            Ok(Err(error)) => Err(unread(question, &error.to_string(), flags)),
            // The runtime is being shut down.
            Err(_) => Err(Error::new(Kind::Unexpected, "the prompt broke down")),
        }
    }
}

fn not_empty(question: &str, answer: Secret, flags: &str) -> Result<Secret, Error> {
    if answer.is_empty() {
        Err(unread(question, "nothing was typed", flags))
    } else {
        Ok(answer)
    }
}

fn unread(question: &str, reason: &str, flags: &str) -> Error {
    Error::usage(
        format!("no {} could be read: {reason}", topic(question)),
        flags,
    )
}

/// The question in the middle of a sentence: "Password of Kim: " becomes "password of Kim". Of several lines, the last one asks.
fn topic(question: &str) -> String {
    let question = question.lines().last().unwrap_or_default();
    let mut characters = question.trim_end_matches(": ").chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(characters).collect()
    })
}

#[cfg(unix)]
mod terminal {
    use std::fs::{File, OpenOptions};
    use std::io::{self, Read as _, Write as _};

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    use zeroize::Zeroizing;

    use crate::secret::Secret;

    const TERMINAL: &str = "/dev/tty";
    /// A terminal gives no longer line (N_TTY_BUF_SIZE of Linux; others less).
    const LONGEST: usize = 4096;

    /// A terminal that can be opened: there is one, and this process belongs to it.
    pub(super) fn is_there() -> bool {
        open().is_ok()
    }

    fn open() -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(TERMINAL)
    }

    /// Shows `question` and reads a line, which a terminal hands over whole; without a buffer beside it, which would keep a copy.
    pub(super) fn line(question: &str) -> io::Result<Secret> {
        let mut terminal = open()?;
        terminal.write_all(question.as_bytes())?;
        let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
        let mut byte = [0];
        while line.len() < LONGEST && !line.ends_with(b"\n") && terminal.read(&mut byte)? == 1 {
            line.extend(byte);
        }
        if line.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Secret::from_line(line).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Shows no more of what is typed, until the state before is restored.
    pub(super) fn stop_echo() {
        let Ok(terminal) = open() else { return };
        if let Ok(mut state) = tcgetattr(&terminal) {
            state.local_modes -= LocalModes::ECHO | LocalModes::ECHONL;
            let _ = tcsetattr(&terminal, OptionalActions::Now, &state);
        }
    }

    /// How the terminal was before somebody was asked.
    pub(super) struct Saved(Option<(File, Termios)>);

    impl Saved {
        pub(super) fn now() -> Self {
            Self(open().ok().and_then(|terminal| {
                let state = tcgetattr(&terminal).ok()?;
                Some((terminal, state))
            }))
        }

        /// Its window was closed, or its connection lost.
        pub(super) fn went_away(&self) -> bool {
            (self.0.as_ref()).is_some_and(|(terminal, _)| tcgetattr(terminal).is_err())
        }

        pub(super) fn restore(&self) {
            if let Some((terminal, state)) = &self.0 {
                // A terminal that went away needs no restoring.
                let _ = tcsetattr(terminal, OptionalActions::Now, state);
            }
        }
    }
}

#[cfg(not(unix))]
mod terminal {
    use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

    use zeroize::Zeroizing;

    use crate::secret::Secret;

    pub(super) fn is_there() -> bool {
        io::stdin().is_terminal()
    }

    pub(super) fn line(question: &str) -> io::Result<Secret> {
        io::stderr().write_all(question.as_bytes())?;
        let mut line = Zeroizing::new(Vec::with_capacity(4096));
        if io::stdin().lock().read_until(b'\n', &mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Secret::from_line(line).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// The console library switches the echo off itself.
    pub(super) fn stop_echo() {}

    /// The console library restores the console itself.
    pub(super) struct Saved;

    impl Saved {
        pub(super) fn now() -> Self {
            Self
        }

        pub(super) fn went_away(&self) -> bool {
            false
        }

        pub(super) fn restore(&self) {}
    }
}

#[cfg(all(test, unix))]
pub(crate) mod tests {
    use super::*;

    /// What asks for a secret does before it reads.
    pub(crate) fn begin_to_ask() {
        remember(Some(terminal::Saved::now()));
        terminal::stop_echo();
    }
}

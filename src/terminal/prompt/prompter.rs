//! Prompts for values on the terminal.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

#[cfg(not(unix))]
use super::console as tty;
use super::reader_state::{Echo, ReaderState};
#[cfg(unix)]
use super::tty;
use super::wrap::filled;
use crate::error::{Error, ErrorKind, Signal};
use crate::process::signals::Signals;
use crate::secret::Secret;
use crate::terminal::output::{MAX_LINE, safe};
use crate::terminal::status_line;
use crate::text::shorten;

/// The state of the terminal before the current question.
static BEFORE: Mutex<Option<tty::TerminalState>> = Mutex::new(None);

/// Restores the terminal if a prompt is open. This function is called before the process exits without waiting for the prompt.
pub(crate) fn restore_terminal() {
    if let Ok(before) = BEFORE.try_lock()
        && let Some(before) = before.as_ref()
    {
        before.restore();
    }
}

fn remember(terminal: Option<tty::TerminalState>) {
    *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = terminal;
}

/// The maximum number of times that the user is asked for a value if the input is empty.
const MAX_EMPTY: usize = 3;
/// The width of a terminal whose width is unknown.
const USUAL_COLUMNS: usize = 80;

/// Returns the width of the terminal that shows the questions.
pub(crate) fn columns() -> usize {
    tty::columns().map_or(USUAL_COLUMNS, usize::from)
}

/// Whether this process can prompt the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// The process has a terminal.
    Terminal,
    /// The process has no terminal, or `--no-input` is set.
    Unavailable,
}

impl Prompt {
    /// Returns [`Prompt::Terminal`] if the process has a terminal and `no_input` is false.
    pub(crate) fn find(no_input: bool) -> Self {
        if !no_input && tty::is_available() {
            Self::Terminal
        } else {
            Self::Unavailable
        }
    }

    /// Asks for a secret without showing the input. `flags` is the hint on how to supply the secret without a prompt.
    pub(crate) async fn hidden(
        self,
        question: &str,
        flags: &str,
        signals: &Signals,
    ) -> Result<Secret, Error> {
        let question = PromptText::new(question, topic(question), flags, Echo::Off);
        self.ask_until_not_empty(question, signals).await
    }

    /// Asks for a value that is shown while it is typed.
    pub(crate) async fn visible(
        self,
        question: &str,
        flags: &str,
        signals: &Signals,
    ) -> Result<Secret, Error> {
        let question = PromptText::new(question, topic(question), flags, Echo::On);
        self.ask_until_not_empty(question, signals).await
    }

    /// Asks for an answer, which may be empty.
    pub(crate) async fn answer(
        self,
        question: &str,
        flags: &str,
        signals: &Signals,
    ) -> Result<String, Error> {
        let question = PromptText::new(question, "answer".to_owned(), flags, Echo::On);
        let answer = self.ask(&question, signals).await?;
        Ok(answer.expose().trim().to_owned())
    }

    /// Asks for a confirmation. Only the answers `y` and `yes` confirm.
    pub(crate) async fn confirm(
        self,
        question: &str,
        flags: &str,
        signals: &Signals,
    ) -> Result<bool, Error> {
        let question = format!("{question} [y/N] ");
        let answer = self.answer(&question, flags, signals).await?;
        Ok(is_yes(&answer))
    }

    /// Like [`Prompt::confirm`], for a run that asks about several keys one after the other. It may have changed the keys of earlier questions.
    pub(crate) async fn confirm_one_of_several(
        self,
        question: &str,
        flags: &str,
        signals: &Signals,
    ) -> Result<bool, Error> {
        let question = format!("{question} [y/N] ");
        let mut question = PromptText::new(&question, "answer".to_owned(), flags, Echo::On);
        question.unchanged = "the key in the question was not changed";
        let answer = self.ask(&question, signals).await?;
        Ok(is_yes(answer.expose().trim()))
    }

    /// Asks until `accept` accepts the answer. After a rejected answer, its error is shown above the question.
    pub(crate) async fn accepted<T>(
        self,
        question: &str,
        flags: &str,
        signals: &Signals,
        accept: impl Fn(&str) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut text = question.to_owned();
        loop {
            let answer = self.answer(&text, flags, signals).await?;
            match accept(&answer) {
                Ok(value) => return Ok(value),
                Err(error) => text = format!("{}\n{question}", rejection(&error)),
            }
        }
    }

    /// Asks for a value that must not be empty. After an empty input, the user is asked again, at most twice.
    ///
    /// # Errors
    /// Returns a usage error if the last input is empty.
    async fn ask_until_not_empty(
        self,
        mut question: PromptText<'_>,
        signals: &Signals,
    ) -> Result<Secret, Error> {
        let again = format!("The input is empty.\n{}", question.text);
        for _ in 0..MAX_EMPTY {
            let answer = self.ask(&question, signals).await?;
            if !answer.is_empty() {
                return Ok(answer);
            }
            question.text = &again;
        }
        Err(question.unread("the input is empty"))
    }

    /// Reads the answer on a separate thread, so that this function can handle signals while the user types. When the function returns, the
    /// thread may still be reading. The function therefore restores the terminal, and does not rely on the thread to do so.
    async fn ask(self, question: &PromptText<'_>, signals: &Signals) -> Result<Secret, Error> {
        if self == Self::Unavailable {
            let message = format!(
                "could not ask for the {}: there is no terminal to prompt on",
                question.subject
            );
            return Err(Error::usage(message, question.flags));
        }
        let _hold = status_line::hold();
        let asking = ActivePrompt::begin();
        let (text, echo, state) = (question.text.to_owned(), question.echo, asking.state());
        let mut reading = tokio::task::spawn_blocking(move || tty::line(&text, echo, &state));
        let answer = signals
            .cancel(async { Ok(asking.answer_despite_stops(&mut reading).await) })
            .await;
        let answer = match answer {
            // On a Windows console, the read ends with `Interrupted` when the user types Ctrl-C. The console library then raises the
            // signal, so the signal may arrive after the read has ended.
            Ok(Ok(Err(error))) if error.kind() == io::ErrorKind::Interrupted => {
                Err(Error::interrupted(signals.first_signal().await))
            }
            answer => answer,
        };
        asking.state.cancelled.store(true, Ordering::SeqCst);
        if answer.is_err() && !reading.is_finished() {
            // The run waits for the thread to end. If the thread continued, it could turn the echo off after the terminal was restored.
            let _ = tokio::time::timeout(EXIT_WAIT, reading).await;
        }
        asking.outcome(question, answer)
    }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes")
}

/// Returns the reason why an answer was rejected, with the hint, wrapped for the terminal.
pub(crate) fn rejection(error: &Error) -> String {
    let reason = match error.next_step() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    };
    filled(
        &safe(&shorten(&reason, MAX_LINE)),
        columns().min(USUAL_COLUMNS),
    )
}

/// The text of a question.
struct PromptText<'a> {
    text: &'a str,
    /// The requested value, as part of a sentence.
    subject: String,
    /// The hint on how to supply the value without a prompt.
    flags: &'a str,
    echo: Echo,
    /// What the run has not changed if it ends at this question.
    unchanged: &'static str,
}

impl<'a> PromptText<'a> {
    fn new(text: &'a str, subject: String, flags: &'a str, echo: Echo) -> Self {
        Self {
            text,
            subject,
            flags,
            echo,
            unchanged: "nothing was changed on the manager",
        }
    }

    fn unread(&self, reason: &str) -> Error {
        let Self {
            subject, unchanged, ..
        } = self;
        Error::usage(
            format!("could not read the {subject}: {reason}; {unchanged}"),
            self.flags,
        )
    }
}

/// The maximum time to wait for the reading thread to end after the prompt was cancelled.
const EXIT_WAIT: Duration = Duration::from_millis(300);

type ReadResult = Result<io::Result<Secret>, tokio::task::JoinError>;

/// An open prompt. The terminal is restored on drop.
struct ActivePrompt {
    before: tty::TerminalState,
    state: Arc<ReaderState>,
}

impl ActivePrompt {
    fn begin() -> Self {
        remember(Some(tty::TerminalState::now()));
        Self {
            before: tty::TerminalState::now(),
            state: Arc::default(),
        }
    }

    fn state(&self) -> Arc<ReaderState> {
        Arc::clone(&self.state)
    }

    /// Waits for the answer. If the process is stopped (Ctrl-Z) and continued, the question is asked again, because the shell changes the
    /// terminal settings while the process is stopped.
    #[cfg(unix)]
    async fn answer_despite_stops(
        &self,
        reading: &mut tokio::task::JoinHandle<io::Result<Secret>>,
    ) -> ReadResult {
        use tokio::signal::unix::{SignalKind, signal};
        let number = rustix::process::Signal::CONT.as_raw();
        let Ok(mut continued) = signal(SignalKind::from_raw(number)) else {
            return reading.await;
        };
        loop {
            tokio::select! {
                answer = &mut *reading => return answer,
                _ = continued.recv() => {
                    self.state.continued.fetch_add(1, Ordering::SeqCst);
                }
                () = self.state.turn.notified() => {
                    let wanted = self.state.turn_wanted.load(Ordering::SeqCst);
                    self.state.turn_taken.store(wanted, Ordering::SeqCst);
                }
            }
        }
    }

    #[cfg(not(unix))]
    async fn answer_despite_stops(
        &self,
        reading: &mut tokio::task::JoinHandle<io::Result<Secret>>,
    ) -> ReadResult {
        reading.await
    }

    fn outcome(
        self,
        question: &PromptText<'_>,
        answer: Result<ReadResult, Error>,
    ) -> Result<Secret, Error> {
        let was_closed = self.before.was_closed();
        let failure = match answer {
            Err(error) => {
                let error = self.interrupted(error, question);
                self.before.end_line(question.echo);
                return Err(error);
            }
            // When the terminal is closed, the read ends as if the user had pressed Enter. The text that was read is discarded. It may be
            // an incomplete password, and sending it would count as a failed sign-in.
            Ok(Ok(_)) if was_closed => question.unread("the terminal was closed"),
            Ok(Ok(Ok(answer))) => return Ok(answer),
            Ok(Ok(Err(error))) => question.unread(&reason(&error)),
            // The runtime is shutting down.
            Ok(Err(_)) => Error::new(ErrorKind::Unexpected, "the prompt failed unexpectedly"),
        };
        self.before.end_line(question.echo);
        Err(failure)
    }

    fn interrupted(&self, error: Error, question: &PromptText<'_>) -> Error {
        let ErrorKind::Interrupted(signal) = error.kind() else {
            return error;
        };
        let message = format!("interrupted; {}", question.unchanged);
        let error = Error::new(ErrorKind::Interrupted(signal), message);
        if signal == Signal::Interrupt || self.before.is_in_foreground() {
            return error;
        }
        error.hint(format!(
            "run the process in the foreground, for example with `timeout --foreground`, because a background process cannot prompt; or {}",
            question.flags
        ))
    }
}

impl Drop for ActivePrompt {
    fn drop(&mut self) {
        self.state.cancelled.store(true, Ordering::SeqCst);
        self.before.restore();
        remember(None);
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the input ended".to_owned(),
        io::ErrorKind::InvalidData => "the input is not valid UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

/// Returns the subject of a question for use in a sentence: "Password of Kim: " becomes "password of Kim".
fn topic(question: &str) -> String {
    let mut characters = question.trim_end_matches(": ").chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(characters).collect()
    })
}

#[cfg(all(test, unix))]
pub(crate) mod tests {
    use super::*;

    /// Puts the terminal into the state of an open prompt for a secret, without reading a secret.
    pub(crate) fn begin_to_ask() {
        remember(Some(tty::TerminalState::now()));
        tty::stop_echo().expect("a terminal");
    }
}

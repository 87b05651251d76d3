//! Prompts for values on the terminal.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::availability::Prompt;
#[cfg(not(unix))]
use super::console as tty;
use super::reader_state::{Echo, ReaderState};
#[cfg(unix)]
use super::tty;
use crate::error::{Error, ErrorKind, Signal};
use crate::process::signals::Signals;
use crate::secret::Secret;
use crate::terminal::output::{MAX_LINE, filled, safe};
use crate::terminal::status_line;
use crate::text::shorten;

/// The state of the terminal before the open prompt. `None` if no prompt is open.
static BEFORE: Mutex<Option<tty::TerminalState>> = Mutex::new(None);

/// Restores the terminal if a prompt is open. This function must be called before the process exits while a prompt may still be open.
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

/// How many times the user is asked for a value that must not be empty. After that many empty inputs, the run ends with an error.
const MAX_EMPTY: usize = 3;
/// The width that is assumed if the width of the terminal is unknown.
const USUAL_COLUMNS: usize = 80;

/// Returns the width of the terminal that shows the questions.
pub(crate) fn columns() -> usize {
    tty::columns().map_or(USUAL_COLUMNS, usize::from)
}

impl Prompt {
    /// Asks for a secret. The input is not shown. `flags` is a hint. It names the flags and variables that supply the secret without a prompt.
    pub(crate) async fn hidden(
        self,
        question: &str,
        flags: &str,
        signals: &Signals,
    ) -> Result<Secret, Error> {
        let question = PromptText::new(question, topic(question), flags, Echo::Off);
        self.ask_until_not_empty(question, signals).await
    }

    /// Asks for a value. The input is shown while the user types.
    pub(crate) async fn visible(
        self,
        question: &str,
        flags: &str,
        signals: &Signals,
    ) -> Result<Secret, Error> {
        let question = PromptText::new(question, topic(question), flags, Echo::On);
        self.ask_until_not_empty(question, signals).await
    }

    /// Asks for an answer. The answer may be empty.
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

    /// Asks the user to confirm something. The answers `y` and `yes` confirm. The answers `n` and `no` and an empty answer mean no. After any
    /// other answer, asks again.
    pub(crate) async fn confirm(
        self,
        question: &str,
        flags: &str,
        signals: &Signals,
    ) -> Result<bool, Error> {
        let question = format!("{question} [y/N] ");
        self.accepted(&question, flags, signals, yes_or_no).await
    }

    /// Asks for confirmation to change one of several API keys. The run may already have changed other API keys. If the run ends at this prompt, the
    /// error message therefore says only that this API key was not changed.
    pub(crate) async fn confirm_one_of_several(
        self,
        question: &str,
        flags: &str,
        signals: &Signals,
    ) -> Result<bool, Error> {
        let question = format!("{question} [y/N] ");
        let mut text = question.clone();
        loop {
            let mut prompt = PromptText::new(&text, "answer".to_owned(), flags, Echo::On);
            prompt.unchanged = "the key that the prompt asked about was not changed";
            let answer = self.ask(&prompt, signals).await?;
            match yes_or_no(answer.expose().trim()) {
                Ok(answer) => return Ok(answer),
                Err(error) => text = asked_again(&question, &error),
            }
        }
    }

    /// Asks a question until `accept` returns a value for the answer. If `accept` returns an error, the error is shown, and the last line of the
    /// question is asked again below it.
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
                Err(error) => text = asked_again(question, &error),
            }
        }
    }

    /// Asks for a value that must not be empty. If the input is empty, the user is asked again, up to two times.
    ///
    /// # Errors
    /// Returns a usage error if the input is still empty after that.
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

    /// Reads the answer on a separate thread, so that signals can be handled while the user types. After a signal, the thread may still be
    /// reading when this function returns. This function therefore restores the terminal itself.
    async fn ask(self, question: &PromptText<'_>, signals: &Signals) -> Result<Secret, Error> {
        if !self.is_available() {
            let (subject, obstacle) = (&question.subject, self.obstacle());
            let message = format!("could not ask for the {subject}: {obstacle}");
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
            // If the user types Ctrl-C on a Windows console, the read ends with `Interrupted`, and the signal may arrive only after that.
            // So this code waits for the signal.
            Ok(Ok(Err(error))) if error.kind() == io::ErrorKind::Interrupted => {
                Err(Error::interrupted(signals.first_signal().await))
            }
            answer => answer,
        };
        asking.state.cancelled.store(true, Ordering::SeqCst);
        if answer.is_err() && !reading.is_finished() {
            // The reader thread gets a short time to end before the terminal is restored. A reader thread that is still running could turn off the
            // echo again.
            let _ = tokio::time::timeout(EXIT_WAIT, reading).await;
        }
        asking.outcome(question, answer)
    }
}

fn yes_or_no(answer: &str) -> Result<bool, Error> {
    match answer.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "" | "n" | "no" => Ok(false),
        _ => Err(Error::usage(
            "the answer is neither `y` nor `n`",
            "type `y` or `n`",
        )),
    }
}

/// Returns the text that asks a question again after a rejected answer. The lines above the last line of the question are still on the screen.
fn asked_again(question: &str, error: &Error) -> String {
    let last_line = question.rsplit('\n').next().unwrap_or(question);
    format!("{}\n{last_line}", rejection(error))
}

/// Returns the reason why an answer was rejected, and a hint. The text is wrapped to the width of the terminal.
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

/// A question and the texts for its error messages.
struct PromptText<'a> {
    text: &'a str,
    /// What the user is asked for, in words that fit into a sentence, such as "password of Kim".
    subject: String,
    /// A hint that names other ways to supply the value, without a prompt.
    flags: &'a str,
    echo: Echo,
    /// The last part of the error message if the run ends at this question, such as `nothing was changed on the manager`.
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

/// A cancelled prompt waits at most this long for its reader thread to end.
const EXIT_WAIT: Duration = Duration::from_millis(300);

type ReadResult = Result<io::Result<Secret>, tokio::task::JoinError>;

/// An open prompt. When this value is dropped, the terminal is restored.
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

    /// Waits for the answer. If the user stops the process (Ctrl-Z) and continues it later, the question is asked again, because the shell
    /// changes the terminal settings while the process is stopped.
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
            // If the terminal is closed, the read ends as if the user had pressed Enter. The typed text is discarded, because it may be an incomplete
            // password. A sign-in with an incomplete password would fail and count towards the account lockout.
            Ok(Ok(_)) if was_closed => question.unread("the terminal was closed"),
            Ok(Ok(Ok(answer))) => return Ok(answer),
            Ok(Ok(Err(error))) => question.unread(&reason(&error)),
            // The reading thread has failed, for example because the async runtime is shutting down.
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
            "a background process cannot prompt: run the process in the foreground, for example with `timeout --foreground`, or {}",
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

/// Returns what a question asks for, in words that fit into a sentence. For example, "Password of Kim: " becomes "password of Kim".
fn topic(question: &str) -> String {
    let mut characters = question.trim_end_matches(": ").chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(characters).collect()
    })
}

#[cfg(all(test, unix))]
pub(crate) mod tests {
    use super::*;

    /// Simulates an open prompt for a secret: saves the terminal settings and turns off the echo.
    pub(crate) fn begin_to_ask() {
        remember(Some(tty::TerminalState::now()));
        tty::stop_echo().expect("a terminal");
    }
}

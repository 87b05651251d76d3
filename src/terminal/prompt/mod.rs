//! Asking a person: on the terminal itself, so that stdin and stdout can be pipes.

#[cfg(not(unix))]
mod console;
#[cfg(unix)]
mod tty;

use std::io;
#[cfg(unix)]
use std::sync::atomic::AtomicU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

#[cfg(not(unix))]
use console as terminal;

use crate::error::{Error, ErrorKind, Signal};
use crate::process::signals::Signals;
use crate::secret::Secret;

/// How the terminal was before the question that is being asked.
static BEFORE: Mutex<Option<tty::Saved>> = Mutex::new(None);

/// Gives the terminal back as it was before the question that is being asked, if one is: for an end that goes past the asking.
pub(crate) fn restore_terminal() {
    if let Ok(before) = BEFORE.try_lock()
        && let Some(before) = before.as_ref()
    {
        before.restore();
    }
}

fn remember(terminal: Option<tty::Saved>) {
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
        if !no_input && tty::is_there() {
            Self::Terminal
        } else {
            Self::Nobody
        }
    }

    /// Asks for a secret, which is not shown. `flags` names the way to give it without a question.
    pub(crate) async fn hidden(
        self,
        question: &str,
        flags: &str,
        signals: &Signals,
    ) -> Result<Secret, Error> {
        let question = Question::new(question, topic(question), flags, Echo::Off);
        let answer = self.ask(&question, signals).await?;
        question.not_empty(answer)
    }

    /// Asks for something that is shown while it is typed.
    pub(crate) async fn visible(
        self,
        question: &str,
        flags: &str,
        signals: &Signals,
    ) -> Result<Secret, Error> {
        let question = Question::new(question, topic(question), flags, Echo::On);
        let answer = self.ask(&question, signals).await?;
        question.not_empty(answer)
    }

    /// Asks for an answer that may be anything, nothing at all included.
    pub(crate) async fn answer(
        self,
        question: &str,
        flags: &str,
        signals: &Signals,
    ) -> Result<String, Error> {
        let question = Question::new(question, "answer".to_owned(), flags, Echo::On);
        let answer = self.ask(&question, signals).await?;
        Ok(answer.expose().trim().to_owned())
    }

    /// Asks whether to do something; only `y` and `yes` mean that.
    pub(crate) async fn confirm(
        self,
        question: &str,
        flags: &str,
        signals: &Signals,
    ) -> Result<bool, Error> {
        let question = format!("{question} [y/N] ");
        let answer = self.answer(&question, flags, signals).await?;
        Ok(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Reads on a thread of its own, so that a signal is noticed meanwhile; the terminal is then put back as it was, because the
    /// thread may be left behind in the middle of its reading.
    async fn ask(self, question: &Question<'_>, signals: &Signals) -> Result<Secret, Error> {
        if self == Self::Nobody {
            let message = format!(
                "no {} is given, and there is nobody to ask",
                question.subject
            );
            return Err(Error::usage(message, question.flags));
        }
        let asking = Asking::begin();
        let (text, echo, state) = (question.text.to_owned(), question.echo, asking.state());
        let mut reading = tokio::task::spawn_blocking(move || tty::line(&text, echo, &state));
        let answer = signals
            .cancel(async { Ok(asking.noting_stops(&mut reading).await) })
            .await;
        let answer = match answer {
            // A console hands Ctrl-C over as a character; the signal that its library raises may not be here yet.
            Ok(Ok(Err(error))) if error.kind() == io::ErrorKind::Interrupted => {
                Err(Error::interrupted(signals.first_signal().await))
            }
            answer => answer,
        };
        asking.state.left.store(true, Ordering::SeqCst);
        if answer.is_err() && !reading.is_finished() {
            // It would take the echo away once more if it asked again just now.
            let _ = tokio::time::timeout(LAST_WAIT, reading).await;
        }
        asking.outcome(question, answer)
    }
}

/// What is asked.
struct Question<'a> {
    text: &'a str,
    /// What is asked for, in the middle of a sentence.
    subject: String,
    /// How to give it without a question.
    flags: &'a str,
    echo: Echo,
}

/// Whether the terminal shows what is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Echo {
    On,
    Off,
}

impl<'a> Question<'a> {
    fn new(text: &'a str, subject: String, flags: &'a str, echo: Echo) -> Self {
        Self {
            text,
            subject,
            flags,
            echo,
        }
    }

    fn not_empty(&self, answer: Secret) -> Result<Secret, Error> {
        if answer.is_empty() {
            Err(self.unread("nothing was typed"))
        } else {
            Ok(answer)
        }
    }

    fn unread(&self, reason: &str) -> Error {
        let subject = &self.subject;
        Error::usage(
            format!("no {subject} could be read: {reason}; nothing was changed"),
            self.flags,
        )
    }
}

/// How long a thread that reads takes at most to notice that it is left.
const LAST_WAIT: Duration = Duration::from_millis(300);

/// What the thread that reads has to know of the run.
#[derive(Default)]
struct State {
    /// The answer is not waited for any more.
    left: AtomicBool,
    /// How often the process went on after a stop.
    #[cfg(unix)]
    continued: AtomicU32,
    /// The number of the last turn that the thread asked the run to take, and of the last that it took.
    #[cfg(unix)]
    turn_wanted: AtomicU32,
    #[cfg(unix)]
    turn_taken: AtomicU32,
    #[cfg(unix)]
    turn: tokio::sync::Notify,
}

impl State {
    #[cfg(unix)]
    fn is_left(&self) -> bool {
        self.left.load(Ordering::SeqCst)
    }

    /// Waits until the run has dealt with the signals that had come before this was called. One to end it leaves the question.
    #[cfg(unix)]
    fn wait_for_turn(&self) {
        let wanted = self.turn_wanted.fetch_add(1, Ordering::SeqCst) + 1;
        self.turn.notify_one();
        while !self.is_left() && self.turn_taken.load(Ordering::SeqCst) < wanted {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

type Read = Result<io::Result<Secret>, tokio::task::JoinError>;

/// A question that is being asked. The terminal is as it was before when this is dropped.
struct Asking {
    before: tty::Saved,
    state: Arc<State>,
}

impl Asking {
    fn begin() -> Self {
        remember(Some(tty::Saved::now()));
        Self {
            before: tty::Saved::now(),
            state: Arc::default(),
        }
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state)
    }

    /// Waits for the answer. After a stop (Ctrl-Z), a shell has changed the terminal, and the question has to be asked again.
    #[cfg(unix)]
    async fn noting_stops(
        &self,
        reading: &mut tokio::task::JoinHandle<io::Result<Secret>>,
    ) -> Read {
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
    async fn noting_stops(
        &self,
        reading: &mut tokio::task::JoinHandle<io::Result<Secret>>,
    ) -> Read {
        reading.await
    }

    fn outcome(
        self,
        question: &Question<'_>,
        answer: Result<Read, Error>,
    ) -> Result<Secret, Error> {
        let went_away = self.before.went_away();
        let failure = match answer {
            Err(error) => {
                let error = self.interrupted(error, question);
                self.before.end_line(question.echo);
                return Err(error);
            }
            // The end of a terminal ends the reading as a line break does, and half a password counts as a wrong one.
            Ok(Ok(_)) if went_away => question.unread("the terminal went away"),
            Ok(Ok(Ok(answer))) => return Ok(answer),
            Ok(Ok(Err(error))) => question.unread(&reason(&error)),
            // The runtime is being shut down.
            Ok(Err(_)) => Error::new(ErrorKind::Unexpected, "the prompt failed unexpectedly"),
        };
        self.before.end_line(question.echo);
        Err(failure)
    }

    fn interrupted(&self, error: Error, question: &Question<'_>) -> Error {
        let ErrorKind::Interrupted(signal) = error.kind() else {
            return error;
        };
        let message = "interrupted; nothing was changed";
        let error = Error::new(ErrorKind::Interrupted(signal), message);
        if signal == Signal::Signals || self.before.is_in_foreground() {
            return error;
        }
        error.hint(format!(
            "the run was in the background of the terminal, where it cannot ask: use `timeout --foreground`, or {}",
            question.flags
        ))
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.state.left.store(true, Ordering::SeqCst);
        self.before.restore();
        remember(None);
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the input ended".to_owned(),
        io::ErrorKind::InvalidData => "what was typed is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

/// The question in the middle of a sentence: "Password of Kim: " becomes "password of Kim".
fn topic(question: &str) -> String {
    let mut characters = question.trim_end_matches(": ").chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(characters).collect()
    })
}

#[cfg(all(test, unix))]
pub(crate) mod tests {
    use super::*;

    /// What asks for a secret does before it reads.
    pub(crate) fn begin_to_ask() {
        remember(Some(tty::Saved::now()));
        tty::stop_echo().expect("a terminal");
    }
}

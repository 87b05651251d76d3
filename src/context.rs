//! The state of a run that does not depend on the manager. Everything that belongs to one manager, such as its address and the credentials, is in a
//! [`Target`](crate::target::Target).

use std::cell::Cell;
use std::time::Duration;

use crate::config::Settings;
use crate::error::Error;
use crate::journal::PendingFlushes;
use crate::process::pending::PendingSet;
use crate::process::signals::Signals;
use crate::terminal::output::Output;
use crate::terminal::progress::Steps;
use crate::terminal::prompt::Prompt;

/// The time after the first signal until a note is printed. If the run exits within this time, no note is printed.
const EXIT_PAUSE: Duration = Duration::from_millis(100);

/// The state of one run.
pub(crate) struct Context {
    /// Writes results, notes and warnings.
    pub(crate) output: Output,
    /// The signals that this process has received.
    pub(crate) signals: Signals,
    /// The operations that would be left unfinished if the run were aborted now.
    pub(crate) pending: PendingSet,
    /// The steps in progress, which are shown on the terminal.
    pub(crate) progress: Steps,
    /// The pending flushes of the journal folder. A flush makes the removal of records permanent.
    pub(crate) flushes: PendingFlushes,
    /// If true, secrets are read even from files that other users may read.
    pub(crate) allow_loose_permissions: bool,
    /// If true, a run that cannot write its journal record stops before it creates a secret.
    pub(crate) require_journal: bool,
    /// If true, the run never prompts.
    no_input: bool,
    /// True if a note about a wait for the requests of an interrupted run was printed.
    has_waited: Cell<bool>,
    /// True if the work is done, and only the sign-out and the flushes to disk remain. See [`Context::aborted`].
    signing_out: Cell<bool>,
}

impl Context {
    /// Returns the context of a run with these settings.
    pub(crate) fn new(settings: &Settings, output: Output) -> Self {
        Self {
            progress: Steps::new(&output),
            output,
            signals: Signals::default(),
            pending: PendingSet::default(),
            flushes: PendingFlushes::default(),
            allow_loose_permissions: settings.allow_loose_permissions,
            require_journal: settings.require_journal,
            no_input: settings.no_input,
            has_waited: Cell::new(false),
            signing_out: Cell::new(false),
        }
    }

    /// Returns the prompt on the terminal. The prompt is disabled if there is no terminal or if `--no-input` is set.
    pub(crate) fn prompt(&self) -> Prompt {
        Prompt::find(self.no_input)
    }

    /// Returns ` --yes` if this run cannot prompt, or an empty text if it can. Hints append this text to a command that asks for confirmation.
    pub(crate) fn yes_flag(&self) -> &'static str {
        match self.prompt().is_available() {
            true => "",
            false => " --yes",
        }
    }

    /// Returns true for the first wait for the requests of an interrupted run.
    pub(crate) fn is_first_wait(&self) -> bool {
        !self.has_waited.replace(true)
    }

    /// Records that the work of the command is done, and that the run only has to sign out and to finish flushes to disk.
    pub(crate) fn sign_out_begins(&self) {
        self.signing_out.set(true);
    }

    /// Waits for a second signal, and returns the error for the aborted run.
    ///
    /// The error lists the unfinished operations. The error must be created before the command's future is dropped, because dropping the future
    /// empties the list.
    ///
    /// If only the sign-out and flushes to disk remain, this function never returns. The second signal cancels the sign-out and the flushes. The run
    /// then reports the result of its work.
    pub(crate) async fn aborted(&self) -> Error {
        let signal = self.signals.second_signal().await;
        if self.signing_out.get() && self.pending.is_empty() {
            return std::future::pending().await;
        }
        self.pending.abort_error(signal)
    }

    /// Prints a note if the run does not exit soon after the first signal. The note says what the run is still doing, and that a second signal exits
    /// immediately. This function never returns.
    pub(crate) async fn note_interruption(&self) -> std::convert::Infallible {
        self.signals.first_signal().await;
        let meanwhile = match self.pending.meanwhile() {
            Some(meanwhile) => Some(meanwhile.to_owned()),
            None => {
                // If the run has no operation to finish, it usually exits within `EXIT_PAUSE`, and no note is needed.
                tokio::time::sleep(EXIT_PAUSE).await;
                self.progress.current()
            }
        };
        if let Some(meanwhile) = meanwhile {
            self.output.note(&format!(
                "interrupted; {meanwhile} (a second signal exits immediately)"
            ));
        }
        std::future::pending().await
    }
}

/// The result of a command that succeeded.
pub(crate) enum Outcome {
    /// The command completed its work.
    Done,
    /// The command ran another program, and `swp-keys` must exit with the exit code of that program.
    Child(u8),
}

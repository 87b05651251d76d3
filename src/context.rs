//! The state that one run shares between all managers that it works on. It holds no credential, no session and no address: those belong to a
//! [`Target`](crate::target::Target).

use std::cell::Cell;

use crate::config::Settings;
use crate::error::Error;
use crate::journal::PendingFlushes;
use crate::process::pending::PendingSet;
use crate::process::signals::Signals;
use crate::terminal::output::Output;
use crate::terminal::prompt::Prompt;

/// What one run shares.
pub(crate) struct Context {
    /// Writes results, notes and warnings.
    pub(crate) output: Output,
    /// The signals that this process has received.
    pub(crate) signals: Signals,
    /// The work that an aborted run would leave unfinished.
    pub(crate) pending: PendingSet,
    /// The flushes of removed records.
    pub(crate) flushes: PendingFlushes,
    /// Read secrets from files that other users may read.
    pub(crate) allow_loose_permissions: bool,
    /// Stop before a secret is created if no record of the run can be written.
    pub(crate) require_journal: bool,
    /// Never prompt.
    no_input: bool,
    /// True if only the sign-out and the flushes are left; see [`Context::aborted`].
    signing_out: Cell<bool>,
}

impl Context {
    /// The context of a run with these settings.
    pub(crate) fn new(settings: &Settings, output: Output) -> Self {
        Self {
            output,
            signals: Signals::default(),
            pending: PendingSet::default(),
            flushes: PendingFlushes::default(),
            allow_loose_permissions: settings.allow_loose_permissions,
            require_journal: settings.require_journal,
            no_input: settings.no_input,
            signing_out: Cell::new(false),
        }
    }

    /// Returns the prompt: the terminal, or none if there is no terminal or `--no-input` is set.
    pub(crate) fn prompt(&self) -> Prompt {
        Prompt::find(self.no_input)
    }

    /// Notes that the work is done, and only the sign-out and the flushes are left.
    pub(crate) fn sign_out_begins(&self) {
        self.signing_out.set(true);
    }

    /// Waits for a second signal, and returns the error of the run that it aborts.
    ///
    /// It must be read here: the guards of the pending work are dropped with the work. If only the sign-out and the flushes are
    /// left, the second signal cancels them and not the run, so that the result of the finished work is still reported.
    pub(crate) async fn aborted(&self) -> Error {
        let signal = self.signals.second_signal().await;
        if self.signing_out.get() && self.pending.is_empty() {
            return std::future::pending().await;
        }
        self.pending.abort_error(signal)
    }

    /// Prints a note when a first signal arrives during work that must be finished or undone; never returns.
    pub(crate) async fn note_interruption(&self) -> std::convert::Infallible {
        self.signals.first_signal().await;
        if let Some(meanwhile) = self.pending.meanwhile() {
            self.output.note(&format!(
                "interrupted; {meanwhile} (a second signal exits immediately)"
            ));
        }
        std::future::pending().await
    }
}

/// The result of a command that did not fail.
pub(crate) enum Outcome {
    /// The command did its work.
    Done,
    /// The command ran another program, whose exit code becomes this program's.
    Child(u8),
}

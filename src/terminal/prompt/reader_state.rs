//! The state that a prompt shares with the thread that reads the answer.

use std::sync::atomic::AtomicBool;
#[cfg(unix)]
use std::sync::atomic::{AtomicU32, Ordering};
#[cfg(unix)]
use std::time::Duration;

/// Whether the terminal shows the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Echo {
    On,
    Off,
}

/// The state of a prompt, which the run and the thread that reads the answer share.
#[derive(Default)]
pub(super) struct ReaderState {
    /// True if the run has stopped waiting for the answer.
    pub(super) cancelled: AtomicBool,
    /// The number of times the process continued after a stop.
    #[cfg(unix)]
    pub(super) continued: AtomicU32,
    /// The number of times that the thread has asked the run to handle the signals that have arrived.
    #[cfg(unix)]
    pub(super) turn_wanted: AtomicU32,
    /// The value that `turn_wanted` had when the run last handled signals.
    #[cfg(unix)]
    pub(super) turn_taken: AtomicU32,
    #[cfg(unix)]
    pub(super) turn: tokio::sync::Notify,
}

impl ReaderState {
    #[cfg(unix)]
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Waits until the run has handled the signals that arrived before this call. A signal that ends the run cancels the prompt.
    #[cfg(unix)]
    pub(super) fn wait_for_turn(&self) {
        let wanted = self.turn_wanted.fetch_add(1, Ordering::SeqCst) + 1;
        self.turn.notify_one();
        while !self.is_cancelled() && self.turn_taken.load(Ordering::SeqCst) < wanted {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

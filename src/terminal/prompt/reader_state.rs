//! The state that a prompt shares with the thread that reads the answer to it.

use std::sync::atomic::AtomicBool;
#[cfg(unix)]
use std::sync::atomic::{AtomicU32, Ordering};
#[cfg(unix)]
use std::time::Duration;

/// Whether the terminal shows what the user types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Echo {
    On,
    Off,
}

/// The state that an open prompt shares with the thread that reads the answer. The prompt itself waits on the main thread.
#[derive(Default)]
pub(super) struct ReaderState {
    /// True if the prompt no longer waits for the answer. The reading thread must then end.
    pub(super) cancelled: AtomicBool,
    /// The number of times that the process was stopped (Ctrl-Z) and continued.
    #[cfg(unix)]
    pub(super) continued: AtomicU32,
    /// The number of requests from the reading thread to the main thread. Each request asks the main thread to handle the pending signals.
    #[cfg(unix)]
    pub(super) turn_wanted: AtomicU32,
    /// `turn_wanted` counts the requests of the reading thread. `turn_taken` counts those that the main thread has handled. If `turn_taken` is less
    /// than `turn_wanted`, the reading thread is waiting.
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

    /// Waits until the main thread has handled all signals that arrived before this call. If one of these signals ends the run, the prompt
    /// is cancelled.
    #[cfg(unix)]
    pub(super) fn wait_for_turn(&self) {
        let wanted = self.turn_wanted.fetch_add(1, Ordering::SeqCst) + 1;
        self.turn.notify_one();
        while !self.is_cancelled() && self.turn_taken.load(Ordering::SeqCst) < wanted {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

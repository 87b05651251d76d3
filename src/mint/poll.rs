//! Looking again with growing pauses, until what became of a request is known or a wait is over.

use std::time::{Duration, Instant};

/// How long a refusal is doubted that is not in the manager's form.
pub(crate) const REFUSAL_WAIT: Duration = Duration::from_secs(5);

/// The first pause between two looks; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// Looks with growing pauses, until a wait is over.
pub(crate) struct Poll {
    until: Instant,
    pause: Duration,
}

impl Poll {
    pub(crate) fn new(wait: Duration) -> Self {
        Self {
            until: Instant::now() + wait,
            pause: FIRST_PAUSE,
        }
    }

    /// Whether the wait is over, so that a look now is the last.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Pauses, and says whether to look again; the last look is at the very end of the wait.
    pub(crate) async fn wait(&mut self) -> bool {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        tokio::time::sleep(self.pause.min(left)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}

//! Polls with increasing pauses, until the outcome of a request is known or the maximum wait is over.

use std::time::{Duration, Instant};

/// How long to poll after an error response that a proxy may have sent.
pub(crate) const REFUSAL_WAIT: Duration = Duration::from_secs(5);

/// The first pause. Each pause is twice as long as the previous one, up to the longest pause.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// The pauses between the polls during one wait.
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

    /// Returns true if the maximum wait is over, so that the next poll is the last one.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Pauses, and returns true if the caller must poll again. The last poll is made when the maximum wait is over.
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

//! The rate limit, which is counted for each user and each API key separately (`docs/manager-api.md`, "Rate limits"). A call that the rate
//! limit rejects does not count.

use std::collections::{HashMap, VecDeque};

use super::clock::{Millis, http_date};
use crate::sandbox::http::response::Refusal;
use crate::sandbox::options::choices::RetryAfter;

const WINDOW: Millis = 60_000;

/// The times of the calls that each user and each API key made in the last 60 seconds.
#[derive(Debug, Default)]
pub(crate) struct RateLimit {
    calls: HashMap<String, VecDeque<Millis>>,
}

impl RateLimit {
    /// Counts a call towards the rate limit. If the limit is already reached, returns an error response instead.
    pub(crate) fn count(
        &mut self,
        caller: &str,
        limit: Option<u32>,
        hint: RetryAfter,
        now: Millis,
    ) -> Result<(), Refusal> {
        let Some(limit) = limit else { return Ok(()) };
        let calls = self.calls.entry(caller.to_owned()).or_default();
        while calls.front().is_some_and(|time| *time <= now - WINDOW) {
            calls.pop_front();
        }
        if calls.len() < limit as usize {
            calls.push_back(now);
            return Ok(());
        }
        let free_again = calls.front().map_or(now, |oldest| oldest + WINDOW);
        // The waiting time is rounded up to whole seconds, so that a client that waits exactly this long is not rejected again.
        let seconds = (free_again - now + 999) / 1000;
        Err(Refusal::too_many(match hint {
            RetryAfter::None => None,
            RetryAfter::Seconds => Some(seconds.to_string()),
            RetryAfter::Date => Some(http_date(now + seconds * 1000 + 999)),
        }))
    }
}

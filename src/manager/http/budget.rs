//! The calls of this run that count towards the manager's rate limit, and the pauses after a call that exceeded it.
//!
//! The manager counts the calls of the last 60 s (docs/manager-api.md, "Rate limits"). A rejected call is not counted. The limit is not computed
//! from the calls, because other clients may share it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::retry::RetryPolicy;
use crate::manager::error::{Cause, ManagerError};

/// The time for which the manager counts a call.
const WINDOW: Duration = Duration::from_secs(60);
/// A run with fewer calls than this in the window has not used up the limit itself, so it waits as [`super::retry`] determines.
const OWN_USE: usize = 100;
/// The pause of a patient run that has not used up the limit itself.
const PAUSE: Duration = Duration::from_secs(5);
/// The time without an accepted call after which a run gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// The calls of a run to one manager.
pub(crate) struct CallBudget {
    /// The times of the calls in the window that the manager has accepted.
    accepted: RefCell<VecDeque<Instant>>,
    /// The time of the last accepted call, or of the first call.
    last: Cell<Instant>,
    /// The maximum number of calls in the window, if the user limits it.
    cap: Cell<Option<usize>>,
    /// True if the run waits for the rate limit even if other clients have used it up.
    is_patient: Cell<bool>,
}

impl Default for CallBudget {
    fn default() -> Self {
        Self {
            accepted: RefCell::default(),
            last: Cell::new(Instant::now()),
            cap: Cell::new(None),
            is_patient: Cell::new(false),
        }
    }
}

impl CallBudget {
    /// Prepares for a run with many calls: it waits for the rate limit even if other clients have used it up, and it sends at most `cap` calls a
    /// minute.
    pub(crate) fn expect_many_calls(&self, cap: Option<usize>) {
        self.is_patient.set(true);
        self.cap.set(cap);
    }

    /// Counts an accepted call.
    pub(super) fn note_accepted(&self) {
        let now = Instant::now();
        self.last.set(now);
        self.accepted.borrow_mut().push_back(now);
    }

    /// Returns the number of calls in the window, and the time until the first of them is no longer counted.
    fn used(&self) -> (usize, Duration) {
        let mut accepted = self.accepted.borrow_mut();
        while accepted
            .front()
            .is_some_and(|call| call.elapsed() >= WINDOW)
        {
            accepted.pop_front();
        }
        let first = accepted.front().map(Instant::elapsed);
        (
            accepted.len(),
            WINDOW.saturating_sub(first.unwrap_or(WINDOW)),
        )
    }

    /// Waits until the user's maximum number of calls permits another call.
    pub(super) async fn wait_for_room(&self) {
        while let Some(cap) = self.cap.get() {
            match self.used() {
                (used, pause) if used >= cap => sleep(pause).await,
                _ => return,
            }
        }
    }

    /// Returns the pause after a call that exceeded the rate limit. `None` if the number of retries determines the pause. `Some(None)` if the
    /// call must not be repeated.
    pub(super) fn pause_after(
        &self,
        error: &ManagerError,
        policy: RetryPolicy,
    ) -> Option<Option<Duration>> {
        let Cause::RateLimited { retry_after } = error.cause() else {
            return None;
        };
        let (used, until_free) = self.used();
        let is_own_use = used >= OWN_USE;
        if !is_own_use && !self.is_patient.get()
            || matches!(policy, RetryPolicy::SignIn | RetryPolicy::Never)
        {
            return None;
        }
        if self.last.get().elapsed() >= PATIENCE {
            return Some(None);
        }
        let pause = match is_own_use {
            true => until_free,
            false => PAUSE,
        };
        Some(Some(retry_after.unwrap_or(pause).min(WINDOW)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited() -> ManagerError {
        ManagerError::for_tests(Cause::RateLimited { retry_after: None })
    }

    #[test]
    fn a_run_that_used_up_the_limit_waits_until_its_first_call_is_not_counted() {
        let budget = CallBudget::default();
        assert_eq!(budget.pause_after(&limited(), RetryPolicy::Change), None);
        for _ in 0..OWN_USE {
            budget.note_accepted();
        }
        let pause = budget.pause_after(&limited(), RetryPolicy::Change);
        let pause = pause.flatten().unwrap_or_default();
        assert!(pause <= WINDOW && pause > WINDOW - Duration::from_secs(5));
        assert_eq!(budget.pause_after(&limited(), RetryPolicy::SignIn), None);
    }

    #[test]
    fn a_patient_run_waits_for_two_minutes() {
        let budget = CallBudget::default();
        budget.expect_many_calls(None);
        let pause = |budget: &CallBudget| budget.pause_after(&limited(), RetryPolicy::Read);
        assert_eq!(pause(&budget), Some(Some(PAUSE)));
        budget.last.set(
            Instant::now()
                .checked_sub(PATIENCE)
                .unwrap_or_else(Instant::now),
        );
        assert_eq!(pause(&budget), Some(None));
    }
}

//! What may be sent again, each cause with its reason.
//!
//! A read changes nothing, so it may be repeated. A create never is, and a sign-in never is, because a refused one counts towards
//! the lock-out; unless it is known that nothing was executed.

use std::time::{Duration, Instant};

use crate::manager::error::{Cause, ManagerError};
use crate::random;

/// How often one request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryPolicy {
    /// It changes nothing.
    Read,
    /// It changes something on the manager.
    Change,
    /// It changes something, and ends where it ends however often it is sent: a deletion, or values that are set.
    Idempotent,
    /// It is a sign-in.
    SignIn,
    /// It is a probe or a farewell; whoever sends it decides.
    Never,
}

/// The manager counts calls over 60 s (manager-api.md, section 10): a limit that outlasts that is not worth waiting for.
const RATE_LIMIT_WAIT: Duration = Duration::from_secs(60);
/// The first pause after a failure that passes quickly.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The first pause after a 429 without Retry-After: four pauses of 2, 4, 8 and 16 s cover half of the window that is counted.
const FIRST_LIMITED_PAUSE: Duration = Duration::from_secs(2);

/// The tries of one request.
pub(crate) struct RetryState {
    repeat: RetryPolicy,
    left: u32,
    made: u32,
    since: Instant,
}

impl RetryState {
    pub(crate) fn new(repeat: RetryPolicy, retries: u32) -> Self {
        Self {
            repeat,
            left: retries,
            made: 0,
            since: Instant::now(),
        }
    }

    /// How long to pause before sending again, or `None` where that must not be done.
    pub(crate) fn pause_after(&mut self, error: &ManagerError) -> Option<Duration> {
        if self.left == 0 || !may_repeat(self.repeat, error.cause()) {
            return None;
        }
        let pause = match error.cause() {
            Cause::RateLimited { retry_after } => {
                let pause = retry_after.unwrap_or_else(|| jittered(FIRST_LIMITED_PAUSE, self.made));
                // The manager may name any time, so the sum may be one that there is not.
                let until = self.since.elapsed().saturating_add(pause);
                (until <= RATE_LIMIT_WAIT).then_some(pause)?
            }
            Cause::Unavailable {
                retry_after: Some(pause),
            } => (*pause <= RATE_LIMIT_WAIT).then_some(*pause)?,
            _ => jittered(FIRST_PAUSE, self.made),
        };
        self.left -= 1;
        self.made += 1;
        Some(pause)
    }
}

fn may_repeat(repeat: RetryPolicy, cause: &Cause) -> bool {
    match cause {
        // Nobody listened, so nothing was sent.
        Cause::ConnectionRefused => repeat != RetryPolicy::Never,
        // "A refused call is not executed and not counted" (manager-api.md, section 10), so even a create may be sent again. Not
        // so a sign-in: nothing says that a limited one does not count as a failed one.
        Cause::RateLimited { .. } => {
            matches!(
                repeat,
                RetryPolicy::Read | RetryPolicy::Change | RetryPolicy::Idempotent
            )
        }
        // The connection broke, or something in between had no answer: a create may have happened, a read does not matter. A
        // change of some fields may have happened too; sent again, it sets the same values once more, and names no others.
        Cause::Reset | Cause::Unavailable { .. } => {
            matches!(repeat, RetryPolicy::Read | RetryPolicy::Idempotent)
        }
        _ => false,
    }
}

/// Exponential, and between half of it and all of it at random, so that many runs do not come back in step.
fn jittered(first: Duration, made: u32) -> Duration {
    let full = first * 2_u32.saturating_pow(made.min(8));
    full.mul_f64(0.5 + random::fraction() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manager::error::SignInRefusal;

    fn limited(seconds: u64) -> ManagerError {
        ManagerError::for_tests(Cause::RateLimited {
            retry_after: Some(Duration::from_secs(seconds)),
        })
    }

    #[test]
    fn a_create_is_repeated_only_where_nothing_was_executed() {
        for (cause, again) in [
            (Cause::ConnectionRefused, true),
            (Cause::RateLimited { retry_after: None }, true),
            (Cause::Reset, false),
            (Cause::TimedOut, false),
            (Cause::Unavailable { retry_after: None }, false),
            (Cause::Unreadable, false),
        ] {
            assert_eq!(may_repeat(RetryPolicy::Change, &cause), again, "{cause:?}");
        }
    }

    #[test]
    fn values_that_are_set_may_be_set_twice() {
        for (cause, again) in [
            (Cause::ConnectionRefused, true),
            (Cause::RateLimited { retry_after: None }, true),
            (Cause::Reset, true),
            (Cause::Unavailable { retry_after: None }, true),
            (Cause::TimedOut, false),
            (Cause::Rejected(500), false),
            (Cause::Unreadable, false),
        ] {
            assert_eq!(
                may_repeat(RetryPolicy::Idempotent, &cause),
                again,
                "{cause:?}"
            );
        }
    }

    #[test]
    fn a_sign_in_is_repeated_only_where_nobody_listened() {
        assert!(may_repeat(RetryPolicy::SignIn, &Cause::ConnectionRefused));
        for cause in [
            Cause::RateLimited { retry_after: None },
            Cause::Reset,
            Cause::TimedOut,
            Cause::SignInRefused(SignInRefusal::Unclear),
            Cause::TooManySessions,
            Cause::Unavailable { retry_after: None },
        ] {
            assert!(!may_repeat(RetryPolicy::SignIn, &cause), "{cause:?}");
        }
    }

    #[test]
    fn a_limit_is_waited_for_within_a_minute_and_as_long_as_the_manager_says() {
        let mut attempts = RetryState::new(RetryPolicy::Change, 4);
        assert_eq!(
            attempts.pause_after(&limited(7)),
            Some(Duration::from_secs(7))
        );
        assert_eq!(attempts.pause_after(&limited(61)), None);
    }

    #[test]
    fn a_pause_beyond_all_time_is_none() {
        let mut attempts = RetryState::new(RetryPolicy::Read, 4);
        attempts.since -= Duration::from_millis(1500);
        assert_eq!(attempts.pause_after(&limited(u64::MAX)), None);
    }

    #[test]
    fn pauses_grow_and_tries_end() {
        let mut attempts = RetryState::new(RetryPolicy::Read, 2);
        let error = ManagerError::for_tests(Cause::Reset);
        let (one, two) = (attempts.pause_after(&error), attempts.pause_after(&error));
        assert!(one >= Some(Duration::from_millis(125)) && one <= Some(Duration::from_millis(250)));
        assert!(two >= Some(Duration::from_millis(250)) && two <= Some(Duration::from_millis(500)));
        assert_eq!(attempts.pause_after(&error), None);
    }
}

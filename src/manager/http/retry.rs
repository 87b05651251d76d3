//! Decides which requests may be sent again, and when.
//!
//! A read may be repeated, because it changes nothing. The creation of a key is repeated only if the first request was definitely not executed,
//! because the second request could create a second key. The same applies to a sign-in, because each rejected sign-in counts towards the lockout.

use std::time::{Duration, Instant};

use crate::manager::error::{Cause, ManagerError};
use crate::random;

/// The effect of a request, which decides whether it may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryPolicy {
    /// The request changes nothing.
    Read,
    /// The request changes something on the manager.
    Change,
    /// The request changes something, but sending it several times has the same result as sending it once. Examples are deleting a key and setting
    /// its fields.
    Idempotent,
    /// The request is a sign-in.
    SignIn,
    /// The request is never repeated. Examples are a sign-out and a check whether the manager is ready.
    Never,
}

/// The maximum total wait if a call exceeds the rate limit. The manager counts only the calls of the last 60 s (docs/manager-api.md, "Rate limits"),
/// so a longer wait does not help.
const RATE_LIMIT_WAIT: Duration = Duration::from_secs(60);
/// The first pause after a failure whose cause usually passes quickly, such as a refused connection.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The first pause after a 429 without `Retry-After`. Each further pause is twice as long. Four pauses (2, 4, 8 and 16 s) take 30 s, which is half of
/// [`RATE_LIMIT_WAIT`].
const FIRST_LIMITED_PAUSE: Duration = Duration::from_secs(2);

/// The state of the attempts to send one request.
pub(crate) struct RetryState {
    policy: RetryPolicy,
    left: u32,
    made: u32,
    since: Instant,
}

impl RetryState {
    pub(crate) fn new(policy: RetryPolicy, retries: u32) -> Self {
        Self {
            policy,
            left: retries,
            made: 0,
            since: Instant::now(),
        }
    }

    /// Returns the pause before the request is sent again. `None` if it must not be sent again.
    pub(crate) fn pause_after(&mut self, error: &ManagerError) -> Option<Duration> {
        if self.left == 0 || !may_retry(self.policy, error.cause()) {
            return None;
        }
        let pause = match error.cause() {
            Cause::RateLimited { retry_after } => {
                let pause = retry_after.unwrap_or_else(|| jittered(FIRST_LIMITED_PAUSE, self.made));
                // `Retry-After` may contain a very large number, and this addition must not overflow.
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

fn may_retry(policy: RetryPolicy, cause: &Cause) -> bool {
    match cause {
        // The connection was refused, so nothing was sent, and even a sign-in may be repeated.
        Cause::ConnectionRefused => policy != RetryPolicy::Never,
        // "A refused call is not executed and not counted" (docs/manager-api.md, "Rate limits"), so even the creation of a key may be sent again. A
        // sign-in is not sent again, because it is unknown whether a sign-in that exceeds the rate limit counts as a failed sign-in.
        Cause::RateLimited { .. } => {
            matches!(
                policy,
                RetryPolicy::Read | RetryPolicy::Change | RetryPolicy::Idempotent
            )
        }
        // The manager may have executed the request. A second create request could create a second key, so it is not sent. A read or an idempotent
        // request is sent again, because a repetition does no harm.
        Cause::Reset | Cause::Unavailable { .. } => {
            matches!(policy, RetryPolicy::Read | RetryPolicy::Idempotent)
        }
        _ => false,
    }
}

/// Returns a random pause before a retry: at least half of the full pause, and at most the full pause. The full pause doubles with each retry.
/// Because the pause is random, parallel runs do not retry at the same time.
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
    fn a_create_is_repeated_only_if_nothing_was_executed() {
        for (cause, again) in [
            (Cause::ConnectionRefused, true),
            (Cause::RateLimited { retry_after: None }, true),
            (Cause::Reset, false),
            (Cause::TimedOut, false),
            (Cause::Unavailable { retry_after: None }, false),
            (Cause::Unreadable, false),
        ] {
            assert_eq!(may_retry(RetryPolicy::Change, &cause), again, "{cause:?}");
        }
    }

    #[test]
    fn an_idempotent_request_may_be_sent_twice() {
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
                may_retry(RetryPolicy::Idempotent, &cause),
                again,
                "{cause:?}"
            );
        }
    }

    #[test]
    fn a_sign_in_is_repeated_only_if_the_connection_was_refused() {
        assert!(may_retry(RetryPolicy::SignIn, &Cause::ConnectionRefused));
        for cause in [
            Cause::RateLimited { retry_after: None },
            Cause::Reset,
            Cause::TimedOut,
            Cause::SignInRefused(SignInRefusal::Unclear),
            Cause::TooManySessions,
            Cause::Unavailable { retry_after: None },
        ] {
            assert!(!may_retry(RetryPolicy::SignIn, &cause), "{cause:?}");
        }
    }

    #[test]
    fn the_wait_for_a_rate_limit_is_at_most_a_minute() {
        let mut attempts = RetryState::new(RetryPolicy::Change, 4);
        assert_eq!(
            attempts.pause_after(&limited(7)),
            Some(Duration::from_secs(7))
        );
        assert_eq!(attempts.pause_after(&limited(61)), None);
    }

    #[test]
    fn there_is_no_retry_if_the_pause_overflows() {
        let mut attempts = RetryState::new(RetryPolicy::Read, 4);
        attempts.since -= Duration::from_millis(1500);
        assert_eq!(attempts.pause_after(&limited(u64::MAX)), None);
    }

    #[test]
    fn pauses_grow_and_retries_end() {
        let mut attempts = RetryState::new(RetryPolicy::Read, 2);
        let error = ManagerError::for_tests(Cause::Reset);
        let (one, two) = (attempts.pause_after(&error), attempts.pause_after(&error));
        assert!(one >= Some(Duration::from_millis(125)) && one <= Some(Duration::from_millis(250)));
        assert!(two >= Some(Duration::from_millis(250)) && two <= Some(Duration::from_millis(500)));
        assert_eq!(attempts.pause_after(&error), None);
    }
}

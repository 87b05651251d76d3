//! Retries a sign-in if the manager rejected it because the account has too many open sessions. A sign-in that was rejected for another reason is not
//! retried.

use std::time::{Duration, Instant};

use crate::context::Context;
use crate::error::Error;
use crate::manager::ManagerError;
use crate::random;
use crate::target::Target;

/// How long a sign-in is retried if `--wait` is not set.
const WAIT: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// The pauses between the attempts of one sign-in.
#[derive(Default)]
pub(crate) struct SessionLimit {
    since: Option<Instant>,
    pauses: u32,
}

impl SessionLimit {
    /// Waits before the next attempt. Prints a note before the first pause. The last pause is shortened, so that it does not exceed the maximum wait.
    ///
    /// # Errors
    /// Returns `error` if the maximum wait is over. Returns an interruption if a signal arrives.
    pub(crate) async fn pause(
        &mut self,
        error: &ManagerError,
        target: &Target,
        context: &Context,
    ) -> Result<(), Error> {
        let wait = target.wait.unwrap_or(WAIT);
        if self.since.is_none() {
            context.output.note(&format!(
                "{error}; retrying for up to {}",
                humantime::format_duration(wait)
            ));
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        let left = wait.saturating_sub(since.elapsed());
        if left.is_zero() {
            return Err(error.clone().into());
        }
        // The pause is partly random, so that concurrent runs with the same account do not send their attempts at the same moment.
        let full = (FIRST_PAUSE * 2_u32.saturating_pow(self.pauses.min(8))).min(LONGEST_PAUSE);
        let pause = full.mul_f64(0.5 + random::fraction() / 2.0).min(left);
        self.pauses += 1;
        let _step = (context.progress).begin("waiting until the account has a free session");
        let sleeping = async {
            tokio::time::sleep(pause).await;
            Ok(())
        };
        context.signals.cancel(sleeping).await
    }
}

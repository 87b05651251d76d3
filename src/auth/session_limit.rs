//! The limit of sessions: a sign-in that is refused for it may be sent again, and no other one may.

use std::time::{Duration, Instant};

use crate::context::Context;
use crate::error::Error;
use crate::manager::ManagerError;
use crate::random;
use crate::target::Target;

/// For how long a session is waited for, unless `--wait` says otherwise.
const WAIT: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// The pauses between sign-ins that were refused for it.
#[derive(Default)]
pub(crate) struct SessionLimit {
    since: Option<Instant>,
    made: u32,
}

impl SessionLimit {
    /// Pauses, with a note the first time. The last try is at the end of the wait.
    ///
    /// # Errors
    /// Returns the refusal when the wait is over.
    pub(crate) async fn pause(
        &mut self,
        error: &ManagerError,
        target: &Target,
        context: &Context,
    ) -> Result<(), Error> {
        let wait = target.wait.unwrap_or(WAIT);
        if self.since.is_none() {
            context.output.note(&format!(
                "{error}; trying again for {}",
                humantime::format_duration(wait)
            ));
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        let left = wait.saturating_sub(since.elapsed());
        if left.is_zero() {
            return Err(error.clone().into());
        }
        // Many runs that share an account do not come back in step.
        let full = (FIRST_PAUSE * 2_u32.saturating_pow(self.made.min(8))).min(LONGEST_PAUSE);
        let pause = full.mul_f64(0.5 + random::fraction() / 2.0).min(left);
        self.made += 1;
        let sleeping = async {
            tokio::time::sleep(pause).await;
            Ok(())
        };
        context.signals.cancel(sleeping).await
    }
}

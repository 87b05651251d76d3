//! Whether a manager is up, found out without signing in: a failed sign-in counts towards the lock-out.
//!
//! A Tomcat answers before its application does, with its own pages, and so does a proxy. The manager is up when something answers that
//! is no web page and no server error. Three paths are tried, since each may be missing:
//!
//! | path | may be missing because |
//! | --- | --- |
//! | `GET /rest/status/manager/ping` | an administrator has to enable it |
//! | `GET /rest/apiVersion` | the legacy API may be switched off, or blocked by a proxy |
//! | `GET /api/apikeys/current` | it needs a key, so it refuses, in the form of the manager's API |

use std::time::{Duration, Instant};

use reqwest::Method;

use super::Manager;
use super::error::{Cause, ManagerError};
use super::http::retry::RetryPolicy;
use super::http::transport::ApiRequest;

/// How long one probe may take.
const PROBE_BUDGET: Duration = Duration::from_secs(5);
/// How long to wait between two probes.
const PROBE_PAUSE: Duration = Duration::from_millis(500);

const PING: &str = "/rest/status/manager/ping";
const VERSION: &str = "/rest/apiVersion";
const CURRENT_KEY: &str = "/api/apikeys/current";

/// What a probe found.
enum Readiness {
    /// The manager answers.
    Up,
    /// It does not yet, which passes while a manager starts.
    Starting(ManagerError),
    /// It does not, which waiting does not change.
    Unusable(ManagerError),
}

/// What was seen last, and since when.
struct LastFailure {
    error: ManagerError,
    since: Instant,
}

impl LastFailure {
    /// Notes what was seen now.
    fn update(last: Option<Self>, error: ManagerError) -> Self {
        let since = match last {
            Some(last) if last.error.cause() == error.cause() => last.since,
            _ => Instant::now(),
        };
        Self { error, since }
    }

    /// The failure of a wait that ran out.
    fn timed_out(self, wait: Duration) -> ManagerError {
        let seconds = |time: Duration| format!("{:.0} s", time.as_secs_f64());
        let message = format!(
            "the manager did not come up within {} (seen for the last {}): {}",
            seconds(wait),
            seconds(self.since.elapsed()),
            self.error
        );
        let hint = "check on the manager's host that its service runs, and that `--url` names it; then run the command again";
        self.error.unavailable(message, hint)
    }
}

impl Manager {
    /// Waits until the manager answers, without signing in.
    ///
    /// # Errors
    /// Returns the last failure if the time runs out, and at once one that waiting does not change: a certificate that is not trusted,
    /// a proxy that refuses.
    pub(crate) async fn wait_until_up(&self, wait: Duration) -> Result<(), ManagerError> {
        let begun = Instant::now();
        let mut last: Option<LastFailure> = None;
        loop {
            let left = wait.saturating_sub(begun.elapsed());
            let error = match self.readiness(left).await {
                Readiness::Up => return Ok(()),
                Readiness::Unusable(error) => return Err(error),
                Readiness::Starting(error) => error,
            };
            let level = match last {
                Some(_) => log::Level::Info,
                None => log::Level::Warn,
            };
            log::log!(level, "{error}; waiting for the manager");
            let sighting = LastFailure::update(last, error);
            if begun.elapsed().saturating_add(PROBE_PAUSE) >= wait {
                return Err(sighting.timed_out(wait));
            }
            last = Some(sighting);
            tokio::time::sleep(PROBE_PAUSE).await;
        }
    }

    /// Probes once. No probe outlasts `left`.
    async fn readiness(&self, left: Duration) -> Readiness {
        let mut found = Readiness::Up;
        for path in [PING, VERSION, CURRENT_KEY] {
            let what = "asking whether the manager is up";
            let mut request = ApiRequest::new(what, Method::GET, path, RetryPolicy::Never);
            request.timeout = Some(PROBE_BUDGET.min(left));
            let error = match self.transport.send(request).await {
                Ok(answer) => match answer.is_the_managers() {
                    Ok(()) => return Readiness::Up,
                    Err(page) => {
                        found = Readiness::Starting(page);
                        continue;
                    }
                },
                Err(error) => error,
            };
            found = match error.cause() {
                Cause::ConnectionRefused
                | Cause::Reset
                | Cause::Unavailable { .. }
                | Cause::TimedOut
                | Cause::Unreachable
                | Cause::Rejected(500..) => return Readiness::Starting(error),
                // A page of 401 or 403 with this cause is Tomcat's, which has the application then.
                Cause::Forbidden
                | Cause::Unauthorized
                | Cause::Redirected { .. }
                | Cause::RateLimited { .. } => Readiness::Up,
                Cause::NotFound | Cause::Rejected(_) if error.is_page() => {
                    Readiness::Starting(error)
                }
                Cause::NotFound | Cause::Rejected(_) => Readiness::Up,
                _ => return Readiness::Unusable(error),
            };
            // The ping is refused by managers that are up and by Tomcats that have nothing else, so its refusal decides nothing.
            if path != PING && matches!(found, Readiness::Up) {
                return found;
            }
        }
        found
    }
}

//! Waits until a manager is ready. The wait sends no credentials, because a failed sign-in counts towards the lockout.
//!
//! An application server or a proxy may respond with web pages before the manager is ready. The manager is ready when a response is neither a web
//! page nor a server error. Three paths are tried, because each path may be unavailable:
//!
//! | path | availability |
//! | --- | --- |
//! | `GET /rest/status/manager/ping` | an administrator must enable it |
//! | `GET /rest/apiVersion` | the legacy API may be switched off, or blocked by a proxy |
//! | `GET /api/apikeys/current` | a manager that is ready rejects a call without a key, with a JSON error |

use std::time::{Duration, Instant};

use reqwest::Method;

use super::client::Manager;
use super::error::{Cause, ManagerError};
use super::http::request::ApiRequest;
use super::http::retry::RetryPolicy;

/// The time limit for one probe.
const PROBE_TIME: Duration = Duration::from_secs(5);
/// The pause between two probes.
const PROBE_PAUSE: Duration = Duration::from_millis(500);

const PING: &str = "/rest/status/manager/ping";
const VERSION: &str = "/rest/apiVersion";
const CURRENT_KEY: &str = "/api/apikeys/current";

/// The result of a probe.
enum Readiness {
    /// The manager is ready.
    Ready,
    /// The manager is not ready, but it may become ready.
    Starting(ManagerError),
    /// The probe failed for a reason that waiting cannot change.
    Failed(ManagerError),
}

/// The last failed probe, and the time since which every probe has failed with the same cause.
struct LastFailure {
    error: ManagerError,
    since: Instant,
}

impl LastFailure {
    /// Records a failure.
    fn update(last: Option<Self>, error: ManagerError) -> Self {
        let since = match last {
            Some(last) if last.error.cause() == error.cause() => last.since,
            _ => Instant::now(),
        };
        Self { error, since }
    }

    /// Returns the error for a manager that was not ready within the wait.
    fn timed_out(self, wait: Duration) -> ManagerError {
        let seconds = |time: Duration| format!("{:.0} s", time.as_secs_f64());
        let message = format!(
            "the manager was not ready within {} (same failure for the last {}): {}",
            seconds(wait),
            seconds(self.since.elapsed()),
            self.error
        );
        let hint = "check that the manager's service is running and that `--url` is its address; then run the command again";
        self.error.unavailable(message, hint)
    }
}

impl Manager {
    /// Waits until the manager is ready, without signing in.
    ///
    /// # Errors
    /// Returns the last failure if the manager is not ready after the wait. A failure that waiting cannot change, such as an untrusted certificate,
    /// is returned immediately.
    pub(crate) async fn wait_until_ready(&self, wait: Duration) -> Result<(), ManagerError> {
        let started = Instant::now();
        let mut last: Option<LastFailure> = None;
        loop {
            let left = wait.saturating_sub(started.elapsed());
            let error = match self.readiness(left).await {
                Readiness::Ready => return Ok(()),
                Readiness::Failed(error) => return Err(error),
                Readiness::Starting(error) => error,
            };
            let level = match last {
                Some(_) => log::Level::Info,
                None => log::Level::Warn,
            };
            log::log!(level, "{error}; waiting for the manager");
            let failure = LastFailure::update(last, error);
            if started.elapsed().saturating_add(PROBE_PAUSE) >= wait {
                return Err(failure.timed_out(wait));
            }
            last = Some(failure);
            tokio::time::sleep(PROBE_PAUSE).await;
        }
    }

    /// Probes each path once. No probe takes longer than `left`.
    async fn readiness(&self, left: Duration) -> Readiness {
        let mut result = Readiness::Ready;
        for path in [PING, VERSION, CURRENT_KEY] {
            let action = "check whether the manager is ready";
            let mut request = ApiRequest::new(action, Method::GET, path, RetryPolicy::Never);
            request.timeout = Some(PROBE_TIME.min(left));
            let error = match self.transport.send(&request).await {
                Ok(response) => match response.require_api_response() {
                    Ok(()) => return Readiness::Ready,
                    Err(page) => {
                        result = Readiness::Starting(page);
                        continue;
                    }
                },
                Err(error) => error,
            };
            result = match error.cause() {
                Cause::ConnectionRefused
                | Cause::Reset
                | Cause::Unavailable { .. }
                | Cause::TimedOut
                | Cause::Unreachable
                | Cause::Rejected(500..) => return Readiness::Starting(error),
                // A web page with one of these causes comes from the manager's Tomcat, so the manager's application is running.
                Cause::Forbidden
                | Cause::Unauthorized
                | Cause::Redirected { .. }
                | Cause::RateLimited { .. } => Readiness::Ready,
                Cause::NotFound | Cause::Rejected(_) if error.is_page() => {
                    Readiness::Starting(error)
                }
                Cause::NotFound | Cause::Rejected(_) => Readiness::Ready,
                _ => return Readiness::Failed(error),
            };
            // A rejected ping does not prove that the manager is ready, because an application server without a manager may also reject a ping.
            if path != PING && matches!(result, Readiness::Ready) {
                return result;
            }
        }
        result
    }
}

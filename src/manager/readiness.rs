//! Waits until a manager is ready. No credentials are sent, because a failed sign-in would count towards the lockout of the account.
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
use super::http::activity::unavailable;
use super::http::request::ApiRequest;
use super::http::retry::RetryPolicy;

/// The time limit for one probe: a request to one of the three paths.
const PROBE_TIME: Duration = Duration::from_secs(5);
/// The pause between two attempts to find out whether the manager is ready.
const PROBE_PAUSE: Duration = Duration::from_millis(500);

/// The time between two log messages about failed probes.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

const PING: &str = "/rest/status/manager/ping";
const VERSION: &str = "/rest/apiVersion";
const CURRENT_KEY: &str = "/api/apikeys/current";

/// The result of probing the three paths.
enum Readiness {
    /// The manager is ready.
    Ready,
    /// The manager is not ready, but it may become ready.
    Starting(ManagerError),
    /// The probe failed for a reason that waiting cannot fix.
    Failed(ManagerError),
}

/// The error of the last failed probe. Every probe since the time `since` has failed with the same cause.
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

    /// Returns the error for a manager that did not become ready in time.
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

/// Decides which failed probes are reported. The first failure is always reported. Later failures are reported only if the terminal does not show the
/// progress, and only once a minute.
#[derive(Default)]
struct Reports {
    last: Option<Duration>,
}

impl Reports {
    /// Returns true if a failed probe must be reported. `elapsed` is the time since the wait began. `visible` is true if the terminal shows the
    /// progress.
    fn is_due(&mut self, elapsed: Duration, visible: bool) -> bool {
        let due = match self.last {
            None => true,
            Some(last) => !visible && elapsed.saturating_sub(last) >= REPORT_INTERVAL,
        };
        if due {
            self.last = Some(elapsed);
        }
        due
    }
}

impl Manager {
    /// Waits until the manager is ready, without signing in.
    ///
    /// # Errors
    /// Returns the last failure if the manager does not become ready in time. A failure that waiting cannot fix, such as an untrusted certificate, is
    /// returned immediately.
    pub(crate) async fn wait_until_ready(&self, wait: Duration) -> Result<(), ManagerError> {
        let started = Instant::now();
        let host = self.transport.address.host_and_port();
        let step = (self.transport.progress).begin(format!("waiting for {host}"));
        let mut last: Option<LastFailure> = None;
        let mut reports = Reports::default();
        loop {
            let left = wait.saturating_sub(started.elapsed());
            let error = match self.readiness(left).await {
                Readiness::Ready => return Ok(()),
                Readiness::Failed(error) => return Err(error),
                Readiness::Starting(error) => error,
            };
            let elapsed = started.elapsed();
            let visible = self.transport.progress.is_visible();
            let level = if reports.is_due(elapsed, visible) {
                log::Level::Warn
            } else {
                log::Level::Info
            };
            match elapsed.as_secs() / 60 {
                0 => log::log!(level, "{error}; waiting for the manager"),
                minutes => log::log!(
                    level,
                    "{error}; still waiting for the manager after {minutes} min"
                ),
            }
            step.set_pause(Some(unavailable(&error, &host)));
            let failure = LastFailure::update(last, error);
            if started.elapsed().saturating_add(PROBE_PAUSE) >= wait {
                return Err(failure.timed_out(wait));
            }
            last = Some(failure);
            tokio::time::sleep(PROBE_PAUSE).await;
        }
    }

    /// Checks once whether the manager is ready, without signing in. If a response contains the manager's version, [`Manager::version`] returns it
    /// afterwards.
    ///
    /// # Errors
    /// Returns the failure if the manager is not ready.
    pub(crate) async fn check_readiness(&self) -> Result<(), ManagerError> {
        match self.readiness(PROBE_TIME).await {
            Readiness::Starting(error) | Readiness::Failed(error) => return Err(error),
            Readiness::Ready => {}
        }
        // Only responses from paths below `/api` were observed to contain the version (docs/manager-api.md, "Hosts and transport"). So this function
        // sends one more request, to a path below `/api`.
        if self.version().is_none() {
            let action = "read the version";
            let mut request = ApiRequest::new(action, Method::GET, CURRENT_KEY, RetryPolicy::Never);
            request.timeout = Some(PROBE_TIME);
            if let Err(error) = self.transport.send(&request).await {
                log::debug!("{error}");
            }
        }
        Ok(())
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
                // These causes show that the manager is running. A 401 or 403 page has one of these causes only if it comes from the manager's web
                // server, Tomcat. A 401 or 403 page of any other server has the cause `Rejected`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_reported_at_first_and_then_once_a_minute() {
        let due = |visible| {
            let mut reports = Reports::default();
            let seconds = [0, 1, 59, 60, 61, 119, 121, 180, 181];
            let mut due = seconds.to_vec();
            due.retain(|second| reports.is_due(Duration::from_secs(*second), visible));
            due
        };
        assert_eq!(due(false), [0, 60, 121, 181]);
        assert_eq!(due(true), [0]);
    }
}

//! Describes what a run is waiting for: the response to a request, or the end of a pause.

use std::time::{Duration, Instant};

use crate::manager::error::{Cause, ManagerError};
use crate::terminal::progress::Pause;

/// Describes a request that is in progress, such as `signing in to dsm:4119`. `action` is the purpose of the request, such as `sign
/// in`.
pub(crate) fn activity(action: &str, host: &str) -> String {
    let (verb, object) = action.split_once(' ').unwrap_or((action, ""));
    match (verb, object) {
        ("sign", "in") => format!("signing in to {host}"),
        ("sign", "out") => format!("signing out of {host}"),
        ("reset", _) => format!("resetting {object}"),
        _ => {
            let stem = verb.strip_suffix('e').unwrap_or(verb);
            format!("{stem}ing {object}")
        }
    }
}

/// Returns the description of the pause before a request is sent again.
pub(crate) fn pause_reason(error: &ManagerError, pause: Duration, host: &str) -> Pause {
    match error.cause() {
        Cause::RateLimited { .. } => Pause::RateLimit(Instant::now() + pause),
        _ => unavailable(error, host),
    }
}

/// Returns the description of a pause while the manager is not available.
pub(crate) fn unavailable(error: &ManagerError, host: &str) -> Pause {
    let reason = match (error.cause(), error.http_status()) {
        (Cause::ConnectionRefused, _) => "connection refused".to_owned(),
        (Cause::Reset, _) => "connection closed".to_owned(),
        (Cause::TimedOut, _) => "no response".to_owned(),
        (Cause::Unreachable, _) => "unreachable".to_owned(),
        (_, Some(status)) => format!("HTTP {status}"),
        _ => "not ready".to_owned(),
    };
    Pause::Unavailable {
        host: host.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_action_is_described_as_an_activity() {
        for (action, wanted) in [
            ("sign in", "signing in to dsm:4119"),
            ("sign out", "signing out of dsm:4119"),
            ("create the key", "creating the key"),
            (
                "reset the secret of the key",
                "resetting the secret of the key",
            ),
            ("search roles", "searching roles"),
            (
                "check whether the manager is ready",
                "checking whether the manager is ready",
            ),
        ] {
            assert_eq!(activity(action, "dsm:4119"), wanted);
        }
    }
}

//! The checks that need a response from the manager but no sign-in: the clock, and whether the manager is up.

use std::time::Duration;

use super::checkup::Checkup;
use super::finding::Finding;
use super::finding::names::{CLOCK, MANAGER};
use crate::context::Context;
use crate::error::Error;
use crate::manager::Manager;
use crate::target::Target;

/// The accepted difference between the manager's clock and this machine's clock, in seconds. A larger difference causes a warning.
const TOLERANCE: u64 = 60;

/// Checks the manager's clock, and whether the manager is up. Returns the manager's version if it is known.
///
/// # Errors
/// Returns an error only if a signal interrupts the checks. Any other error becomes a finding.
pub(super) async fn check(
    target: &Target,
    checkup: &mut Checkup,
    context: &Context,
) -> Result<Option<String>, Error> {
    if checkup.is_blocked() {
        skip(checkup);
        return Ok(None);
    }
    let probe = async {
        let manager = target.manager(context)?;
        let readiness = manager.check_readiness().await;
        Ok((manager, readiness))
    };
    let (manager, readiness) = match context.signals.cancel(probe).await {
        Ok(probed) => probed,
        Err(error) => {
            checkup.add(
                CLOCK,
                Finding::skipped(format!("not run, because `{MANAGER}` failed"), None),
            );
            checkup.add_result(MANAGER, Err(error))?;
            checkup.block_after(MANAGER);
            return Ok(None);
        }
    };
    checkup.add(CLOCK, clock(&manager));
    let version = manager.version();
    let up = async {
        readiness.map_err(|error| {
            let hint = match error.hint() {
                "" => "if the manager is starting, wait for it with `--wait 5m`",
                hint => hint,
            };
            let hint = hint.to_owned();
            Error::from(error).hint(hint)
        })?;
        let message = match &version {
            Some(version) => format!("the manager is up, version {version}"),
            None => "the manager is up; it reports its version only after sign-in".to_owned(),
        };
        Ok((Finding::ok(message), ()))
    };
    checkup.step(MANAGER, up).await?;
    Ok(version)
}

/// Reports the checks of this module as skipped, because an earlier check failed.
pub(super) fn skip(checkup: &mut Checkup) {
    checkup.skip(CLOCK);
    checkup.skip(MANAGER);
}

/// Compares the manager's clock with this machine's clock.
fn clock(manager: &Manager) -> Finding {
    let Some(skew) = manager.clock_skew() else {
        return Finding::skipped(
            "could not check the manager's clock: the `Date` header of the response is missing, or its time is wrong by more than a year",
            None,
        );
    };
    let seconds = skew.num_seconds().unsigned_abs();
    if seconds <= TOLERANCE {
        return Finding::ok("the clocks of the manager and of this machine agree");
    }
    let direction = if skew.num_seconds() > 0 {
        "ahead of"
    } else {
        "behind"
    };
    let difference = humantime::format_duration(Duration::from_secs(seconds));
    Finding::warning(
        format!("the manager's clock is {difference} {direction} this machine's clock"),
        "synchronize both clocks with NTP, because expiry dates and MFA codes depend on the clocks",
    )
}

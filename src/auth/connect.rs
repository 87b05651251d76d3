//! The way to a manager and back: wait until it answers, establish trust, and end the session at the end.

use super::first_use;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::manager::{Manager, SignedIn};
use crate::target::Target;

/// A client for the manager, once it answers and, if no setting trusts it, once the user does.
///
/// # Errors
/// Returns an error if the manager does not answer in time, or a trust error if the user rejects it.
pub(crate) async fn connect(target: &Target, context: &Context) -> Result<Manager, Error> {
    let manager = wait_until_up(target, target.manager(&context.output)?, context).await?;
    if first_use::is_possible(target, context)?
        && first_use::trust_on_first_use(target, context).await?
    {
        return target.manager(&context.output);
    }
    Ok(manager)
}

/// Waits as long as `--wait` allows until the manager answers.
///
/// # Errors
/// Returns an error if the manager does not answer in time.
pub(super) async fn wait_until_up(
    target: &Target,
    manager: Manager,
    context: &Context,
) -> Result<Manager, Error> {
    let Some(duration) = target.wait else {
        return Ok(manager);
    };
    let waiting = async { Ok(manager.wait_until_ready(duration).await?) };
    match context.signals.cancel(waiting).await {
        // The manager is up. Waiting longer does not make it trusted.
        Err(error)
            if error.kind() == ErrorKind::Trust
                && first_use::is_possible(target, context)?
                && first_use::trust_on_first_use(target, context).await? =>
        {
            target.manager(&context.output)
        }
        result => result.map(|()| manager),
    }
}

/// Ends the session on the manager, and returns whether the manager confirmed that. A failure is logged and never fails the run.
///
/// A second signal cancels the sign-out and not the result of the work: a key that was delivered, or that needs attention, is still
/// reported.
pub(crate) async fn sign_out(target: &Target, signed_in: &SignedIn, context: &Context) -> bool {
    if target.no_sign_out {
        return false;
    }
    context.sign_out_begins();
    tokio::select! {
        biased;
        _ = context.signals.second_signal() => {
            log::info!("did not sign out: interrupted");
            false
        }
        result = signed_in.sign_out() => {
            if let Err(error) = &result {
                log::info!("could not sign out: {error}");
            }
            result.is_ok()
        }
    }
}

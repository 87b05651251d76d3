//! Waits until a manager responds, establishes trust, and signs out at the end of a run.

use super::first_use;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::manager::{Manager, SignedIn};
use crate::target::Target;

/// Waits until the manager responds, and returns a client. On first contact, asks the user whether to trust a certificate that the system does not
/// trust.
///
/// # Errors
/// Returns an error if the manager does not respond in time, or a trust error if the user rejects its certificate.
pub(crate) async fn connect(target: &Target, context: &Context) -> Result<Manager, Error> {
    let manager = wait_until_up(target, target.manager(context)?, context).await?;
    if first_use::is_possible(target, context)?
        && first_use::trust_on_first_use(target, context).await?
    {
        return target.manager(context);
    }
    Ok(manager)
}

/// Waits for the manager to respond, for at most the duration of `--wait`.
///
/// # Errors
/// Returns an error if the manager does not respond in time.
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
        // A trust error (for example, an unknown certificate) stops the wait, because it shows that the manager is running.
        Err(error)
            if error.kind() == ErrorKind::Trust
                && first_use::is_possible(target, context)?
                && first_use::trust_on_first_use(target, context).await? =>
        {
            target.manager(context)
        }
        result => result.map(|()| manager),
    }
}

/// Signs out. Returns true if the manager confirmed that it ended the session. An error of the sign-out is only logged, so the run does not fail.
///
/// A second signal cancels the sign-out, so that the run can still report the result of the command, such as the ID of a created key.
pub(crate) async fn sign_out(target: &Target, signed_in: &SignedIn, context: &Context) -> bool {
    if target.no_sign_out {
        return false;
    }
    context.sign_out_begins();
    tokio::select! {
        biased;
        _ = context.signals.second_signal() => {
            log::info!("could not sign out: interrupted");
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

//! Trying a key: its secret is used once, for what every role that may use the web service at all should be able to read.
//!
//! A role may not let a key look at itself, so a 403 proves nothing either way, and something cheap is read instead
//! (docs/manager-api.md, "Checking a key"). A secret that is refused is never tried again: keys count failures and lock.

use crate::manager::{ApiKey, Cause, ManagerError, SignedIn};

/// What using a secret showed.
pub(crate) enum Tried {
    /// It works. Its key, where it may look at itself.
    Works(Option<Box<ApiKey>>),
    /// The manager does not accept it.
    Refused(ManagerError),
    /// Nothing shows that it works, and nothing that it does not.
    Unproven(ManagerError),
}

/// Uses what signs these calls, once.
pub(crate) async fn try_key(signed_in: &SignedIn) -> Tried {
    let error = match signed_in.current_api_key().await {
        Ok(key) => return Tried::Works(Some(Box::new(key))),
        // A key of Cloud One may not even find the place (docs/manager-api.md, "Authentication").
        Err(error) if matches!(error.cause(), Cause::Forbidden | Cause::NotFound) => {
            match signed_in.check_access().await {
                Ok(()) => return Tried::Works(None),
                Err(error) => error,
            }
        }
        Err(error) => error,
    };
    if *error.cause() == Cause::Unauthorized {
        Tried::Refused(error)
    } else {
        Tried::Unproven(error)
    }
}

//! Checks whether an API key works, with one or two read requests.
//!
//! The first request reads the key's own object. Some roles may not read it, so a 403 response leaves open whether the key works. After a 403, a
//! second request reads an object that every role with API access should be able to read (docs/manager-api.md, "Checking a key"). A rejected secret
//! is never sent again, because repeated failures lock a key.

use crate::manager::{ApiKey, Cause, ManagerError, SignedIn};

/// The result of checking an API key.
pub(crate) enum Tried {
    /// The key works. Contains the key's object, or `None` if the key's role may not read it.
    Works(Option<Box<ApiKey>>),
    /// The manager rejected the key.
    Refused(ManagerError),
    /// It is unknown whether the key works.
    Unproven(ManagerError),
}

/// Checks the API key of the client `signed_in`.
pub(crate) async fn try_key(signed_in: &SignedIn) -> Tried {
    let error = match signed_in.current_api_key().await {
        Ok(key) => return Tried::Works(Some(Box::new(key))),
        // A Cloud One key may get a 404, because the endpoint may not exist in Cloud One (docs/manager-api.md, "Authentication").
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

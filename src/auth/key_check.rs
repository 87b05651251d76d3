//! Checks whether an API key works, with one or two read requests.
//!
//! The first request reads the properties of the key itself. A 403 response does not show whether the key works, because the role of the key may not
//! permit reading them. After a 403 response, a second request reads an object that every role with API access should be able to read
//! (docs/manager-api.md, "Checking a key"). A rejected secret is never sent again, because the manager locks a key after repeated failures. A 401
//! response of a gateway does not show whether the key works.

use crate::manager::{ApiKey, Cause, ManagerError, SignedIn};

/// The result of checking an API key.
pub(crate) enum Tried {
    /// The key works. Contains the properties of the key, or `None` if the role of the key does not permit reading them.
    Works(Option<Box<ApiKey>>),
    /// The manager itself rejected the key.
    Refused(ManagerError),
    /// It is unknown whether the key works.
    Unproven(ManagerError),
}

/// Checks the API key of the client `signed_in`.
pub(crate) async fn try_key(signed_in: &SignedIn) -> Tried {
    let error = match signed_in.current_api_key().await {
        Ok(key) => return Tried::Works(Some(Box::new(key))),
        // A 404 response does not show whether a Cloud One key works, because the endpoint may not exist in Cloud One (docs/manager-api.md,
        // "Authentication").
        Err(error) if matches!(error.cause(), Cause::Forbidden | Cause::NotFound) => {
            match signed_in.check_access().await {
                Ok(()) => return Tried::Works(None),
                Err(error) => error,
            }
        }
        Err(error) => error,
    };
    Tried::failed(error)
}

impl Tried {
    /// Returns the result of a check whose request failed.
    pub(crate) fn failed(error: ManagerError) -> Self {
        match *error.cause() == Cause::Unauthorized && error.is_from_manager() {
            true => Self::Refused(error),
            false => Self::Unproven(error),
        }
    }
}

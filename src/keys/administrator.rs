//! Finds an administrator by user name.

use crate::error::Error;
use crate::manager::{Administrator, Cause, ManagerError, SignedIn};

/// Returns the administrator with this name. Returns `None` if no administrator has the name, or if the session lacks the permission to
/// view administrators.
///
/// It is unknown which sessions and roles have this permission (docs/manager-api.md, "Unknowns", no. 20). If the manager rejects the request, this
/// function sends a different read request to check that the session is still valid.
pub(crate) async fn administrator(
    signed_in: &SignedIn,
    username: &str,
) -> Result<Option<Administrator>, Error> {
    let refused = |error: &ManagerError| {
        matches!(
            error.cause(),
            Cause::Forbidden | Cause::Unauthorized | Cause::NotFound | Cause::Rejected(400..500)
        )
    };
    match signed_in.administrators_named(username).await {
        Ok(found) => Ok(found
            .into_iter()
            .find(|one| one.username.as_deref() == Some(username))),
        Err(error) if refused(&error) => {
            log::info!("{error}");
            match signed_in.check_access().await {
                Ok(()) => Ok(None),
                Err(error) if *error.cause() == Cause::Forbidden => Ok(None),
                Err(error) => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

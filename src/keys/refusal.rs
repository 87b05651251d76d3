//! Adds a hint to the error of a request that the manager rejected because a permission may be missing.

use crate::error::Error;
use crate::manager::{Cause, ManagerError, SignedIn};

/// Adds a hint if the error may mean that a permission is missing. `action` is the rejected action, such as "search keys". `instead` is the
/// next step for the user.
pub(super) fn explain_refusal(
    signed_in: &SignedIn,
    error: ManagerError,
    action: &str,
    instead: &str,
) -> Error {
    let uses_key = signed_in.session().is_none();
    let reason = match (error.cause(), uses_key) {
        // The manager returns the same response in three cases: the API key of this run has expired, it is locked, or its role lacks the
        // permission.
        (Cause::Forbidden, true) => {
            "this API key may be expired or locked, or it may lack".to_owned()
        }
        (Cause::Forbidden, false) => "this session lacks".to_owned(),
        (Cause::Unauthorized, false) => format!("{}; or the session may lack", error.hint()),
        _ => return error.into(),
    };
    let hint = format!("{reason} permission to {action}; {instead}");
    error.with_hint(hint).into()
}

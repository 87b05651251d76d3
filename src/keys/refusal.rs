//! The explanation of a search that the manager refused.

use crate::error::Error;
use crate::manager::{Cause, ManagerError, SignedIn};

/// Explains that this sign-in may not do something, if that is what the error means. `what` continues "this key may not", and says what
/// to do.
pub(super) fn explain_refusal(signed_in: &SignedIn, error: ManagerError, what: &str) -> Error {
    let signs_with_key = signed_in.session().is_none();
    let whose = match (error.cause(), signs_with_key) {
        (Cause::Forbidden, true) => "this key may",
        (Cause::Forbidden, false) => "this session may",
        (Cause::Unauthorized, false) => "a session may",
        _ => return error.into(),
    };
    let first = match error.cause() {
        Cause::Unauthorized => format!("{}; or ", error.hint()),
        // The manager refuses such a key in the same words as a role without the right.
        _ if signs_with_key => "the key may be expired or locked; or ".to_owned(),
        _ => String::new(),
    };
    error.with_hint(format!("{first}{whose} not {what}")).into()
}

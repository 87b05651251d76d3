//! Care with the role of a secret that is about to be made: one that can do everything is said, one that could not be used is not made.

use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::manager::{Cause, RoleSummary, SignedIn};

/// Says that a key of this role can do everything, unless that is meant, and refuses a role whose web service right is off.
///
/// # Errors
/// Forbidden, where a key of this role could not be used. What the manager leaves out is no refusal.
pub(crate) fn check(
    role: &RoleSummary,
    allow_full_access: bool,
    context: &Context,
) -> Result<(), Error> {
    if role.allow_web_service == Some(false) {
        return Err(Error::new(
            ErrorKind::Forbidden,
            format!(
                "the role `{}` (ID {}) may not use the web service API (allowWebService is false), so its key could never be used",
                role.name, role.id
            ),
        )
        .hint("allow it in the role, or choose another one; `swp-keys show-role` shows what a role may do"));
    }
    if role.grants_every_right() && !allow_full_access {
        context.output.warn(&format!(
            "the role `{}` (ID {}) has every right, so whoever holds its key can do everything on this manager; \
             `--allow-full-access` says that this is meant",
            role.name, role.id
        ));
    }
    Ok(())
}

/// What there is to know of a role that is given by its ID. Reading it is care, and no condition: whether a session may, is open
/// (manager-api.md, section 11, no. 20), and the ID is the way around that.
///
/// # Errors
/// Where the manager says that there is no such role, or does not accept the key that signs the calls.
pub(crate) async fn of_id(
    id: i64,
    signed_in: &SignedIn,
    context: &Context,
) -> Result<Option<RoleSummary>, Error> {
    let looking = async { Ok(signed_in.role_summary(id).await) };
    let error = match context.signals.cancel(looking).await? {
        Ok(role) => return Ok(Some(role)),
        Err(error) => error,
    };
    match error.cause() {
        Cause::NotFound if error.is_from_manager() => {
            let missing = format!("there is no role with the ID {id}: {error}");
            Err(Error::new(ErrorKind::NotFound, missing)
                .http(Some(404))
                .hint("`swp-keys list-roles` lists the roles"))
        }
        // A key that is refused is not tried again: that would count towards its lock-out.
        Cause::Unauthorized if signed_in.session().is_none() => Err(error.into()),
        _ => {
            log::info!("what the role with the ID {id} may do was not checked: {error}");
            Ok(None)
        }
    }
}

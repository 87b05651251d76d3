//! The check of a role before a secret is made: a role with every right causes a warning, and a role without API access an error.

use crate::auth::session::Access;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::manager::{Cause, RoleSummary};

/// Warns about a role with every right, unless `allow_full_access`, and refuses a role that may not use the API.
///
/// # Errors
/// Returns an error if a key of this role could not be used. A field that the manager leaves out is no reason.
pub(crate) fn check(
    role: &RoleSummary,
    allow_full_access: bool,
    context: &Context,
) -> Result<(), Error> {
    if role.allow_web_service == Some(false) {
        return Err(Error::new(
            ErrorKind::Forbidden,
            format!(
                "the role `{}` (ID {}) has no access to the web service API (allowWebService is false), so a key of it could not be used",
                role.name, role.id
            ),
        )
        .hint("allow it in the role, or choose another role; `swp-keys show-role` shows what a role may do"));
    }
    if role.grants_every_right() && !allow_full_access {
        context.output.warn(&format!(
            "the role `{}` (ID {}) has every right, so a key of it can do everything on this manager; \
             confirm that with `--allow-full-access`",
            role.name, role.id
        ));
    }
    Ok(())
}

/// Reads a role that is given by its ID. It is unknown whether a session may read roles (docs/manager-api.md, "Unknowns", no.
/// 20), so that is not required.
///
/// # Errors
/// Returns an error if there is no such role, or if the manager refuses the key that signs.
pub(crate) async fn of_id(id: i64, access: Access<'_>) -> Result<Option<RoleSummary>, Error> {
    let looking = async { Ok(access.signed_in.role_summary(id).await) };
    let error = match access.context.signals.cancel(looking).await? {
        Ok(role) => return Ok(Some(role)),
        Err(error) => error,
    };
    match error.cause() {
        Cause::NotFound if error.is_from_manager() => {
            let missing = format!("there is no role with the ID {id}: {error}");
            Err(Error::new(ErrorKind::NotFound, missing)
                .http(Some(404))
                .hint("run `swp-keys list-roles` to list the roles"))
        }
        // A refused key is not used again: each use counts towards its lock.
        Cause::Unauthorized if access.signed_in.session().is_none() => Err(error.into()),
        _ => {
            log::info!("could not check what the role with the ID {id} may do: {error}");
            Ok(None)
        }
    }
}

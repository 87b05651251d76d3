//! Checks a role before a secret is created. A role that grants every right causes a warning. A role without API access causes an error.

use crate::auth::session::Access;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::manager::{Cause, RoleSummary};

/// Checks that keys with this role can use the API. Warns if the role grants every right and `allow_full_access` is false.
///
/// # Errors
/// Returns an error if the role does not allow API access. If the manager does not report whether the role allows API access, the role is
/// accepted.
pub(crate) fn check(
    role: &RoleSummary,
    allow_full_access: bool,
    context: &Context,
) -> Result<(), Error> {
    if refuses_api(role) {
        return Err(Error::new(
            ErrorKind::Forbidden,
            format!(
                "the role `{}` (ID {}) does not allow access to the web service API (allowWebService is false), so a key with this role would not work",
                role.name, role.id
            ),
        )
        .hint("allow API access in the role, or choose a different role; run `swp-keys show-role` to show the rights of a role"));
    }
    if role.grants_every_right() && !allow_full_access {
        context.output.warn(&format!(
            "the role `{}` (ID {}) grants every right, so a key with this role has full control of the manager; add `--allow-full-access` to suppress this warning",
            role.name, role.id
        ));
    }
    Ok(())
}

/// Returns true if keys with this role cannot use the API.
pub(crate) fn refuses_api(role: &RoleSummary) -> bool {
    role.allow_web_service == Some(false)
}

/// Reads the role with this ID. Returns `None` if the role cannot be read, so that the run continues without checking the role. For example, a
/// permission may be missing, or the manager may forbid sessions to read roles (docs/manager-api.md, "Unknowns", no. 20).
///
/// # Errors
/// Returns an error if no role has this ID, or if the manager rejects the API key that authenticates this run.
pub(crate) async fn of_id(id: i64, access: Access<'_>) -> Result<Option<RoleSummary>, Error> {
    let looking = async { Ok(access.signed_in.role_summary(id).await) };
    let error = match access.context.signals.cancel(looking).await? {
        Ok(role) => return Ok(Some(role)),
        Err(error) => error,
    };
    match error.cause() {
        Cause::NotFound if error.is_from_manager() => {
            let missing = format!("there is no role with ID {id}: {error}");
            Err(Error::new(ErrorKind::NotFound, missing)
                .http(Some(404))
                .hint("run `swp-keys list-roles` to list the roles"))
        }
        // A rejected API key is not used again, because the manager may lock an API key after several rejected requests.
        Cause::Unauthorized if access.signed_in.session().is_none() => Err(error.into()),
        _ => {
            log::info!("could not check the rights of the role with ID {id}: {error}");
            Ok(None)
        }
    }
}

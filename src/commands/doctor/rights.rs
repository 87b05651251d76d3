//! The checks that need a sign-in: the sign-in itself, the right to create keys, and the visible roles.

use serde_json::Value;

use super::checkup::Checkup;
use super::finding::Finding;
use super::finding::names::{KEY_RIGHTS, ROLES, SIGN_IN};
use crate::auth::connect::sign_out;
use crate::auth::key_check::{Tried, try_key};
use crate::auth::login_input::LoginInput;
use crate::auth::method::AuthMethod;
use crate::auth::sign_in::{sign_in_with_name, with_renewal};
use crate::context::Context;
use crate::error::Error;
use crate::keys::administrator::administrator;
use crate::keys::roles::explain;
use crate::keys::state::proves_nothing;
use crate::manager::{Administrator, ApiKey, Cause, RoleSummary, SignedIn};
use crate::target::Target;
use crate::text::shorten;

/// The maximum length of the list of role names in a finding, in characters.
const MAX_NAMES: usize = 200;

/// The finding of the sign-in check, and the role ID of the signed-in account or API key. The role ID is `None` if it is unknown.
struct CheckedSignIn {
    finding: Finding,
    role_id: Option<i64>,
}

/// Signs in, checks the right to create keys and the visible roles, and signs out. Returns the manager's version if it is known.
///
/// # Errors
/// Returns an error only if a signal interrupts the checks. Any other error becomes a finding.
pub(super) async fn check(
    target: &Target,
    checkup: &mut Checkup,
    context: &Context,
) -> Result<Option<String>, Error> {
    let login = async {
        let method = AuthMethod::select(target, context)?;
        let input = LoginInput::default();
        let (client, username) = sign_in_with_name(&method, target, &input, context).await?;
        Ok((method, client, username))
    };
    if checkup.is_blocked() {
        skip_all(checkup);
        return Ok(None);
    }
    let (method, client, username) = match login.await {
        Ok(signed_in) => signed_in,
        Err(error) => {
            checkup.add_result(SIGN_IN, Err(error))?;
            checkup.block_after(SIGN_IN);
            skip_rights(checkup);
            return Ok(None);
        }
    };
    let work = async |client: &SignedIn| {
        let checks = check_signed_in(client, username.as_deref(), checkup);
        context.signals.cancel(checks).await
    };
    let (client, result) = with_renewal(&method, client, target, context, work).await;
    if client.is_renewed() || matches!(method, AuthMethod::Password) {
        sign_out(target, &client, context).await;
    }
    if let Err(error) = result {
        checkup.add_result(SIGN_IN, Err(error))?;
        checkup.block_after(SIGN_IN);
        skip_rights(checkup);
    }
    Ok(client.version())
}

/// Reports all checks of this module as skipped, because an earlier check failed.
fn skip_all(checkup: &mut Checkup) {
    checkup.skip(SIGN_IN);
    skip_rights(checkup);
}

fn skip_rights(checkup: &mut Checkup) {
    checkup.skip(KEY_RIGHTS);
    checkup.skip(ROLES);
}

/// Reports all checks of this module as skipped, because `--sign-in` is not set.
pub(super) fn omit(checkup: &mut Checkup) {
    if checkup.is_blocked() {
        return skip_all(checkup);
    }
    for name in [SIGN_IN, KEY_RIGHTS, ROLES] {
        let hint = Some("add `--sign-in` to run this check").filter(|_| name == SIGN_IN);
        checkup.add(
            name,
            Finding::skipped("not run, because `--sign-in` is not set", hint),
        );
    }
}

/// Runs the checks of this module with a client that is signed in.
///
/// # Errors
/// Returns an error if a signal interrupts the checks, or if the account or API key cannot be read. If the account or API key cannot be read, no
/// finding is added.
async fn check_signed_in(
    client: &SignedIn,
    username: Option<&str>,
    checkup: &mut Checkup,
) -> Result<(), Error> {
    let checked = match username {
        Some(username) => of_user(client, username).await?,
        None => of_key(client).await?,
    };
    checkup.add(SIGN_IN, checked.finding);
    checkup.add_result(KEY_RIGHTS, key_rights(client, checked.role_id).await)?;
    checkup.add_result(ROLES, roles(client).await)
}

async fn of_user(client: &SignedIn, username: &str) -> Result<CheckedSignIn, Error> {
    let found = administrator(client, username).await?;
    Ok(CheckedSignIn {
        finding: Finding::ok(format!("signed in as `{username}`")),
        role_id: found.as_ref().and_then(Administrator::role_id),
    })
}

async fn of_key(client: &SignedIn) -> Result<CheckedSignIn, Error> {
    match try_key(client).await {
        Tried::Works(Some(key)) => Ok(CheckedSignIn {
            finding: Finding::ok(format!(
                "the API key `{}` (ID {}) works",
                key.name().unwrap_or_default(),
                key.id
            )),
            role_id: ApiKey::role_id(&key),
        }),
        Tried::Works(None) => Ok(CheckedSignIn {
            finding: Finding::ok("the API key works, but it has no permission to view itself"),
            role_id: None,
        }),
        Tried::Unproven(error) if proves_nothing(&error) => Ok(CheckedSignIn {
            finding: Finding::warning(
                format!("it is unknown whether the API key works: {error}"),
                "run `swp-keys verify-key` for details",
            ),
            role_id: None,
        }),
        Tried::Refused(error) | Tried::Unproven(error) => Err(error.into()),
    }
}

/// Checks whether the role of the signed-in account or API key has the right to create API keys.
async fn key_rights(client: &SignedIn, role_id: Option<i64>) -> Result<Finding, Error> {
    let unknown = |reason: String| {
        Finding::warning(
            format!("it is unknown whether this account has the right to create keys: {reason}"),
            "ask an administrator whether the role of this account has the right `canCreateNewApiKeys`",
        )
    };
    let Some(id) = role_id else {
        return Ok(unknown(
            "the role of this account cannot be viewed".to_owned(),
        ));
    };
    let role = match client.role(id).await {
        Ok(role) => role,
        Err(error) => return Ok(unknown(error.to_string())),
    };
    let fields = Value::Object(role.fields());
    let right = &fields["rights"]["platformRights"]["apikeyRights"]["canCreateNewApiKeys"];
    let named = format!("the role `{}` (ID {id})", role.name);
    match right.as_bool() {
        Some(true) => Ok(Finding::ok(format!("{named} has the right to create keys"))),
        Some(false) => Err(Error::new(
            crate::error::ErrorKind::Forbidden,
            format!("{named} does not have the right to create keys"),
        )
        .hint("ask an administrator for a role with the right `canCreateNewApiKeys`")),
        None => Ok(unknown(format!(
            "the manager's response for {named} does not contain `canCreateNewApiKeys`"
        ))),
    }
}

/// Checks which roles the signed-in account or API key can see.
async fn roles(client: &SignedIn) -> Result<Finding, Error> {
    let roles: Vec<RoleSummary> = match client.roles().await {
        Ok(roles) => roles,
        Err(error) if matches!(error.cause(), Cause::Forbidden | Cause::Unauthorized) => {
            let error = explain(client, error);
            let hint = error.next_step().unwrap_or_default().to_owned();
            return Ok(Finding::warning(error.to_string(), hint));
        }
        Err(error) => return Err(error.into()),
    };
    if roles.is_empty() {
        return Ok(Finding::warning(
            "no roles are visible",
            "pass the ID of a role with `--role-id`",
        ));
    }
    let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
    let count = match roles.len() {
        1 => "1 role is visible".to_owned(),
        count => format!("{count} roles are visible"),
    };
    let names = names.join(", ");
    Ok(Finding::ok(format!(
        "{count}: {}",
        shorten(&names, MAX_NAMES)
    )))
}

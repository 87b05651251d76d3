//! Reads the user name and the password from the settings or from a prompt, and validates them.

use super::secret_source;
use crate::config::credential_check::CredentialKind;
use crate::config::{SecretSource, Sourced};
use crate::context::Context;
use crate::error::Error;
use crate::secret::Secret;
use crate::target::Target;

/// Validates the user name, the tenant, the password and the MFA code, if their values are set directly in a flag, an environment variable or the
/// profile. Values in files are not read here. Returns the MFA code if its value is set directly.
///
/// # Errors
/// Returns a usage error that names the flag, environment variable or profile field with the invalid value.
pub(crate) fn check_given(target: &Target) -> Result<Option<Secret>, Error> {
    for (kind, name) in [
        (CredentialKind::Username, &target.username),
        (CredentialKind::Tenant, &target.tenant),
    ] {
        if let Some(Sourced { value, source }) = name {
            let wrong = kind.check(value);
            wrong.map_err(|defect| defect.error(&format!("the {kind} in {source}"), kind))?;
        }
    }
    let checked = |secret: &Option<Sourced<SecretSource>>, kind| match secret {
        Some(Sourced {
            value: SecretSource::Value(secret),
            source,
        }) => secret_source::value(secret, source, kind).map(Some),
        _ => Ok(None),
    };
    checked(&target.password, CredentialKind::Password)?;
    checked(&target.mfa, CredentialKind::MfaCode)
}

/// Validates a value that the user typed.
///
/// # Errors
/// Returns a usage error if the value is invalid.
pub(crate) fn typed(secret: &Secret, kind: CredentialKind) -> Result<Secret, Error> {
    (kind.checked(secret)).map_err(|defect| defect.error(&format!("the typed {kind}"), kind))
}

/// Returns the configured user name. If no user name is configured, prompts the user for it.
///
/// # Errors
/// Returns a usage error if there is no terminal to prompt on, or if the name is invalid.
pub(crate) async fn username(target: &Target, context: &Context) -> Result<String, Error> {
    if let Some(username) = &target.username {
        return Ok(username.value.clone());
    }
    let flags = match target.password {
        Some(_) => {
            "pass the user name with `--username` or SWP_USERNAME, or sign in with an API key (`--api-key-file`)"
        }
        None => {
            "pass the user name with `--username` or SWP_USERNAME and the password with `--password-file` or SWP_PASSWORD, or sign in with an API key (`--api-key-file`)"
        }
    };
    let name = context
        .prompt()
        .visible("User name: ", flags, &context.signals)
        .await?;
    let name = typed(&name, CredentialKind::Username)?;
    Ok(name.expose().to_owned())
}

/// Returns the configured password. If no password is configured, prompts the user for it.
///
/// # Errors
/// Returns a usage error if there is no terminal to prompt on, or if the password is invalid.
pub(crate) async fn password(
    username: &str,
    target: &Target,
    context: &Context,
) -> Result<Secret, Error> {
    if let Some(password) = &target.password {
        return secret_source::read(
            password,
            CredentialKind::Password,
            context.allow_loose_permissions,
            &context.signals,
        )
        .await;
    }
    let flags = "pass the password with `--password-file`, `--password-stdin`, `--password-command` or SWP_PASSWORD";
    let question = format!(
        "Password of {} at {}: ",
        crate::terminal::output::safe(username),
        target.address.host_and_port()
    );
    let password = context
        .prompt()
        .hidden(&question, flags, &context.signals)
        .await?;
    typed(&password, CredentialKind::Password)
}

//! The user name and the password: as they are set, or as a person types them.

use super::secret_source;
use crate::config::credential_check::CredentialKind;
use crate::config::{SecretSource, Sourced};
use crate::context::Context;
use crate::error::Error;
use crate::secret::Secret;
use crate::target::Target;

/// Checks what flags, variables and the profile hold themselves, and returns the code if it is one of those.
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
    let held = |secret: &Option<Sourced<SecretSource>>, kind| match secret {
        Some(Sourced {
            value: SecretSource::Value(secret),
            source,
        }) => secret_source::value(secret, source, kind).map(Some),
        _ => Ok(None),
    };
    held(&target.password, CredentialKind::Password)?;
    held(&target.mfa, CredentialKind::MfaCode)
}

/// What a person typed, checked as anything else.
pub(crate) fn typed(secret: &Secret, kind: CredentialKind) -> Result<Secret, Error> {
    (kind.checked(secret))
        .map_err(|defect| defect.error(&format!("the {kind} that was typed"), kind))
}

/// The user name, asked for if it is not set.
pub(crate) async fn username(target: &Target, context: &Context) -> Result<String, Error> {
    if let Some(username) = &target.username {
        return Ok(username.value.clone());
    }
    let flags =
        "give it with `--username` or SWP_USERNAME, or sign in with an API key (`--api-key-file`)";
    let name = context
        .prompt()
        .visible("User name: ", flags, &context.signals)
        .await?;
    let name = typed(&name, CredentialKind::Username)?;
    Ok(name.expose().to_owned())
}

/// The password, asked for if it is not set.
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
    let flags =
        "give it with `--password-file`, `--password-stdin`, `--password-command` or SWP_PASSWORD";
    let question = format!("Password of {}: ", crate::terminal::output::safe(username));
    let password = context
        .prompt()
        .hidden(&question, flags, &context.signals)
        .await?;
    typed(&password, CredentialKind::Password)
}

//! Reads the settings of the sandbox from the command line.

use super::args::Args;
use super::files;
use crate::auth::secret_source;
use crate::config::credential_check::CredentialKind;
use crate::config::{SecretSource, Source, Sourced};
use crate::context::Context;
use crate::error::Error;
use crate::sandbox::{CertificateKind, SecretShape, Settings, TlsVersions, random_password};
use crate::secret::Secret;

/// Returns the settings from the flags. Environment variables are ignored, because they may belong to a real manager.
///
/// # Errors
/// Returns a usage error if a file or a value cannot be used.
pub(super) async fn settings(
    args: &Args,
    given: &crate::config::Settings,
    context: &Context,
) -> Result<Settings, Error> {
    let defaults = Settings::default();
    let mut settings = Settings {
        listen: args.listen,
        tls: TlsVersions::named(&args.tls).unwrap_or_default(),
        certificate: CertificateKind::named(&args.certificate).unwrap_or_default(),
        secret_shape: SecretShape::named(&args.secret_shape).unwrap_or_default(),
        username: from_flag(&given.username)
            .cloned()
            .unwrap_or(defaults.username),
        password: secret_from_flag(&given.password, CredentialKind::Password, context)
            .await?
            .unwrap_or_else(random_password),
        tenant: from_flag(&given.tenant).cloned(),
        mfa_code: secret_from_flag(&given.mfa, CredentialKind::MfaCode, context).await?,
        password_expired: args.password_expired,
        administrator_role: args.administrator_role,
        roles: args
            .roles
            .as_deref()
            .map(files::read_roles)
            .transpose()?
            .unwrap_or_default(),
        sign_in_attempts: args.sign_in_attempts.get(),
        sessions_max: args.sessions_max,
        session_idle: args.session_idle,
        session_max: args.session_max,
        rate_limit: args.rate_limit.0,
        clock_skew_seconds: args.clock_skew,
        cloud_one: args.cloud_one,
        ..Settings::default()
    };
    for (name, choice) in &args.unknown {
        settings
            .unknowns
            .set(name, choice)
            .map_err(|error| Error::usage(error, "see `swp-keys sandbox --help` for the flags"))?;
    }
    Ok(settings)
}

/// Returns the value, or `None` if the value was not set on the command line.
fn from_flag<T>(value: &Option<Sourced<T>>) -> Option<&T> {
    value
        .as_ref()
        .filter(|sourced| matches!(sourced.source, Source::Flag(_)))
        .map(|sourced| &sourced.value)
}

async fn secret_from_flag(
    value: &Option<Sourced<SecretSource>>,
    kind: CredentialKind,
    context: &Context,
) -> Result<Option<String>, Error> {
    let Some(sourced) = value
        .as_ref()
        .filter(|sourced| matches!(sourced.source, Source::Flag(_)))
    else {
        return Ok(None);
    };
    let loose = context.allow_loose_permissions;
    let secret: Secret = secret_source::read(sourced, kind, loose, &context.signals).await?;
    Ok(Some(secret.expose().to_owned()))
}

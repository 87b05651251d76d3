//! Reads the API key, and selects the HTTP header that carries it.

use super::connect::connect;
use super::{first_use, input, secret_source};
use crate::config::credential_check::CredentialKind;
use crate::config::global_args::ApiKeyScheme;
use crate::config::{SecretSource, Sourced};
use crate::context::Context;
use crate::error::Error;
use crate::manager::KeyHeader;
use crate::secret::Secret;
use crate::target::Target;

/// Reads an API key. Returns the key and the HTTP header that carries it.
///
/// # Errors
/// Returns a usage error that names the flag or variable if the key cannot be read.
pub(crate) async fn read_key(
    target: &Target,
    key: &Sourced<SecretSource>,
    context: &Context,
) -> Result<(Secret, KeyHeader), Error> {
    let loose = context.allow_loose_permissions;
    let secret = secret_source::read(key, CredentialKind::ApiKey, loose, &context.signals).await?;
    let header = key_header(target, &secret);
    Ok((secret, header))
}

/// Checks that the manager's certificate is trusted, and prompts for an API key. Returns the key and the HTTP header that carries it.
///
/// # Errors
/// Returns a trust error if the manager is not trusted, or a usage error if the key is invalid or if there is no terminal to prompt on.
pub(crate) async fn typed_key(
    target: &Target,
    context: &Context,
) -> Result<(Secret, KeyHeader), Error> {
    if first_use::is_possible(target, context)? {
        connect(target, context).await?;
    } else {
        first_use::check_before_asking(target, context).await?;
    }
    let question = format!(
        "Secret of the API key at {}: ",
        target.address.host_and_port()
    );
    let flags = "set `--key-file FILE`, pipe the secret to `--key-file -`, or set SWP_API_KEY";
    let secret = (context.prompt())
        .hidden(&question, flags, &context.signals)
        .await?;
    let secret = input::typed(&secret, CredentialKind::ApiKey)?;
    let header = key_header(target, &secret);
    Ok((secret, header))
}

/// Returns the configured HTTP header. If none is configured, returns the header that fits the format of the API key.
pub(crate) fn key_header(target: &Target, secret: &Secret) -> KeyHeader {
    configured_header(target).unwrap_or_else(|| KeyHeader::for_key(secret))
}

/// Returns the header that `--api-key-scheme` sets, or `None` for `auto`.
pub(super) fn configured_header(target: &Target) -> Option<KeyHeader> {
    match target.api_key_scheme {
        ApiKeyScheme::Auto => None,
        ApiKeyScheme::ApiSecretKey => Some(KeyHeader::ApiSecretKey),
        ApiKeyScheme::CloudOne => Some(KeyHeader::CloudOne),
    }
}

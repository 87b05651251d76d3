//! Reads the API key, and decides which header carries it.

use super::secret_source;
use crate::config::credential_check::CredentialKind;
use crate::config::global_args::ApiKeyScheme;
use crate::config::{SecretSource, Sourced};
use crate::context::Context;
use crate::error::Error;
use crate::manager::KeyHeader;
use crate::secret::Secret;
use crate::target::Target;

/// Reads an API key, and returns it with the header that carries it.
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

/// The header that carries the key: the configured one, or the one that fits the form of the key.
pub(crate) fn key_header(target: &Target, secret: &Secret) -> KeyHeader {
    configured_header(target).unwrap_or_else(|| KeyHeader::for_key(secret))
}

/// The header that `--api-key-scheme` sets; `None` for `auto`.
pub(super) fn configured_header(target: &Target) -> Option<KeyHeader> {
    match target.api_key_scheme {
        ApiKeyScheme::Auto => None,
        ApiKeyScheme::ApiSecretKey => Some(KeyHeader::ApiSecretKey),
        ApiKeyScheme::CloudOne => Some(KeyHeader::CloudOne),
    }
}

//! Uses a secret once, to find out whether it works.

use crate::auth::key_check::{Tried, try_key};
use crate::auth::key_header::key_header;
use crate::auth::session::Access;
use crate::error::Error;
use crate::manager::{Cause, Credentials, SignedIn};
use crate::secret::Secret;

/// The result of using a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecretUse {
    /// It is the secret of the key.
    Works,
    /// The manager rejected it. It must not be used again, because wrong secrets lock a key.
    Rejected,
    /// It is the secret of the key with this other ID.
    OtherKey(i64),
}

/// Uses the secret for a read request, and compares the key that it belongs to with the key `id`.
///
/// # Errors
/// Returns an error if it is unknown whether the secret works.
pub(crate) async fn use_secret(
    secret: &Secret,
    id: i64,
    access: Access<'_>,
) -> Result<SecretUse, Error> {
    let header = key_header(access.target, secret);
    let secret = secret.clone();
    let manager = access.target.manager(access.context)?;
    let signed_in = manager.with(Credentials::ApiKey { secret, header });
    let trying = async {
        let tried = match signed_in.signer_id() {
            // The secret names its key, so one request shows that it works, whatever the key may read.
            Some(own) if own == id => access_with(&signed_in).await,
            _ => try_key(&signed_in).await,
        };
        match (tried, signed_in.signer_id()) {
            (Tried::Works(None), Some(other)) if other != id => Ok(SecretUse::OtherKey(other)),
            (tried, _) => judge(tried, id),
        }
    };
    access.context.signals.cancel(trying).await
}

/// Sends one read request with the secret.
async fn access_with(signed_in: &SignedIn) -> Tried {
    match signed_in.check_access().await {
        Ok(()) => Tried::Works(None),
        Err(error) if *error.cause() == Cause::Unauthorized => Tried::Refused(error),
        Err(error) => Tried::Unproven(error),
    }
}

fn judge(tried: Tried, id: i64) -> Result<SecretUse, Error> {
    match tried {
        Tried::Works(Some(key)) if key.id != id => Ok(SecretUse::OtherKey(key.id)),
        Tried::Works(_) => Ok(SecretUse::Works),
        Tried::Refused(_) => Ok(SecretUse::Rejected),
        Tried::Unproven(error) => Err(error.into()),
    }
}

//! Protects the API key that authenticates this run. Locking or deleting this key requires `--force`, because the run would lose its own
//! access.

use super::state::describe;
use crate::auth::session::Access;
use crate::error::Error;
use crate::manager::{ApiKey, Cause};

/// The credential that authenticates the requests of this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signer {
    Session,
    /// The API key with this ID.
    Key(i64),
    /// An API key whose ID is unknown.
    SomeKey,
}

impl Signer {
    /// Returns the credential that authenticates this run. For an API key, asks the manager for the key's ID. The manager returns 403 if
    /// the role of the key lacks the permission to read the key (docs/manager-api.md, "Checking a key"). After a 403, the ID is taken from
    /// the key's secret. If the secret does not contain the ID, the ID stays unknown.
    ///
    /// # Errors
    /// Returns the manager's error.
    pub(crate) async fn ask(access: Access<'_>) -> Result<Self, Error> {
        if access.signed_in.session().is_some() {
            return Ok(Self::Session);
        }
        let asking = async { Ok(access.signed_in.current_api_key().await) };
        match access.context.signals.cancel(asking).await? {
            Ok(key) => Ok(Self::Key(key.id)),
            Err(error) if matches!(error.cause(), Cause::Forbidden | Cause::NotFound) => Ok(access
                .signed_in
                .signer_id()
                .map_or(Self::SomeKey, Self::Key)),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns true if the API key with this ID authenticates this run.
    pub(crate) fn is(self, id: i64) -> bool {
        self == Self::Key(id)
    }

    /// Moves the API key that authenticates this run to the end of `keys`. The order of the other keys stays the same.
    pub(crate) fn move_own_key_last(self, keys: &mut [ApiKey]) {
        if let Some(own) = keys.iter().position(|key| self.is(key.id)) {
            keys[own..].rotate_left(1);
        }
    }

    /// Checks that `key` is not the API key that authenticates this run. `verb` is the past participle in the error message, such as
    /// "deleted".
    ///
    /// # Errors
    /// Returns a usage error if `key` authenticates this run, or if the ID of the authenticating key is unknown.
    pub(crate) fn refuse_own_key(self, key: &ApiKey, verb: &str) -> Result<(), Error> {
        let message = match self {
            Self::Key(id) if id == key.id => {
                format!(
                    "{} was not {verb}, because this run authenticates with this key",
                    describe(key)
                )
            }
            Self::SomeKey => format!(
                "{} was not {verb}, because this run may be authenticating with this key",
                describe(key)
            ),
            Self::Session | Self::Key(_) => return Ok(()),
        };
        Err(Error::usage(
            message,
            "sign in with a different key or with a password, or add `--force`",
        )
        .key(key.id))
    }
}

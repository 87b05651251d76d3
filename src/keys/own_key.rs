//! The key that signs this run's own requests. Locking or deleting it would cut off this run's own access, so that needs
//! `--force`.

use super::state::describe;
use crate::auth::session::Access;
use crate::error::Error;
use crate::manager::{ApiKey, Cause};

/// What signs the requests of this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signer {
    Session,
    /// The key with this ID.
    Key(i64),
    /// A key, but the manager does not show which.
    SomeKey,
}

impl Signer {
    /// Asks the manager which key signs, if a key does. A role that may not read its own key gets a 403 (docs/manager-api.md,
    /// "Checking a key"); then the secret may contain the ID.
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

    /// Returns whether the key with this ID signs the requests of this run.
    pub(crate) fn is(self, id: i64) -> bool {
        self == Self::Key(id)
    }

    /// Refuses to do something to the key that signs.
    ///
    /// # Errors
    /// Returns a usage error if `key` is the one that signs, or may be.
    pub(crate) fn refuse_own_key(self, key: &ApiKey, verb: &str) -> Result<(), Error> {
        let message = match self {
            Self::Key(id) if id == key.id => {
                format!(
                    "{} signs this run itself, so it was not {verb}",
                    describe(key)
                )
            }
            Self::SomeKey => format!(
                "{} may be the one that signs this run, so it was not {verb}",
                describe(key)
            ),
            Self::Session | Self::Key(_) => return Ok(()),
        };
        Err(Error::usage(
            message,
            "sign in with another key or a password, or add `--force`",
        )
        .key(key.id))
    }
}

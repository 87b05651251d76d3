//! The key that signs this run's own calls: who locks or deletes it saws off the branch, so that is refused unless it is meant.

use super::state::describe;
use crate::context::Context;
use crate::error::Error;
use crate::manager::{ApiKey, Cause, SignedIn};

/// What signs the calls of this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signer {
    Session,
    /// The key with this ID.
    Key(i64),
    /// A key, and the manager does not tell which.
    SomeKey,
}

impl Signer {
    /// Asks the manager which key it is, where a key signs. A role that may not look at its own key is told so with a 403
    /// (docs/manager-api.md, "Checking a key"); then the secret may begin with the ID.
    ///
    /// # Errors
    /// Of the manager.
    pub(crate) async fn ask(signed_in: &SignedIn, context: &Context) -> Result<Self, Error> {
        if signed_in.session().is_some() {
            return Ok(Self::Session);
        }
        let asking = async { Ok(signed_in.current_api_key().await) };
        match context.signals.cancel(asking).await? {
            Ok(key) => Ok(Self::Key(key.id)),
            Err(error) if matches!(error.cause(), Cause::Forbidden | Cause::NotFound) => {
                Ok(signed_in.signer_id().map_or(Self::SomeKey, Self::Key))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the key with this ID signs the calls of this run.
    pub(crate) fn is(self, id: i64) -> bool {
        self == Self::Key(id)
    }

    /// # Errors
    /// Where `key` is the one that signs, or may be it.
    pub(crate) fn refuse_own_key(self, key: &ApiKey, verb: &str) -> Result<(), Error> {
        let message = match self {
            Self::Key(id) if id == key.id => {
                format!("{} signs this run itself, and is not {verb}", describe(key))
            }
            Self::SomeKey => format!(
                "{} may be the one that signs this run, which the manager does not tell; it is not {verb}",
                describe(key)
            ),
            Self::Session | Self::Key(_) => return Ok(()),
        };
        Err(Error::usage(
            message,
            "sign in with another key or a password, or say `--force`",
        )
        .key(key.id))
    }
}

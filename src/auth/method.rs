//! The sign-in method of a run: an API key, a credential that `login` saved, or a password.
//!
//! A password or an MFA code on the command line takes precedence over a saved credential and over an API key in an environment variable. An API key
//! in a profile is used only if there is no saved credential and no password in an environment variable.

use super::saved::{CredentialQuery, SavedCredential, SavedSecret, shadowed};
use crate::config::{SecretSource, Sourced};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::target::Target;

/// The sign-in method of a run.
pub(crate) enum AuthMethod {
    /// An API key from a flag, an environment variable or a profile.
    ApiKey(Sourced<SecretSource>),
    /// A credential that `login` saved.
    Saved(SavedCredential),
    /// A user name and a password. The run signs in with them, and signs out at the end.
    Password,
}

impl AuthMethod {
    /// Selects the sign-in method from the settings and the saved credentials.
    ///
    /// # Errors
    /// Returns a usage error if several users have a saved session. Returns an error if a saved credential cannot be read.
    pub(crate) fn select(target: &Target, context: &Context) -> Result<Self, Error> {
        let from_flag = |secret: &Option<Sourced<SecretSource>>| {
            (secret.as_ref()).is_some_and(|secret| secret.source.is_flag())
        };
        let password_is_explicit = from_flag(&target.password) || from_flag(&target.mfa);
        let query = CredentialQuery::new(target, context);
        match &target.api_key {
            Some(key) if key.source.is_flag() => return Ok(Self::ApiKey(key.clone())),
            _ if password_is_explicit => return Ok(Self::Password),
            Some(key) if key.source.is_variable() => {
                if let Ok(Some(saved)) = SavedCredential::find(&query) {
                    context.output.note(&shadowed(&key.source, &saved.secret));
                }
                return Ok(Self::ApiKey(key.clone()));
            }
            _ => {}
        }
        if let Some(saved) = SavedCredential::find(&query)? {
            if let Some(password) = &target.password {
                log::info!(
                    "ignoring {}, because `swp-keys login` has saved {}",
                    password.source,
                    saved.secret
                );
            }
            return Ok(Self::Saved(saved));
        }
        let is_nearer = |key: &&Sourced<SecretSource>| {
            (target.password.as_ref())
                .is_none_or(|password| key.source.rank() <= password.source.rank())
        };
        Ok(match target.api_key.as_ref().filter(is_nearer) {
            Some(key) => Self::ApiKey(key.clone()),
            None => Self::Password,
        })
    }

    /// Returns the user name with which this run can sign in again after its saved session has expired. Returns `None` if the run uses no saved
    /// session, or if no password is configured.
    pub(crate) fn renewable_user<'a>(&'a self, target: &Target) -> Option<&'a str> {
        match self {
            Self::Saved(saved) => saved.username().filter(|_| target.password.is_some()),
            Self::ApiKey(_) | Self::Password => None,
        }
    }

    /// Returns true if this run uses an API key that `login` saved.
    pub(crate) fn is_saved_key(&self) -> bool {
        matches!(self, Self::Saved(saved) if saved.username().is_none())
    }

    /// Warns that a rotation has replaced the key with this ID, or its secret, if `login` saved that key and this run uses it.
    pub(crate) fn warn_if_replaced(&self, id: i64, context: &Context) {
        if let Self::Saved(SavedCredential {
            secret: SavedSecret::Key {
                id: Some(saved), ..
            },
            ..
        }) = self
            && *saved == id
        {
            context.output.warn(&format!(
                "the secret that `swp-keys login` saved (key ID {id}) was replaced; run `swp-keys login --api-key-file FILE` to save the new secret"
            ));
        }
    }

    /// Adds a hint to the error if the manager has rejected the saved credential.
    pub(super) fn advise(&self, error: Error) -> Error {
        let Self::Saved(saved) = self else {
            return error;
        };
        // The manager returns the status code 403 for a missing permission, and also for an expired or locked API key. So the saved API key may be
        // expired or locked.
        if error.kind() == ErrorKind::Forbidden && saved.username().is_none() {
            let hint = error.next_step().unwrap_or_default();
            let hint = format!(
                "{hint}; run `swp-keys logout` to remove the key that `swp-keys login` saved"
            );
            return error.hint(hint);
        }
        if error.kind() != ErrorKind::SignIn {
            return error;
        }
        let (problem, hint) = match &saved.secret {
            SavedSecret::Session { .. } => (
                "has expired",
                "run `swp-keys login` again, or `swp-keys logout` to remove the saved session",
            ),
            SavedSecret::Key { .. } => (
                "was rejected",
                "run `swp-keys login` with a different key, or `swp-keys logout` to remove the saved key",
            ),
        };
        let what = saved.secret.to_string().replacen("the ", "the saved ", 1);
        Error::new(
            ErrorKind::SignIn,
            format!("{what} at {} {problem}: {error}", saved.manager),
        )
        .http(error.http_status())
        .hint(hint)
    }
}

//! How a run signs in: with an API key, with what `login` saved, or with a password.
//!
//! A password or code on the command line is explicit, so it wins over a saved credential and over a key in the environment. A profile
//! holds defaults, so its key comes after a saved credential and after a password in the environment.

use super::saved::{CredentialQuery, SavedCredential, SavedSecret, shadowed};
use crate::config::{SecretSource, Sourced};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::target::Target;

/// How a run signs in.
pub(crate) enum AuthMethod {
    /// With an API key.
    ApiKey(Sourced<SecretSource>),
    /// With what `login` saved.
    Saved(SavedCredential),
    /// With a user name and a password; the session ends with the run.
    Password,
}

impl AuthMethod {
    /// The method that the settings and the saved credentials select.
    ///
    /// # Errors
    /// Returns a usage error if several users have a saved session or a saved credential cannot be read.
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
                log::info!("ignoring {}: {} is saved", password.source, saved.secret);
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

    /// The user whose expired saved session a password sign-in may replace, if a password is configured.
    pub(crate) fn renewable_user<'a>(&'a self, target: &Target) -> Option<&'a str> {
        match self {
            Self::Saved(saved) => saved.username().filter(|_| target.password.is_some()),
            Self::ApiKey(_) | Self::Password => None,
        }
    }

    /// Adds what to do if a saved credential is no longer accepted.
    pub(super) fn advise(&self, error: Error) -> Error {
        let Self::Saved(saved) = self else {
            return error;
        };
        // The manager refuses an expired or locked key in the same way as a key whose role lacks the right.
        if error.kind() == ErrorKind::Forbidden && saved.username().is_none() {
            let hint = error.next_step().unwrap_or_default();
            let hint = format!(
                "{hint}; this key was saved by `swp-keys login`; `swp-keys logout` removes it"
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

//! Determines which saved credentials apply to a run.
//!
//! A session belongs to a user, a manager and a tenant. An API key belongs to a manager and a tenant. It also belongs to a profile, because profiles
//! for the same manager usually use different API keys.

use super::credential::{SavedCredential, SavedSecret};
use crate::context::Context;
use crate::manager::{KeyHeader, Session};
use crate::secret::Secret;
use crate::target::Target;

/// Selects the saved credentials of a manager, tenant, user and profile.
pub(crate) struct CredentialQuery {
    pub(super) manager: String,
    tenant: Option<String>,
    username: Option<String>,
    profile: Option<String>,
    /// True if the user name was set on the command line. In this case, no saved API key is used, because it is unknown which user created the API
    /// key.
    pub(super) user_is_explicit: bool,
    /// If true, files that other users can read are accepted.
    pub(super) allow_loose: bool,
}

impl CredentialQuery {
    /// Returns a query for the credentials of this target.
    pub(crate) fn new(target: &Target, context: &Context) -> Self {
        let username = target.username.as_ref();
        Self {
            manager: target.address.to_string(),
            tenant: target.tenant_name().map(str::to_owned),
            username: username.map(|username| username.value.clone()),
            profile: target.profile.clone(),
            user_is_explicit: username.is_some_and(|username| username.source.is_flag()),
            allow_loose: context.allow_loose_permissions,
        }
    }

    /// Makes the query accept files that other users can read. Used by commands that remove or replace credentials.
    pub(crate) fn however_loose(mut self) -> Self {
        self.allow_loose = true;
        self
    }

    /// Restricts the query to this user's sessions.
    pub(crate) fn of_user(mut self, username: &str) -> Self {
        self.username = Some(username.to_owned());
        self
    }

    /// Returns this session as a credential that can be saved.
    pub(crate) fn session(&self, username: &str, session: &Session) -> SavedCredential {
        self.credential(SavedSecret::Session {
            username: username.to_owned(),
            session: session.clone(),
        })
    }

    /// Returns this API key as a credential that can be saved.
    pub(crate) fn key(
        &self,
        id: Option<i64>,
        secret: Secret,
        header: KeyHeader,
    ) -> SavedCredential {
        self.credential(SavedSecret::Key {
            profile: self.profile.clone(),
            id,
            secret,
            header,
        })
    }

    fn credential(&self, secret: SavedSecret) -> SavedCredential {
        SavedCredential {
            manager: self.manager.clone(),
            tenant: self.tenant.clone(),
            secret,
        }
    }

    /// Returns true if the query selects the saved credential.
    pub(super) fn matches(&self, saved: &SavedCredential) -> bool {
        let here = saved.manager == self.manager && saved.tenant == self.tenant;
        here && match &saved.secret {
            SavedSecret::Session { username, .. } => {
                (self.username.as_ref()).is_none_or(|wanted| wanted == username)
            }
            SavedSecret::Key { profile, .. } => *profile == self.profile,
        }
    }
}

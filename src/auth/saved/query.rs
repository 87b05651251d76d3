//! Which saved credentials apply to a run.
//!
//! A session belongs to one user of a manager and tenant. A key belongs to a manager and tenant too, and applies only to the profile that
//! it was saved under: two profiles of one manager usually exist because they use two keys.

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
    /// Whether the user name is from the command line. Then a saved key is not used, because a key belongs to no user.
    pub(super) user_is_explicit: bool,
    /// What others may read is all right.
    pub(super) allow_loose: bool,
}

impl CredentialQuery {
    /// Selects the credentials for this target.
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

    /// Also selects files that other users can read, for commands that remove or replace credentials.
    pub(crate) fn however_loose(mut self) -> Self {
        self.allow_loose = true;
        self
    }

    /// Selects the sessions of this user only.
    pub(crate) fn of_user(mut self, username: &str) -> Self {
        self.username = Some(username.to_owned());
        self
    }

    /// Returns a session to save for this manager and tenant.
    pub(crate) fn session(&self, username: &str, session: &Session) -> SavedCredential {
        self.credential(SavedSecret::Session {
            username: username.to_owned(),
            session: session.clone(),
        })
    }

    /// Returns a key to save for this manager, tenant and profile.
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

    /// Returns true if the saved credential is selected.
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

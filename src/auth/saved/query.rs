//! Which saved credentials apply to a run.
//!
//! A session belongs to one user of a manager and tenant. A key belongs to a manager and tenant too, and applies only to the profile that
//! it was saved under: two profiles of one manager usually exist because they use two keys.

use super::credential::{SavedCredential, SavedSecret};
use crate::context::Context;
use crate::manager::{KeyHeader, Session};
use crate::secret::Secret;
use crate::target::Target;

/// For whom something is looked for.
pub(crate) struct CredentialQuery {
    pub(super) manager: String,
    tenant: Option<String>,
    username: Option<String>,
    profile: Option<String>,
    /// The user name was typed for this very run, so a key, which is nobody's, is not meant.
    pub(super) user_is_meant: bool,
    /// What others may read is all right.
    pub(super) allow_loose: bool,
}

impl CredentialQuery {
    /// The credentials for this target.
    pub(crate) fn new(target: &Target, context: &Context) -> Self {
        let username = target.username.as_ref();
        Self {
            manager: target.address.to_string(),
            tenant: target.tenant_name().map(str::to_owned),
            username: username.map(|username| username.value.clone()),
            profile: target.profile.clone(),
            user_is_meant: username.is_some_and(|username| username.source.is_flag()),
            allow_loose: context.allow_loose_permissions,
        }
    }

    /// For what is to be ended or replaced: if others may have read it, it is all the more worth that.
    pub(crate) fn however_loose(mut self) -> Self {
        self.allow_loose = true;
        self
    }

    /// What this user keeps.
    pub(crate) fn of_user(mut self, username: &str) -> Self {
        self.username = Some(username.to_owned());
        self
    }

    /// A session of the run for it.
    pub(crate) fn session(&self, username: &str, session: &Session) -> SavedCredential {
        self.kept(SavedSecret::Session {
            username: username.to_owned(),
            session: session.clone(),
        })
    }

    /// A key of the run for it.
    pub(crate) fn key(
        &self,
        id: Option<i64>,
        secret: Secret,
        header: KeyHeader,
    ) -> SavedCredential {
        self.kept(SavedSecret::Key {
            profile: self.profile.clone(),
            id,
            secret,
            header,
        })
    }

    fn kept(&self, secret: SavedSecret) -> SavedCredential {
        SavedCredential {
            manager: self.manager.clone(),
            tenant: self.tenant.clone(),
            secret,
        }
    }

    pub(super) fn fits(&self, kept: &SavedCredential) -> bool {
        let here = kept.manager == self.manager && kept.tenant == self.tenant;
        here && match &kept.secret {
            SavedSecret::Session { username, .. } => {
                (self.username.as_ref()).is_none_or(|wanted| wanted == username)
            }
            SavedSecret::Key { profile, .. } => *profile == self.profile,
        }
    }
}

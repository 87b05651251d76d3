//! A saved session or API key.

use crate::config::Source;
use crate::manager::{KeyHeader, Session};
use crate::secret::Secret;

/// A session or an API key that `login` saved, and the manager and tenant to which it belongs.
pub(crate) struct SavedCredential {
    /// The manager's address.
    pub(crate) manager: String,
    /// The tenant, or `None` for the primary tenant.
    pub(crate) tenant: Option<String>,
    /// The saved session or API key.
    pub(crate) secret: SavedSecret,
}

/// The saved session or API key.
pub(crate) enum SavedSecret {
    /// A session.
    Session {
        /// The administrator's user name.
        username: String,
        /// The cookies and the request ID of the session.
        session: Session,
    },
    /// An API key.
    Key {
        /// The profile that was in use when `login` saved the API key, or `None` if no profile was in use.
        profile: Option<String>,
        /// The ID of the API key. `None` if the ID is unknown, because the role of the key does not permit reading the ID.
        id: Option<i64>,
        /// The secret of the API key.
        secret: Secret,
        /// The HTTP header that carries the API key.
        header: KeyHeader,
    },
}

impl std::fmt::Display for SavedSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Session { username, .. } => write!(formatter, "the session of {username}"),
            Self::Key { id: Some(id), .. } => write!(formatter, "the API key with ID {id}"),
            Self::Key { .. } => formatter.write_str("the API key"),
        }
    }
}

impl SavedCredential {
    /// Returns the user name of a session, or `None` for an API key.
    pub(crate) fn username(&self) -> Option<&str> {
        match &self.secret {
            SavedSecret::Session { username, .. } => Some(username),
            SavedSecret::Key { .. } => None,
        }
    }

    /// Returns true if the two credentials would be saved in the same file.
    pub(crate) fn has_place_of(&self, other: &Self) -> bool {
        self.file_name() == other.file_name()
    }

    /// Returns true if this credential is an API key with the secret `key`.
    pub(crate) fn is_key(&self, other: &Secret) -> bool {
        matches!(&self.secret, SavedSecret::Key { secret, .. } if secret.expose() == other.expose())
    }

    /// Returns the name of the credential's file. The name is a digest, because user names and tenant names may contain any character.
    pub(super) fn file_name(&self) -> String {
        let tenant = self.tenant.as_deref().unwrap_or_default();
        let whose = match &self.secret {
            SavedSecret::Session { username, .. } => ["session", username.as_str()],
            SavedSecret::Key { profile: None, .. } => ["key", ""],
            SavedSecret::Key {
                profile: Some(profile),
                ..
            } => ["key of a profile", profile.as_str()],
        };
        let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
        for part in [self.manager.as_str(), tenant].iter().chain(&whose) {
            digest.update(part.as_bytes());
            digest.update(&[0]);
        }
        let digest = digest.finish();
        let hex: String = digest
            .as_ref()
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("{hex}.json")
    }

    /// Returns a note on how to delete the API key on the manager, because `logout` deletes only the saved copy. Returns `None` for a session.
    pub(crate) fn remaining_key(&self) -> Option<String> {
        match &self.secret {
            SavedSecret::Session { .. } => None,
            SavedSecret::Key { id: Some(id), .. } => Some(format!(
                "the key still exists on {}; run `swp-keys delete-key {id}` to delete it",
                self.manager
            )),
            SavedSecret::Key { id: None, .. } => Some(format!(
                "the key still exists on {}; run `swp-keys list-keys` to find its ID and `swp-keys delete-key ID` to delete it",
                self.manager
            )),
        }
    }
}

/// Returns the note that the environment variable with an API key takes precedence over a saved credential.
pub(crate) fn shadowed(by: &Source, what: &SavedSecret) -> String {
    format!(
        "{by} takes precedence over {what}, which `swp-keys login` saved; unset {by} to use the saved credential"
    )
}

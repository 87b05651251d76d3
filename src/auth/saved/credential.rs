//! A saved session or API key.

use crate::config::Source;
use crate::manager::{KeyHeader, Session};
use crate::secret::Secret;

/// Something kept, and where it is good for something.
pub(crate) struct SavedCredential {
    /// The manager's address.
    pub(crate) manager: String,
    /// The tenant; none for the primary one.
    pub(crate) tenant: Option<String>,
    /// SavedSecret it is.
    pub(crate) secret: SavedSecret,
}

/// What is kept.
pub(crate) enum SavedSecret {
    /// A session.
    Session {
        /// Of this administrator.
        username: String,
        /// The session itself.
        session: Session,
    },
    /// An API key.
    Key {
        /// The profile it serves; none for the runs without one.
        profile: Option<String>,
        /// Its ID, where it was allowed to look at itself.
        id: Option<i64>,
        /// Its secret.
        secret: Secret,
        /// The header it goes into.
        header: KeyHeader,
    },
}

impl std::fmt::Display for SavedSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Session { username, .. } => write!(formatter, "the session of {username}"),
            Self::Key { id: Some(id), .. } => write!(formatter, "the API key {id}"),
            Self::Key { .. } => formatter.write_str("the API key"),
        }
    }
}

impl SavedCredential {
    /// Whose session it is; none for a key.
    pub(crate) fn username(&self) -> Option<&str> {
        match &self.secret {
            SavedSecret::Session { username, .. } => Some(username),
            SavedSecret::Key { .. } => None,
        }
    }

    /// Whether it stands in the same file.
    pub(crate) fn has_place_of(&self, other: &Self) -> bool {
        self.file_name() == other.file_name()
    }

    /// Whether it is this key.
    pub(crate) fn is_key(&self, other: &Secret) -> bool {
        matches!(&self.secret, SavedSecret::Key { secret, .. } if secret.expose() == other.expose())
    }

    /// A digest, since a name may hold anything; what it stands for is inside of the file.
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

    /// How the key itself is ended, which forgetting it here does not do; none for a session.
    pub(crate) fn lives_on(&self) -> Option<String> {
        match &self.secret {
            SavedSecret::Session { .. } => None,
            SavedSecret::Key { id: Some(id), .. } => Some(format!(
                "the key itself lives on at {}; `swp-keys delete-key {id}` ends it",
                self.manager
            )),
            SavedSecret::Key { id: None, .. } => Some(format!(
                "the key itself lives on at {}; `swp-keys list-keys` shows its ID, and `swp-keys delete-key ID` ends it",
                self.manager
            )),
        }
    }
}

/// What is said of something kept that a variable keeps from being used.
pub(crate) fn shadowed(by: &Source, what: &SavedSecret) -> String {
    format!("{by} is used as long as it is set, and not {what} that `swp-keys login` kept")
}

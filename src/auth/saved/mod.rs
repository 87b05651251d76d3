//! What `login` keeps for later commands: a session, or an API key. One file each. No password is ever in it.
//!
//! A session is its user's, at a manager and tenant. A key is of a manager and tenant too, and serves only the profile that it was kept
//! under: two profiles of one manager are most likely there for two keys.

mod file;

use std::io;

use crate::config::{Settings, Source};
use crate::error::{Error, ErrorKind};
use crate::manager::{KeyHeader, Session};
use crate::secret::{self, Secret};
use crate::storage::locations::state_variable;
use crate::storage::permissions::{UntrustedPath, untrusted_or};
use crate::storage::state_dir::Folder;
use file::{Read, Written};

const FOLDER: &str = "kept";

/// Something kept, and where it is good for something.
pub(crate) struct SavedCredential {
    /// The manager's address.
    pub(crate) manager: String,
    /// The tenant; none for the primary one.
    pub(crate) tenant: Option<String>,
    /// What it is.
    pub(crate) what: What,
}

/// What is kept.
pub(crate) enum What {
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

impl std::fmt::Display for What {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Session { username, .. } => write!(formatter, "the session of {username}"),
            Self::Key { id: Some(id), .. } => write!(formatter, "the API key {id}"),
            Self::Key { .. } => formatter.write_str("the API key"),
        }
    }
}

/// For whom something is looked for.
pub(crate) struct CredentialQuery {
    manager: String,
    tenant: Option<String>,
    username: Option<String>,
    profile: Option<String>,
    /// The user name was typed for this very run, so a key, which is nobody's, is not meant.
    user_is_meant: bool,
    /// What others may read is all right.
    allow_loose: bool,
}

impl CredentialQuery {
    /// For a run with these settings.
    ///
    /// # Errors
    /// Of usage, where no manager is named.
    pub(crate) fn by(settings: &Settings) -> Result<Self, Error> {
        let username = settings.username.as_ref();
        let profile = settings.file.profile.as_ref();
        Ok(Self {
            manager: settings.address()?.to_string(),
            tenant: (settings.tenant.as_ref()).map(|tenant| tenant.value.clone()),
            username: username.map(|username| username.value.clone()),
            profile: profile.map(|profile| profile.value.name.clone()),
            user_is_meant: username.is_some_and(|username| username.source.is_flag()),
            allow_loose: settings.allow_loose_permissions,
        })
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
        self.kept(What::Session {
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
        self.kept(What::Key {
            profile: self.profile.clone(),
            id,
            secret,
            header,
        })
    }

    fn kept(&self, what: What) -> SavedCredential {
        SavedCredential {
            manager: self.manager.clone(),
            tenant: self.tenant.clone(),
            what,
        }
    }

    fn fits(&self, kept: &SavedCredential) -> bool {
        let here = kept.manager == self.manager && kept.tenant == self.tenant;
        here && match &kept.what {
            What::Session { username, .. } => {
                (self.username.as_ref()).is_none_or(|wanted| wanted == username)
            }
            What::Key { profile, .. } => *profile == self.profile,
        }
    }
}

impl SavedCredential {
    /// Writes it, in the place of an older one.
    pub(crate) fn keep(&self) -> Result<(), Error> {
        let folder =
            folder().ok_or_else(|| self.unkept("this machine names no place for state"))?;
        let content = secret::pretty_json(&Written::of(self)).map_err(|error| {
            Error::unexpected(format!("what is to be kept cannot be written: {error}"))
        })?;
        folder.write(&self.file_name(), &content).map_err(|error| {
            let place = folder.path().display();
            let variable = state_variable();
            untrusted_or(&error, || {
                self.unkept(&format!("{place} ({variable}): {error}"))
            })
        })
    }

    /// Makes sure that it would be kept where nobody else can get at it, as far as that can be told before there is anything to keep.
    ///
    /// # Errors
    /// Of usage, with the command that mends it.
    pub(crate) fn place_is_trusted() -> Result<(), Error> {
        let trusted = folder().map_or(Ok(()), |folder| folder.trusted());
        let untrusted = trusted
            .err()
            .and_then(|error| UntrustedPath::cause_of(&error));
        untrusted.map_or(Ok(()), |untrusted| Err(untrusted.into()))
    }

    fn unkept(&self, reason: &str) -> Error {
        Error::new(
            ErrorKind::Unexpected,
            format!("{} cannot be kept: {reason}", self.what),
        )
        .hint("name a folder that can be written to in SWP_STATE_DIR")
    }

    /// Forgets it.
    pub(crate) fn forget(&self) -> Result<(), Error> {
        let Some(folder) = folder() else {
            return Ok(());
        };
        folder.remove(&self.file_name()).map_err(|error| {
            Error::unexpected(format!(
                "what is kept cannot be removed from {}: {error}",
                folder.path().display()
            ))
        })
    }

    /// Finds what is kept for this run: the key of its profile, else the session of its user; any user's where none is named.
    ///
    /// # Errors
    /// Of usage, where several users have a session, or where others can have put one there or read it. A file that cannot be read is
    /// not passed over, and is named.
    pub(crate) fn find(wanted: &CredentialQuery) -> Result<Option<Self>, Error> {
        let (mut keys, mut sessions): (Vec<_>, Vec<_>) = (Self::all(wanted)?.into_iter())
            .partition(|kept| matches!(kept.what, What::Key { .. }));
        if let Some(key) = keys.pop()
            && !wanted.user_is_meant
        {
            return Ok(Some(key));
        }
        if sessions.len() > 1 {
            let names: Vec<_> = (sessions.iter()).filter_map(Self::username).collect();
            return Err(Error::usage(
                format!(
                    "several users are signed in to {}: {}",
                    wanted.manager,
                    names.join(", ")
                ),
                "say which one with `--username`",
            ));
        }
        Ok(sessions.pop())
    }

    /// Everything that is kept for this run: its profile's key, and the sessions of its user.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(crate) fn all(wanted: &CredentialQuery) -> Result<Vec<Self>, Error> {
        let Some(folder) = folder() else {
            return Ok(Vec::new());
        };
        let files = match folder.read_all(wanted.allow_loose) {
            Ok(files) => files,
            // A state folder that cannot be entered keeps nothing.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(Vec::new()),
            Err(error) => {
                let unreadable = || unreadable(&folder, &error.to_string());
                return Err(untrusted_or(&error, unreadable));
            }
        };
        let mut found = Vec::new();
        for (name, content) in files {
            let read: Option<Read> = serde_json::from_slice(&content).ok();
            let kept = read.and_then(Read::kept).ok_or_else(|| {
                unreadable(&folder, &format!("`{name}` holds no session and no key"))
            })?;
            if wanted.fits(&kept) {
                found.push(kept);
            }
        }
        Ok(found)
    }

    /// Whose session it is; none for a key.
    pub(crate) fn username(&self) -> Option<&str> {
        match &self.what {
            What::Session { username, .. } => Some(username),
            What::Key { .. } => None,
        }
    }

    /// Whether it stands in the same file.
    pub(crate) fn has_place_of(&self, other: &Self) -> bool {
        self.file_name() == other.file_name()
    }

    /// Whether it is this key.
    pub(crate) fn is_key(&self, other: &Secret) -> bool {
        matches!(&self.what, What::Key { secret, .. } if secret.expose() == other.expose())
    }

    /// A digest, since a name may hold anything; what it stands for is inside of the file.
    fn file_name(&self) -> String {
        let tenant = self.tenant.as_deref().unwrap_or_default();
        let whose = match &self.what {
            What::Session { username, .. } => ["session", username.as_str()],
            What::Key { profile: None, .. } => ["key", ""],
            What::Key {
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
        match &self.what {
            What::Session { .. } => None,
            What::Key { id: Some(id), .. } => Some(format!(
                "the key itself lives on at {}; `swp-keys delete-key {id}` ends it",
                self.manager
            )),
            What::Key { id: None, .. } => Some(format!(
                "the key itself lives on at {}; `swp-keys list-keys` shows its ID, and `swp-keys delete-key ID` ends it",
                self.manager
            )),
        }
    }
}

/// What is said of something kept that a variable keeps from being used.
pub(crate) fn shadowed(by: &Source, what: &What) -> String {
    format!("{by} is used as long as it is set, and not {what} that `swp-keys login` kept")
}

fn folder() -> Option<Folder> {
    Folder::of_state(FOLDER)
}

fn unreadable(folder: &Folder, reason: &str) -> Error {
    Error::new(
        ErrorKind::Unexpected,
        format!(
            "what is kept in {} ({}) cannot be read: {reason}",
            folder.path().display(),
            state_variable()
        ),
    )
    .hint("remove what is wrong there, and run `swp-keys login` again")
}

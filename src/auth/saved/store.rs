//! Writes, finds and deletes the files of saved credentials.

use std::io;

use super::credential::{SavedCredential, SavedSecret};
use super::file::{Read, Written};
use super::query::CredentialQuery;
use crate::error::{Error, ErrorKind};
use crate::secret;
use crate::storage::locations::state_variable;
use crate::storage::permissions::{UntrustedPath, untrusted_or};
use crate::storage::state_dir::Folder;

const FOLDER: &str = "kept";

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
            format!("{} cannot be kept: {reason}", self.secret),
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
            .partition(|kept| matches!(kept.secret, SavedSecret::Key { .. }));
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

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
    /// Saves the credential to its file, and replaces an existing file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub(crate) fn save(&self) -> Result<(), Error> {
        let folder =
            folder().ok_or_else(|| self.not_saved("the state folder could not be determined"))?;
        let content = secret::pretty_json(&Written::of(self)).map_err(|error| {
            Error::unexpected(format!("could not encode the credential: {error}"))
        })?;
        folder.write(&self.file_name(), &content).map_err(|error| {
            let place = folder.path().display();
            let variable = state_variable();
            untrusted_or(&error, || {
                self.not_saved(&format!("{place} ({variable}): {error}"))
            })
        })
    }

    /// Checks that other users cannot write to the folder of saved credentials. Called before the sign-in, so that the run fails early.
    ///
    /// # Errors
    /// Returns a usage error whose hint is the command that fixes the permissions.
    pub(crate) fn require_trusted_folder() -> Result<(), Error> {
        let trusted = folder().map_or(Ok(()), |folder| folder.trusted());
        let untrusted = trusted
            .err()
            .and_then(|error| UntrustedPath::cause_of(&error));
        untrusted.map_or(Ok(()), |untrusted| Err(untrusted.into()))
    }

    fn not_saved(&self, reason: &str) -> Error {
        Error::new(
            ErrorKind::Unexpected,
            format!("could not save {}: {reason}", self.secret),
        )
        .hint("set SWP_STATE_DIR to a writable folder")
    }

    /// Deletes the credential's file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be deleted.
    pub(crate) fn delete(&self) -> Result<(), Error> {
        let Some(folder) = folder() else {
            return Ok(());
        };
        folder.remove(&self.file_name()).map_err(|error| {
            Error::unexpected(format!(
                "could not delete the saved credential in {}: {error}",
                folder.path().display()
            ))
        })
    }

    /// Finds the saved credential for a run: the saved API key of the profile, or else the saved session of the user. If no user name is configured,
    /// the session of any user is accepted.
    ///
    /// # Errors
    /// Returns a usage error if several users have a saved session, or if other users of this machine can read or write the file. Returns
    /// an error that names the file if the file cannot be read.
    pub(crate) fn find(query: &CredentialQuery) -> Result<Option<Self>, Error> {
        let (mut keys, mut sessions): (Vec<_>, Vec<_>) = (Self::all(query)?.into_iter())
            .partition(|saved| matches!(saved.secret, SavedSecret::Key { .. }));
        if let Some(key) = keys.pop()
            && !query.user_is_explicit
        {
            return Ok(Some(key));
        }
        if sessions.len() > 1 {
            let names: Vec<_> = (sessions.iter()).filter_map(Self::username).collect();
            return Err(Error::usage(
                format!(
                    "several users have a saved session at {}: {}",
                    query.manager,
                    names.join(", ")
                ),
                "select a user with `--username`",
            ));
        }
        Ok(sessions.pop())
    }

    /// Returns all credentials that the query selects: the profile's API key and the user's sessions.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read.
    pub(crate) fn all(query: &CredentialQuery) -> Result<Vec<Self>, Error> {
        let mut found = Self::read_all(query.allow_loose)?;
        found.retain(|saved| query.matches(saved));
        Ok(found)
    }

    /// Returns the only saved credential of all managers. Returns `None` if several credentials are saved, or none.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read.
    pub(crate) fn only() -> Result<Option<Self>, Error> {
        let mut found = Self::read_all(true)?;
        Ok(found.pop().filter(|_| found.is_empty()))
    }

    fn read_all(allow_loose: bool) -> Result<Vec<Self>, Error> {
        let Some(folder) = folder() else {
            return Ok(Vec::new());
        };
        let files = match folder.read_all(allow_loose) {
            Ok(files) => files,
            // A folder that this user cannot read belongs to another user, so it contains no credentials of this user.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(Vec::new()),
            Err(error) => {
                let unreadable = || unreadable(&folder, &error.to_string());
                return Err(untrusted_or(&error, unreadable));
            }
        };
        let mut found = Vec::new();
        for (name, content) in files {
            let read: Option<Read> = serde_json::from_slice(&content).ok();
            let saved = read.and_then(Read::credential).ok_or_else(|| {
                unreadable(
                    &folder,
                    &format!("`{name}` contains neither a session nor an API key"),
                )
            })?;
            found.push(saved);
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
            "could not read the saved credentials in {} ({}): {reason}",
            folder.path().display(),
            state_variable()
        ),
    )
    .hint("delete the file and run `swp-keys login` again")
}

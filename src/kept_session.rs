//! The session that `login` keeps for later commands: one file for each manager, tenant and user. No password is ever in it.

use std::io;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Error, Kind};
use crate::manager::Session;
use crate::secret::Secret;
use crate::store::Folder;

const FOLDER: &str = "sessions";

/// A kept session, and whose it is.
#[derive(Deserialize)]
pub(crate) struct KeptSession {
    /// The manager's address.
    pub(crate) manager: String,
    /// The tenant; none for the primary one.
    pub(crate) tenant: Option<String>,
    /// The administrator.
    pub(crate) username: String,
    /// The session's cookies.
    cookies: Vec<(String, Secret)>,
    /// The session's request ID.
    request_id: Secret,
}

/// What is written; a secret has no way into a file but this one.
#[derive(Serialize)]
struct Written<'a> {
    manager: &'a str,
    tenant: Option<&'a str>,
    username: &'a str,
    cookies: Vec<(&'a str, &'a str)>,
    request_id: &'a str,
}

impl KeptSession {
    pub(crate) fn new(
        manager: String,
        tenant: Option<String>,
        username: String,
        session: &Session,
    ) -> Self {
        let Session {
            cookies,
            request_id,
        } = session.clone();
        Self {
            manager,
            tenant,
            username,
            cookies,
            request_id,
        }
    }

    /// The session itself.
    pub(crate) fn session(&self) -> Session {
        Session {
            cookies: self.cookies.clone(),
            request_id: self.request_id.clone(),
        }
    }

    /// Writes it, in the place of an older one.
    pub(crate) fn keep(&self) -> Result<(), Error> {
        let folder =
            folder().ok_or_else(|| cannot_keep("this machine names no place for state"))?;
        let written = Written {
            manager: &self.manager,
            tenant: self.tenant.as_deref(),
            username: &self.username,
            cookies: self
                .cookies
                .iter()
                .map(|(name, value)| (name.as_str(), value.expose()))
                .collect(),
            request_id: self.request_id.expose(),
        };
        let mut content = Zeroizing::new(Vec::with_capacity(4096));
        serde_json::to_writer_pretty(&mut *content, &written).map_err(|error| {
            Error::unexpected(format!("the session cannot be written: {error}"))
        })?;
        folder
            .write(&self.file_name(), &content)
            .map_err(|error| cannot_keep(&format!("{}: {error}", folder.path().display())))
    }

    /// Forgets it.
    pub(crate) fn forget(&self) -> Result<(), Error> {
        let Some(folder) = folder() else {
            return Ok(());
        };
        folder.remove(&self.file_name()).map_err(|error| {
            Error::unexpected(format!(
                "the kept session cannot be removed from {}: {error}",
                folder.path().display()
            ))
        })
    }

    /// Finds the one that is kept for this manager, tenant and user; any user where none is named.
    ///
    /// # Errors
    /// Of usage, where several users have one. A file that cannot be read is no session, and is named.
    pub(crate) fn find(
        manager: &str,
        tenant: Option<&str>,
        username: Option<&str>,
    ) -> Result<Option<Self>, Error> {
        let Some(folder) = folder() else {
            return Ok(None);
        };
        let files = match folder.read_all() {
            Ok(files) => files,
            // A state folder that cannot be entered keeps nothing.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(None),
            Err(error) => return Err(unreadable(&folder, &error.to_string())),
        };
        let mut found = Vec::new();
        for (name, content) in files {
            let kept: Self = serde_json::from_slice(&content)
                .map_err(|_| unreadable(&folder, &format!("`{name}` holds no session")))?;
            let fits = kept.manager == manager
                && kept.tenant.as_deref() == tenant
                && username.is_none_or(|username| kept.username == username);
            if fits {
                found.push(kept);
            }
        }
        if found.len() > 1 {
            let names: Vec<_> = found.iter().map(|kept| kept.username.as_str()).collect();
            return Err(Error::usage(
                format!(
                    "several users are signed in to {manager}: {}",
                    names.join(", ")
                ),
                "say which one with `--username`",
            ));
        }
        Ok(found.pop())
    }

    /// A digest, since a name may hold anything; what it stands for is inside of the file.
    fn file_name(&self) -> String {
        let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
        for part in [
            self.manager.as_str(),
            self.tenant.as_deref().unwrap_or_default(),
            self.username.as_str(),
        ] {
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
}

fn folder() -> Option<Folder> {
    Folder::of_state(FOLDER)
}

fn cannot_keep(reason: &str) -> Error {
    Error::new(
        Kind::Unexpected,
        format!("the session cannot be kept: {reason}"),
    )
    .hint("name a folder that can be written to in SWP_STATE_DIR")
}

fn unreadable(folder: &Folder, reason: &str) -> Error {
    Error::new(
        Kind::Unexpected,
        format!(
            "the kept sessions in {} cannot be read: {reason}",
            folder.path().display()
        ),
    )
    .hint("remove what is wrong there, and run `swp-keys login` again")
}

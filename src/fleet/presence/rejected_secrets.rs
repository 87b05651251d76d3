//! Remembers the secrets that a manager has rejected, so that no later run uses them again: each use of a wrong secret counts towards the lock of a
//! key.
//!
//! The folder `rejected-secrets/` of the state folder has an empty file for each of these secrets. The name of the file is a keyed hash of the
//! manager, the tenant and the secret. If the folder cannot be used, the run continues without it.

use std::io;

use ring::hmac;

use crate::auth::session::Access;
use crate::secret::Secret;
use crate::storage::hash_key::{existing_key, hash, locked_key};
use crate::storage::state_dir::Folder;

const FOLDER: &str = "rejected-secrets";

/// The secrets that one manager has rejected.
pub(super) struct RejectedSecrets {
    folder: Option<Folder>,
    manager: String,
    tenant: String,
}

impl RejectedSecrets {
    /// Returns the secrets that the manager has rejected.
    pub(super) fn of(access: Access<'_>) -> Self {
        Self {
            folder: Folder::of_state(FOLDER),
            manager: access.target.address.to_string(),
            tenant: access.target.tenant_name().unwrap_or_default().to_owned(),
        }
    }

    /// Returns true if the manager has rejected the secret.
    pub(super) fn contains(&self, secret: &Secret) -> bool {
        let found = self.ask(|folder| match existing_key(folder)? {
            Some(key) => Ok(folder.read(&self.file_name(&key, secret))?.is_some()),
            None => Ok(false),
        });
        found.unwrap_or_default()
    }

    /// Adds a secret that the manager has rejected.
    pub(super) fn add(&self, secret: &Secret) {
        self.ask(|folder| {
            let (_lock, key) = locked_key(folder)?;
            folder.write(&self.file_name(&key, secret), b"")
        });
    }

    fn file_name(&self, key: &hmac::Key, secret: &Secret) -> String {
        let parts = [
            b"secret",
            self.manager.as_bytes(),
            self.tenant.as_bytes(),
            secret.expose().as_bytes(),
        ];
        hash(key, &parts)
    }

    fn ask<T>(&self, work: impl FnOnce(&Folder) -> io::Result<T>) -> Option<T> {
        let folder = self.folder.as_ref()?;
        let done = work(folder).inspect_err(|error| {
            log::info!(
                "could not read or write the list of rejected secrets in {}: {error}",
                folder.path().display()
            );
        });
        done.ok()
    }
}

//! Deletes keys of the fleet: retired keys, and undeclared keys because of `--prune`.

use super::change::not_listed;
use super::manager_run::{KeyDone, ManagerRun};
use crate::error::{Error, ErrorKind};
use crate::fleet::plan::PlannedKey;
use crate::keys::deletion;
use crate::keys::own_key::Signer;
use crate::manager::ApiKey;
use crate::mint::FleetMark;

impl ManagerRun<'_> {
    /// Deletes a key, if it is still as it was listed.
    pub(super) async fn delete(&self, planned: &PlannedKey<'_>) -> Result<KeyDone, Error> {
        let listed = planned.key.ok_or_else(not_listed)?;
        let done = (listed.id, None);
        let Some(key) = self.read_unchanged(listed).await? else {
            return Ok(done);
        };
        let mark = FleetMark::of(key.description().unwrap_or_default());
        if mark.is_none_or(|mark| mark.fleet != self.fleet) {
            return Err(changed_meanwhile(key.id));
        }
        // Of two keys with the same name, only a key that was never used is deleted. The last use of a retired key is not compared, because the key
        // expired long ago.
        let use_matters =
            planned.declared.is_some() || planned.is_pruned && !self.options.prune_used;
        if use_matters && key.last_sign_in() > listed.last_sign_in() {
            let message = "the key was used during this run, so this run did not delete it";
            return Err(Error::new(ErrorKind::Conflict, message).key(key.id));
        }
        if let Some(kept) = planned.kept {
            self.check_kept(kept).await?;
        }
        self.refuse_own_key(&key, "deleted").await?;
        deletion::delete(&key, false, "", self.access).await?;
        Ok(done)
    }

    /// Checks that a key still works. The destinations have its secret, and another key with the same name is deleted because of that.
    async fn check_kept(&self, kept: &ApiKey) -> Result<(), Error> {
        let now = self.access.signed_in.time();
        match self.read_unchanged(kept).await {
            Ok(Some(key)) if key.why_unusable(now).is_none() => Ok(()),
            Err(error) if error.kind() != ErrorKind::Conflict => Err(error),
            _ => {
                let message = format!(
                    "the other key with this name (ID {}) was changed or deleted by someone else during this run, so this run deleted neither key",
                    kept.id
                );
                Err(Error::new(ErrorKind::Conflict, message).key(kept.id))
            }
        }
    }

    /// Reads a key again before it is replaced, reset or deleted. Returns `None` if the key no longer exists.
    ///
    /// # Errors
    /// Returns a conflict if the name, the marker, the lock or the expiry of the key has changed since it was listed.
    pub(super) async fn read_unchanged(&self, listed: &ApiKey) -> Result<Option<ApiKey>, Error> {
        let is_locked = |key: &ApiKey| key.active() == Some(false);
        match self.read_again(listed).await? {
            Some(key)
                if is_locked(&key) != is_locked(listed)
                    || key.expiry_date() != listed.expiry_date() =>
            {
                Err(changed_meanwhile(key.id))
            }
            key => Ok(key),
        }
    }

    /// Reads a key again before it is changed. Its marker may have been removed since it was listed, for example while this run waited for the
    /// confirmation. Returns `None` if the key no longer exists.
    ///
    /// # Errors
    /// Returns a conflict if the name or the marker of the key has changed since it was listed.
    pub(super) async fn read_again(&self, listed: &ApiKey) -> Result<Option<ApiKey>, Error> {
        let reading = async { Ok(self.access.signed_in.find_api_key(listed.id).await?) };
        let Some(key) = self.access.context.signals.cancel(reading).await? else {
            return Ok(None);
        };
        let mark = |key: &ApiKey| FleetMark::of(key.description().unwrap_or_default());
        if key.name() != listed.name() || mark(&key) != mark(listed) {
            return Err(changed_meanwhile(key.id));
        }
        Ok(Some(key))
    }

    /// Returns the credential that authenticates this run.
    pub(super) async fn signer(&self) -> Result<Signer, Error> {
        match self.inventory.signer {
            Some(id) => Ok(Signer::Key(id)),
            None => Signer::ask(self.access).await,
        }
    }

    /// Checks that the key does not authenticate this run.
    ///
    /// # Errors
    /// Returns an error if the key authenticates this run, or if it is unknown which key does.
    pub(super) async fn refuse_own_key(&self, key: &ApiKey, verb: &str) -> Result<(), Error> {
        let signer = self.signer().await?;
        signer.refuse_own_key(key, verb).map_err(|error| {
            Error::new(ErrorKind::Conflict, error.to_string())
                .hint("sign in with a different key or with a password")
                .key(key.id)
        })
    }
}

pub(super) fn changed_meanwhile(id: i64) -> Error {
    let message =
        "the key was changed by someone else during this run, so this run did not change it";
    Error::new(ErrorKind::Conflict, message).key(id)
}

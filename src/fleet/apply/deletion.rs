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
        let Some(key) = self.read_again(listed).await? else {
            return Ok(done);
        };
        let mark = FleetMark::of(key.description().unwrap_or_default());
        let is_of_fleet = mark.is_some_and(|mark| mark.fleet == self.fleet);
        // Of two keys with the same name, only a key that was never used is deleted.
        let is_used = planned.declared.is_some() && key.last_sign_in().is_some();
        if !is_of_fleet || is_used || key.expiry_date() != listed.expiry_date() {
            return Err(changed_meanwhile(key.id));
        }
        self.refuse_own_key(&key, "deleted").await?;
        deletion::delete(&key, false, "", self.access).await?;
        Ok(done)
    }

    /// Reads a key again before it is changed or deleted. Its marker may have been removed since it was listed, for example while this run waited for
    /// the confirmation. Returns `None` if the key no longer exists.
    ///
    /// # Errors
    /// Returns a conflict if the key no longer has the name and the marker with which it was listed.
    pub(super) async fn read_again(&self, listed: &ApiKey) -> Result<Option<ApiKey>, Error> {
        let Some(key) = self.access.signed_in.find_api_key(listed.id).await? else {
            return Ok(None);
        };
        let mark = |key: &ApiKey| FleetMark::of(key.description().unwrap_or_default());
        if key.name() != listed.name() || mark(&key) != mark(listed) {
            return Err(changed_meanwhile(key.id));
        }
        Ok(Some(key))
    }

    /// Checks that the key does not authenticate this run.
    ///
    /// # Errors
    /// Returns an error if the key authenticates this run, or if it is unknown which key does.
    pub(super) async fn refuse_own_key(&self, key: &ApiKey, verb: &str) -> Result<(), Error> {
        let signer = match self.inventory.signer {
            Some(id) => Signer::Key(id),
            None => Signer::ask(self.access).await?,
        };
        signer.refuse_own_key(key, verb).map_err(|error| {
            Error::new(ErrorKind::Conflict, error.to_string())
                .hint("sign in with a different key or with a password")
                .key(key.id)
        })
    }
}

fn changed_meanwhile(id: i64) -> Error {
    let message =
        "the key was changed by someone else during this run, so this run did not change it";
    Error::new(ErrorKind::Conflict, message).key(id)
}

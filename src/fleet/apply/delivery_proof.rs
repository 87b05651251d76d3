//! Determines whether the secret of an interrupted run was delivered, and whether it may be in use. A secret that may be in use is not reset.

use super::manager_run::ManagerRun;
use crate::error::{Error, ErrorKind};
use crate::fleet::manifest::DeclaredKey;
use crate::fleet::presence::{self, KeyToLookAt, SecretState};
use crate::journal::{Record, Work};
use crate::keys::own_key::Signer;
use crate::keys::state::State;
use crate::manager::{ApiKey, LastUse, named_key};
use crate::mint::retiring_name;
use crate::secret::Secret;
use crate::text::rfc3339;

/// What the destinations show about the secret of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Every destination has a secret of the key that works.
    Shown,
    /// At least one destination has a secret of the key that works, which this run has used.
    Partial,
    NotShown,
}

impl ManagerRun<'_> {
    /// Returns what the destinations show about the secret of a key. No secret is used if a destination has none.
    ///
    /// # Errors
    /// Returns a conflict if there are secrets, but the manager rejects every secret of the key. The secrets may be correct. Returns an error if it is
    /// unknown whether a secret works.
    pub(super) async fn delivery(
        &self,
        declared: &DeclaredKey,
        key: &ApiKey,
    ) -> Result<Delivery, Error> {
        if self.options.no_look {
            return Ok(Delivery::NotShown);
        }
        let place = KeyToLookAt {
            id: Some(key.id),
            declared,
            reads_secret: true,
            runs_command: true,
        };
        let mut states = presence::look_at(&[place], self.access.context).await?;
        let states = states.remove(&declared.name).unwrap_or_default();
        let secrets = states.into_iter().map(SecretState::into_secret);
        let Some(secrets) = secrets.collect::<Option<Vec<Secret>>>() else {
            return Ok(Delivery::NotShown);
        };
        let now = self.access.signed_in.time();
        if let Some(obstacle) = key.why_unusable(now) {
            return Err(unusable(key, obstacle, State::of(key, now)));
        }
        let mut shown = 0;
        // The manager rejects the secret of the expired old key of a rotation, so its use would show nothing.
        let names_unusable_key = |secret: &Secret| {
            let named = named_key(secret).filter(|named| *named != key.id);
            let mut listed = self.inventory.keys.iter();
            listed.any(|one| Some(one.id) == named && one.why_unusable(now).is_some())
        };
        for secret in &secrets {
            if names_unusable_key(secret) {
                continue;
            }
            // A secret whose owner is unknown may be that of the old key.
            if self.checks.check(secret, Some(key.id)).await?.is_of(key.id) {
                shown += 1;
            }
        }
        Ok(match shown {
            0 => Delivery::NotShown,
            shown if shown == secrets.len() => Delivery::Shown,
            _ => Delivery::Partial,
        })
    }

    /// Returns true if the key authenticates this run, which shows that its secret was delivered.
    ///
    /// # Errors
    /// Returns a conflict if it is unknown which key authenticates this run.
    pub(super) async fn is_own_key(&self, key: &ApiKey) -> Result<bool, Error> {
        let signer = self.signer().await?;
        if signer == Signer::SomeKey {
            self.refuse_own_key(key, "reset").await?;
        }
        Ok(signer.is(key.id))
    }

    /// Checks that a new key was never used. Its secret is reset, and only somebody who has the secret can use the key.
    ///
    /// # Errors
    /// Returns a conflict if the key was used.
    pub(super) fn refuse_used(
        &self,
        declared: &DeclaredKey,
        key: &ApiKey,
        record: &Record,
    ) -> Result<(), Error> {
        // A key whose secret is reset by request was used with its old secret.
        if record.work == Work::Rekey || !matches!(key.last_use(), LastUse::At(_)) {
            return Ok(());
        }
        let id = key.id;
        let next = match &record.predecessor {
            Some(old) => {
                let now = self.access.signed_in.time().timestamp_millis();
                let end = now.saturating_add(old.overlap);
                format!(
                    "`swp-keys update-key {} --expires {} --name \"{}\"` to retire the old key",
                    old.id,
                    rfc3339(end).unwrap_or_default(),
                    retiring_name(&declared.name, end)
                )
            }
            None => format!(
                "`swp-keys rotate-key {id} --out-file FILE` to create a successor while the secret works"
            ),
        };
        let message = "the key was used, so its secret may be in use and was not reset";
        let hint = format!("check that each destination has the secret, then run {next}");
        Err(Error::new(ErrorKind::Conflict, message).hint(hint).key(id))
    }
}

/// Returns the error for a locked or expired key whose secret may have been delivered.
fn unusable(key: &ApiKey, obstacle: &str, state: State) -> Error {
    let id = key.id;
    let message = format!(
        "{obstacle}, so it is unknown whether its secret was delivered; the secret was not reset"
    );
    let hint = match state {
        State::Locked(_) => format!("run `swp-keys unlock-key {id}`, then run `apply` again"),
        _ => format!("run `swp-keys update-key {id} --expires 90d`, then run `apply` again"),
    };
    Error::new(ErrorKind::Conflict, message).hint(hint).key(id)
}

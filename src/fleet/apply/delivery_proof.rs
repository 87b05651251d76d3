//! Determines whether the secret of an interrupted run was delivered, and whether it may be in use. A secret that may be in use is not reset.

use super::manager_run::ManagerRun;
use crate::error::{Error, ErrorKind};
use crate::expiry::format_time;
use crate::fleet::inventory::interrupted_run;
use crate::fleet::manifest::DeclaredKey;
use crate::fleet::plan::OWN_USE;
use crate::fleet::presence::{self, KeyToLookAt, SecretState, SecretUse};
use crate::journal::{Entry, Predecessor, Record, Work};
use crate::keys::own_key::Signer;
use crate::keys::state::State;
use crate::manager::{ApiKey, LastUse, named_key};
use crate::mint::resume::settle;
use crate::mint::{FleetMark, retiring_name};
use crate::secret::Secret;
use crate::text::rfc3339;

/// What the destinations show about the secret of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Every destination has a secret of the key that works.
    Shown,
    /// At least one destination has a secret of the key that works, which this run has used.
    Partial,
    /// No destination has the secret of the key.
    Absent,
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
        let is_other = |id| id != key.id && self.inventory.keys.iter().any(|one| one.id == id);
        let is_absent = |state: &SecretState| state.is_missing_or_of(is_other);
        let not_shown = match !states.is_empty() && states.iter().all(is_absent) {
            true => Delivery::Absent,
            false => Delivery::NotShown,
        };
        let secrets = states.into_iter().map(SecretState::into_secret);
        let Some(secrets) = secrets.collect::<Option<Vec<Secret>>>() else {
            return Ok(not_shown);
        };
        let now = self.access.signed_in.time();
        if let Some(obstacle) = key.why_unusable(now) {
            return Err(unusable(key, obstacle, State::of(key, now)));
        }
        let (mut shown, mut unknown) = (0, 0);
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
            match self.checks.check(secret, Some(key.id)).await? {
                used if used.is_of(key.id) => shown += 1,
                SecretUse::Works(None) => unknown += 1,
                _ => {}
            }
        }
        Ok(match shown {
            0 if unknown == 0 => Delivery::Absent,
            0 => not_shown,
            shown if shown == secrets.len() => Delivery::Shown,
            _ => Delivery::Partial,
        })
    }

    /// Returns true if the key authenticates this run, which shows that its secret was delivered.
    ///
    /// # Errors
    /// Returns a conflict if it is unknown which key authenticates this run.
    pub(super) async fn is_own_key(&self, key: &ApiKey, record: &Record) -> Result<bool, Error> {
        let signer = self.signer().await?;
        // The key that authenticated the interrupted run existed before that run created a key.
        let fingerprint = self.access.signed_in.signer_fingerprint(&record.operation);
        let is_older = record.work == Work::Create
            && !is_written_again(record)
            && record.signer.is_some()
            && record.signer == fingerprint;
        if signer == Signer::SomeKey && !is_older {
            self.refuse_own_key(key, "reset").await?;
        }
        Ok(signer.is(key.id))
    }

    /// Checks that only the interrupted run itself has used a new key. Otherwise the secret of the key may be in use, so it must not be reset. If the
    /// marker shows the unfinished work, or if another user has used the key, the record is removed.
    ///
    /// # Errors
    /// Returns a conflict if the secret of the key may be in use.
    pub(super) fn refuse_used(
        &self,
        declared: &DeclaredKey,
        key: &ApiKey,
        entry: Entry,
        delivery: Delivery,
    ) -> Result<Entry, Error> {
        let record = &entry.record;
        let LastUse::At(used) = key.last_use() else {
            return Ok(entry);
        };
        let is_own_use = self.last_own_use(key, record) >= Some(used);
        // A key whose secret is reset by request was used with its old secret.
        if record.work == Work::Rekey || is_own_use && delivery == Delivery::Absent {
            return Ok(entry);
        }
        let mark = FleetMark::of(key.description().unwrap_or_default());
        let is_pending = mark.is_some_and(|mark| mark.pending);
        let is_kept = is_own_use && !is_pending && !is_written_again(record);
        let (id, operation) = (key.id, &record.operation);
        let next = match &record.predecessor {
            Some(old) if !is_pending => self.retiring_command(declared, old),
            None if is_kept => format!(
                "`swp-keys recover {operation} --forget{}` to remove the record",
                self.access.context.yes_flag()
            ),
            old => format!(
                "{}`swp-keys rotate-key {id} --out-file FILE` to create a successor while the secret works",
                old.as_ref()
                    .and_then(|old| self.renaming_command(declared, old))
                    .unwrap_or_default()
            ),
        };
        let otherwise = match is_kept {
            true => new_secret_hint(operation),
            false => String::new(),
        };
        let message = "the key was used, so its secret may be in use and was not reset";
        let hint =
            format!("check that each destination has the secret, then run {next}{otherwise}");
        if !is_kept {
            settle(entry)?;
        }
        Err(Error::new(ErrorKind::Conflict, message).hint(hint).key(id))
    }

    /// Returns the command that retires the old key of a rotation.
    fn retiring_command(&self, declared: &DeclaredKey, old: &Predecessor) -> String {
        let now = self.access.signed_in.time().timestamp_millis();
        let end = now.saturating_add(old.overlap);
        format!(
            "`swp-keys update-key {} --expires {} --name {}` to retire the old key",
            old.id,
            rfc3339(end).unwrap_or_default(),
            shell_words::quote(&retiring_name(&declared.name, end))
        )
    }

    /// Returns the command that renames the old key of a rotation, which expires soon or has expired. While the old key has the name or works, its
    /// successor cannot be rotated.
    fn renaming_command(&self, declared: &DeclaredKey, old: &Predecessor) -> Option<String> {
        let mut listed = self.inventory.keys.iter();
        let listed = listed.find(|key| key.id == old.id)?;
        let is_named = |name| name == declared.name;
        let end = listed
            .expiry_date()
            .filter(|_| listed.name().is_some_and(is_named))?;
        let wait = match end > self.access.signed_in.time().timestamp_millis() {
            true => format!(" wait until {}, then", format_time(end)),
            false => String::new(),
        };
        Some(format!(
            "`swp-keys update-key {} --name {}` to rename the old key, then{wait} run ",
            old.id,
            shell_words::quote(&retiring_name(&declared.name, end))
        ))
    }

    /// Returns the latest time at which the interrupted run itself may have used its new key. A record that was written again does not show when the
    /// run worked.
    fn last_own_use(&self, key: &ApiKey, record: &Record) -> Option<i64> {
        let last_request = match is_written_again(record) {
            true => key.created()?,
            false => interrupted_run(record.clone(), self.access).last_request,
        };
        Some(last_request.saturating_add(OWN_USE))
    }

    /// Returns the error for a key if its predecessor does not show whether the secret was delivered. The record is kept.
    pub(super) fn unknown_delivery(&self, id: i64, record: &Record) -> Error {
        let operation = &record.operation;
        let message = "it is unknown whether another run has delivered the secret of the key, so the secret was not reset";
        let hint = format!(
            "check that each destination has the secret, then run `swp-keys recover {operation} --forget{}` to remove the record{}",
            self.access.context.yes_flag(),
            new_secret_hint(operation)
        );
        Error::new(ErrorKind::Conflict, message).hint(hint).key(id)
    }
}

/// Returns true if the record was written again from the marker of the key, because the state folder of the run is lost.
fn is_written_again(record: &Record) -> bool {
    record.fleet.is_some() && !record.unique
}

/// Returns the end of a hint: the command that creates a new secret.
fn new_secret_hint(operation: &str) -> String {
    format!(
        "; if a destination does not have it, run `swp-keys recover {operation} --out-file FILE` to create a new secret"
    )
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

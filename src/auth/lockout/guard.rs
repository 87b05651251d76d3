//! The lockout guard: records rejected sign-ins across runs, so that repeated runs do not lock an account.
//!
//! The manager locks an account after several rejected passwords or MFA codes, and only another administrator can unlock it (docs/manager-api.md,
//! "Sign-in"). After two rejections within 15 minutes, the guard pauses sign-ins for 15 minutes: each run fails before it sends anything. With
//! `--force-login`, a run signs in anyway. On a terminal, the user is asked whether to sign in anyway. A successful sign-in clears the rejections.
//!
//! The guard counts every rejection by the manager, even if its cause is unknown. It does not count these failures: a request that did not reach the
//! manager, a rate limit, the session limit, an unavailable manager, and a missing MFA code. It does not count a lost response either, because the
//! manager may have accepted the sign-in.
//!
//! A manager must not accept an MFA code a second time (RFC 6238, section 5.2). So an MFA code that was sent is not sent again for 15 minutes, even
//! if the sign-in failed. After 15 minutes, no manager accepts this MFA code any more. A new MFA code that happens to equal an earlier one is
//! rejected by mistake. The probability of this is one in a million.
//!
//! The records are in the folder `sign-ins/` of the state folder. The file `key` contains random bytes that are generated once. Each combination of
//! manager, tenant and user has a record file, whose name is a keyed hash of the three values. A record contains the times of rejections, the cause
//! of the last rejection, and keyed hashes of the MFA codes that were sent. An attacker who reads `key` and a record could compute the MFA codes, but
//! a used MFA code no longer works. A record is always rewritten completely while the file `key` is locked, so that no update of a concurrent run is
//! lost. A record is deleted when all its entries are too old. If the records cannot be written, the run continues without them and logs the error at
//! `-v`, because a read-only home folder must not prevent a sign-in.

use std::cell::{Cell, RefCell};
use std::io;

use chrono::Utc;
use ring::hmac;

use super::guard_error::{CodeAlreadyUsed, Paused};
use super::record::{SentCode, SignInRecord};
use crate::manager::SignInRefusal;
use crate::secret::Secret;
use crate::storage::hash_key::{KEY, existing_key, hash, locked_key};
use crate::storage::state_dir::Folder;

const FOLDER: &str = "sign-ins";
/// The number of rejections after which sign-ins are paused.
const LIMIT: usize = 2;

/// Decides whether a sign-in request may be sent. Each sign-in uses its own guard.
pub(crate) struct LockoutGuard {
    folder: Option<Folder>,
    manager: String,
    tenant: String,
    username: String,
    forced: bool,
    /// True if the user chose at the prompt to sign in anyway.
    is_allowed: Cell<bool>,
    /// The MFA codes that this run has sent, each with its time. This run never sends one of them again, even with `--force-login`, and even if the
    /// sign-in record cannot be written.
    sent: RefCell<Vec<(Secret, i64)>>,
}

impl LockoutGuard {
    /// Returns the lockout guard of an account. `Kim` and `kim` count as one account, because it is unknown whether the manager's user names are
    /// case-sensitive (docs/manager-api.md, "Unknowns", no. 12).
    pub(crate) fn new(manager: &str, tenant: Option<&str>, username: &str, forced: bool) -> Self {
        Self {
            folder: Folder::of_state(FOLDER),
            manager: manager.to_owned(),
            tenant: tenant.unwrap_or_default().to_lowercase(),
            username: username.to_lowercase(),
            forced,
            is_allowed: Cell::new(false),
            sent: RefCell::default(),
        }
    }

    /// Checks that sign-ins are not paused.
    ///
    /// # Errors
    /// Returns the reason if sign-ins are paused.
    pub(crate) fn check(&self) -> Result<(), Box<Paused>> {
        let record = self.record();
        let refused = record.refused;
        let Some(last) = refused.last().filter(|_| refused.len() >= LIMIT) else {
            return Ok(());
        };
        if self.forced || self.is_allowed.get() {
            log::info!("signing in although earlier sign-ins were rejected");
            return Ok(());
        }
        Err(Box::new(Paused {
            refusals: refused.len(),
            username: self.username.clone(),
            manager: self.manager.clone(),
            last: *last,
            why: record.why,
        }))
    }

    /// Allows this run to sign in during a pause. The caller must have asked the user.
    pub(crate) fn allow(&self) {
        self.is_allowed.set(true);
    }

    /// Checks that this MFA code was not sent before.
    ///
    /// # Errors
    /// If the MFA code was sent before, returns the time at which it was sent.
    pub(crate) fn is_fresh(&self, code: &Secret) -> Result<(), CodeAlreadyUsed> {
        let sent = self.sent.borrow();
        if let Some((_, when)) = sent.iter().find(|(sent, _)| sent.expose() == code.expose()) {
            return Err(CodeAlreadyUsed(*when));
        }
        let Some(key) = self.ask(existing_key).flatten() else {
            return Ok(());
        };
        self.require_unused(&self.record(), &self.fingerprint(&key, code))
    }

    /// Records an MFA code as sent. The caller does this before the request, so that the record is correct even if the process is killed during the
    /// request. If several runs use the same MFA code at the same time, only one run may send it.
    ///
    /// # Errors
    /// If the MFA code was sent before, returns the time at which it was sent.
    pub(crate) fn mark_code_used(&self, code: &Secret) -> Result<(), CodeAlreadyUsed> {
        // If the state folder is read-only, `change` fails, and its failure is ignored. So the MFA code is checked here first. This check needs no
        // write access. It also covers the MFA codes that this run has sent.
        self.is_fresh(code)?;
        let spent = self.change(|record, key| {
            let fingerprint = self.fingerprint(key, code);
            self.require_unused(record, &fingerprint)?;
            let sent = now();
            record.codes.retain(|code| code.fingerprint != fingerprint);
            record.codes.push(SentCode { fingerprint, sent });
            Ok(())
        });
        spent.unwrap_or(Ok(()))?;
        self.sent.borrow_mut().push((code.clone(), now()));
        Ok(())
    }

    /// Removes an MFA code from the record. Used if the MFA code did not reach the manager.
    pub(crate) fn was_not_sent(&self, code: &Secret) {
        (self.sent.borrow_mut()).retain(|(sent, _)| sent.expose() != code.expose());
        self.change(|record, key| {
            let fingerprint = self.fingerprint(key, code);
            record.codes.retain(|code| code.fingerprint != fingerprint);
        });
    }

    /// Records that the manager rejected the sign-in.
    pub(crate) fn refused(&self, why: SignInRefusal) {
        self.change(|record, _| {
            record.refused.push(now());
            record.why = Some(why);
        });
    }

    /// Clears the rejections after the manager has accepted a sign-in.
    pub(crate) fn accepted(&self) {
        // If there are no records, `change` is not called, because it would create the file `key`.
        let any = self.ask(|folder| Ok(!folder.names()?.is_empty()));
        if any == Some(true) {
            self.change(|record, _| {
                record.refused.clear();
                record.why = None;
            });
        }
    }

    fn require_unused(
        &self,
        record: &SignInRecord,
        fingerprint: &str,
    ) -> Result<(), CodeAlreadyUsed> {
        match record
            .codes
            .iter()
            .find(|code| code.fingerprint == fingerprint)
        {
            Some(code) if !self.forced => Err(CodeAlreadyUsed(code.sent)),
            _ => Ok(()),
        }
    }

    /// Returns the record without the entries that are too old.
    fn record(&self) -> SignInRecord {
        self.ask(|folder| {
            let key = existing_key(folder)?;
            let found = key.map(|key| read(folder, &self.file_name(&key)));
            let mut record = found.transpose()?.unwrap_or_default();
            record.forget_old(now());
            Ok(record)
        })
        .unwrap_or_default()
    }

    /// Changes the record of this account. Also deletes other accounts' records if all their entries are outdated. Returns `None` if the record of
    /// this account cannot be written.
    fn change<T>(&self, change: impl FnOnce(&mut SignInRecord, &hmac::Key) -> T) -> Option<T> {
        self.ask(|folder| {
            let (_lock, key) = locked_key(folder)?;
            let name = self.file_name(&key);
            let mut record = read(folder, &name)?;
            record.forget_old(now());
            let changed = change(&mut record, &key);
            write(folder, &name, &record)?;
            sweep(folder);
            Ok(changed)
        })
    }

    /// Runs `work` with the folder of the records. An error is only logged, because a run must not fail if the folder cannot be used.
    fn ask<T>(&self, work: impl FnOnce(&Folder) -> io::Result<T>) -> Option<T> {
        let folder = self.folder.as_ref()?;
        work(folder)
            .inspect_err(|error| {
                log::info!(
                    "could not read or write the record of rejected sign-ins in {}: {error}",
                    folder.path().display()
                );
            })
            .ok()
    }

    pub(super) fn file_name(&self, key: &hmac::Key) -> String {
        format!("{}.json", hash(key, &self.account(b"account")))
    }

    fn fingerprint(&self, key: &hmac::Key, code: &Secret) -> String {
        let mut parts = self.account(b"code");
        parts.push(code.expose().as_bytes());
        hash(key, &parts)
    }

    fn account<'a>(&'a self, purpose: &'a [u8]) -> Vec<&'a [u8]> {
        let names = [&self.manager, &self.tenant, &self.username];
        let names = names.into_iter().map(|name| name.as_bytes());
        [purpose].into_iter().chain(names).collect()
    }
}

/// Reads a record. An invalid file counts as an empty record, and the next write replaces the file.
fn read(folder: &Folder, name: &str) -> io::Result<SignInRecord> {
    let Some(content) = folder.read(name)? else {
        return Ok(SignInRecord::default());
    };
    Ok(serde_json::from_slice(&content).unwrap_or_else(|_| {
        let path = folder.path().join(name);
        log::info!(
            "ignoring {}: it is not a valid record of rejected sign-ins",
            path.display()
        );
        SignInRecord::default()
    }))
}

fn write(folder: &Folder, name: &str, record: &SignInRecord) -> io::Result<()> {
    if record.is_empty() {
        return folder.remove(name);
    }
    folder.write(name, &serde_json::to_vec(record).map_err(io::Error::other)?)
}

/// Deletes every record that contains only outdated entries. A file that cannot be deleted is skipped.
fn sweep(folder: &Folder) {
    for name in folder.names().unwrap_or_default() {
        if name == KEY {
            continue;
        }
        let Ok(mut record) = read(folder, &name) else {
            continue;
        };
        record.forget_old(now());
        if record.is_empty() {
            let _ = folder.remove(&name);
        }
    }
}

fn now() -> i64 {
    Utc::now().timestamp_millis()
}

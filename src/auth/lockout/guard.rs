//! The lockout guard: remembers rejected sign-ins across runs, so that a job in a loop does not lock an account.
//!
//! A rejected password or code counts towards the manager's lockout, which only another administrator can undo (docs/manager-api.md,
//! "Sign-in"). After two rejections within 15 minutes, every further run stops for 15 minutes before it sends anything. `--force-login`
//! signs in anyway. On a terminal the user is asked once. A successful sign-in clears the rejections.
//!
//! Every rejection by the manager counts, regardless of its cause, because the response need not name the cause. These do not count: a
//! request that did not reach the manager, a rate limit, the session limit, a manager that is not available, and a missing code. A lost
//! response does not count either: the manager may have accepted the sign-in, and exit code 8 promises that the run may be repeated.
//!
//! A code works only once (RFC 6238, section 5.2: a verifier must not accept it a second time). So a code that was sent is not sent again
//! for 15 minutes, regardless of the result. No manager accepts a code for that long. A new code equals an old one by chance once in a
//! million sign-ins.
//!
//! The state is in `sign-ins/` of the state folder. `key` contains random bytes that are created once. Each manager, tenant and user has
//! a file whose name is a keyed hash. It contains times, the kind of the last rejection, and keyed hashes of the codes that were sent. A
//! reader of both could compute the six digits of a code, but that code no longer works. Each file is written as a whole under the lock
//! of `key`, so that concurrent runs lose no update. It is deleted when nothing in it counts any more. If the state cannot be written,
//! the run continues without it and logs that at `-v`: a read-only home must not prevent a sign-in.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io;

use chrono::Utc;
use ring::hmac;

use super::guard_error::{CodeAlreadyUsed, Paused};
use super::record::{SentCode, SignInRecord};
use crate::manager::SignInRefusal;
use crate::random;
use crate::secret::Secret;
use crate::storage::file_lock::lock_within_limit;
use crate::storage::state_dir::Folder;

const FOLDER: &str = "sign-ins";
const KEY: &str = "key";
const KEY_BYTES: usize = 32;
/// How many rejections stop the next run.
const LIMIT: usize = 2;

/// Decides whether a sign-in may be sent. There is one for each sign-in.
pub(crate) struct LockoutGuard {
    folder: Option<Folder>,
    manager: String,
    tenant: String,
    username: String,
    forced: bool,
    /// Whether the user chose to sign in anyway.
    is_allowed: Cell<bool>,
    /// The codes that this run has sent, and when. They count even if the state cannot be written, and with `--force-login` too.
    sent: RefCell<Vec<(Secret, i64)>>,
}

impl LockoutGuard {
    /// The guard of this account. It is unknown whether user names are case-sensitive (docs/manager-api.md, "Unknowns", no. 12), so `Kim`
    /// and `kim` count as one account.
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

    /// Checks that this run may sign in.
    ///
    /// # Errors
    /// Returns why and until when sign-ins are paused.
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

    /// Allows the sign-ins of this run, because the user confirmed that.
    pub(crate) fn allow(&self) {
        self.is_allowed.set(true);
    }

    /// Checks that this code was not sent before.
    ///
    /// # Errors
    /// Returns when it was sent.
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

    /// Records a code as sent before it is sent, so that the record is right even if the process is killed meanwhile. If several runs
    /// have the same code, only one of them may send it.
    ///
    /// # Errors
    /// Returns when the code was sent before.
    pub(crate) fn mark_code_used(&self, code: &Secret) -> Result<(), CodeAlreadyUsed> {
        // A state folder that is read-only still counts.
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

    /// Removes the record of a code that did not reach the manager.
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

    /// Clears the rejections, because the manager accepted the sign-in.
    pub(crate) fn accepted(&self) {
        // Most runs have nothing to clear, and create no file.
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

    /// Returns the part of the record that still counts.
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

    /// Changes the record, and deletes the records that no longer count. Returns `None` if the state cannot be written.
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

    /// Logs an error instead of returning it: the guard must not fail a run.
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

/// Returns a keyed hash of the parts. The length precedes each part, so that different lists never have the same bytes.
fn hash(key: &hmac::Key, parts: &[&[u8]]) -> String {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part);
    }
    let tag = context.sign();
    let digits = tag.as_ref().iter().take(16);
    digits.map(|byte| format!("{byte:02x}")).collect()
}

fn existing_key(folder: &Folder) -> io::Result<Option<hmac::Key>> {
    Ok(folder.read(KEY)?.and_then(|content| key_from(&content)))
}

fn key_from(content: &[u8]) -> Option<hmac::Key> {
    let whole = content.len() == 2 * KEY_BYTES && content.iter().all(u8::is_ascii_hexdigit);
    whole.then(|| hmac::Key::new(hmac::HMAC_SHA256, content))
}

/// Returns the key and its locked file. Creates the key if there is none.
fn locked_key(folder: &Folder) -> io::Result<(File, hmac::Key)> {
    for _ in 0..4 {
        let file = match folder.open(KEY) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match folder.write_locked(KEY, random::hex(KEY_BYTES).as_bytes()) {
                    // A concurrent run has created it.
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(error);
                    }
                    _ => continue,
                }
            }
            Err(error) => return Err(error),
        };
        lock_within_limit(&file)?;
        match existing_key(folder)? {
            Some(key) => return Ok((file, key)),
            None => {
                log::info!(
                    "replacing {KEY} in {}, which was not a valid key",
                    folder.path().display()
                );
                folder.write(KEY, random::hex(KEY_BYTES).as_bytes())?;
            }
        }
    }
    Err(io::Error::other(
        "its key changed several times while it was read",
    ))
}

/// Reads a record. A file that is not a valid record counts as empty, and the next write replaces it.
fn read(folder: &Folder, name: &str) -> io::Result<SignInRecord> {
    let Some(content) = folder.read(name)? else {
        return Ok(SignInRecord::default());
    };
    Ok(serde_json::from_slice(&content).unwrap_or_else(|_| {
        let path = folder.path().join(name);
        log::info!(
            "{} is not a valid record of sign-ins and is ignored",
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

/// Deletes the records of all accounts that no longer count. A file that cannot be deleted is ignored.
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

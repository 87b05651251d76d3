//! The lock-out guard: what runs remember of refused sign-ins, so that a job that loops does not lock an account.
//!
//! A refused password or code counts towards the manager's lock-out, and only another administrator can undo that (docs/manager-api.md,
//! "Sign-in"). Two refusals within 15 minutes stop every further run for 15 minutes, before anything is sent; `--force-login` sends
//! all the same, a person on a terminal is asked once, and a sign-in that succeeds clears them. What counts is the manager's refusal of the sign-in, for whatever cause,
//! since its words need not tell; not what never reached it, a rate limit, the limit of sessions, a manager that is not available, or
//! a code that is asked for and was not given. A sign-in whose answer was lost counts as none: the manager may have accepted it, and exit code 8 promises
//! that a run may be repeated.
//!
//! A code is good for one sign-in (RFC 6238, section 5.2: a verifier must not accept it a second time), so one that was sent is not
//! sent again for 15 minutes, whatever came of it: it was accepted, refused, or its answer was lost. That is far longer than any
//! manager accepts a code, so a new code that happens to be the same is the only one in a million that this stops wrongly.
//!
//! In `sign-ins/` of the state folder: `key`, random bytes made once, and a file for each manager, tenant and user, named and filled
//! with keyed hashes, times, and the kind of the last refusal. Who has both could guess a code of six digits, and it is of no more use. A file is written whole,
//! under the lock of `key`, so that runs at the same time lose nothing of each other; it goes away when nothing in it counts.
//! Where that cannot be done, the run goes on without, and says so at -v: a read-only home is no reason not to sign in.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io;

use chrono::{DateTime, Utc};
use ring::hmac;

use super::record::{SentCode, SignInRecord, WINDOW};
use crate::error::{Error, ErrorKind};
use crate::manager::SignInRefusal;
use crate::random;
use crate::secret::Secret;
use crate::storage::file_lock::lock_within_limit;
use crate::storage::state_dir::Folder;

const FOLDER: &str = "sign-ins";
const KEY: &str = "key";
const KEY_BYTES: usize = 32;
/// How many refusals stop the next run.
const LIMIT: usize = 2;

/// What stands between a password and the manager: one for each sign-in.
pub(crate) struct LockoutGuard {
    folder: Option<Folder>,
    manager: String,
    tenant: String,
    username: String,
    forced: bool,
    /// A person chose to sign in although the guard advises against it.
    let_through: Cell<bool>,
    /// The codes of this run, and when each was sent. They count even if nothing can be kept, and whatever is forced.
    sent: RefCell<Vec<(Secret, i64)>>,
}

/// Why a run is not to sign in now.
pub(crate) struct Paused {
    refusals: usize,
    username: String,
    manager: String,
    last: i64,
    why: Option<SignInRefusal>,
}

/// A code that was sent already, and when, in milliseconds since 1970.
pub(crate) struct CodeAlreadyUsed(i64);

impl LockoutGuard {
    /// Whether a manager tells `Kim` from `kim` is unknown (docs/manager-api.md, "Unknowns", no. 12): here they are one account.
    pub(crate) fn new(manager: &str, tenant: Option<&str>, username: &str, forced: bool) -> Self {
        Self {
            folder: Folder::of_state(FOLDER),
            manager: manager.to_owned(),
            tenant: tenant.unwrap_or_default().to_lowercase(),
            username: username.to_lowercase(),
            forced,
            let_through: Cell::new(false),
            sent: RefCell::default(),
        }
    }

    /// Stops a run that would add to the refusals.
    ///
    /// # Errors
    /// Returns why it is stopped and until when.
    pub(crate) fn check(&self) -> Result<(), Box<Paused>> {
        let record = self.record();
        let refused = record.refused;
        let Some(last) = refused.last().filter(|_| refused.len() >= LIMIT) else {
            return Ok(());
        };
        if self.forced || self.let_through.get() {
            log::info!("signing in although that was refused before");
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

    /// From now on, this run is let through: a person was asked.
    pub(crate) fn let_through(&self) {
        self.let_through.set(true);
    }

    /// Whether this code was sent before.
    ///
    /// # Errors
    /// When it was.
    pub(crate) fn is_fresh(&self, code: &Secret) -> Result<(), CodeAlreadyUsed> {
        let sent = self.sent.borrow();
        if let Some((_, when)) = sent.iter().find(|(sent, _)| sent.expose() == code.expose()) {
            return Err(CodeAlreadyUsed(*when));
        }
        let Some(key) = self.ask(existing_key).flatten() else {
            return Ok(());
        };
        self.unspent(&self.record(), &self.print(&key, code))
    }

    /// Notes a code as sent, before it is: a run that is killed meanwhile does not know what became of it. Of runs that come with
    /// one code at the same moment, one sends it.
    ///
    /// # Errors
    /// When it was sent before.
    pub(crate) fn mark_code_used(&self, code: &Secret) -> Result<(), CodeAlreadyUsed> {
        // What can be looked at and not changed counts as well.
        self.is_fresh(code)?;
        let spent = self.change(|record, key| {
            let print = self.print(key, code);
            self.unspent(record, &print)?;
            let sent = now();
            record.codes.retain(|code| code.print != print);
            record.codes.push(SentCode { print, sent });
            Ok(())
        });
        spent.unwrap_or(Ok(()))?;
        self.sent.borrow_mut().push((code.clone(), now()));
        Ok(())
    }

    /// It did not reach the manager after all.
    pub(crate) fn was_not_sent(&self, code: &Secret) {
        (self.sent.borrow_mut()).retain(|(sent, _)| sent.expose() != code.expose());
        self.change(|record, key| {
            let print = self.print(key, code);
            record.codes.retain(|code| code.print != print);
        });
    }

    /// The manager refused the sign-in.
    pub(crate) fn refused(&self, why: SignInRefusal) {
        self.change(|record, _| {
            record.refused.push(now());
            record.why = Some(why);
        });
    }

    /// The manager accepted it.
    pub(crate) fn accepted(&self) {
        // Most runs have nothing to clear, and leave nothing behind either.
        let any = self.ask(|folder| Ok(!folder.names()?.is_empty()));
        if any == Some(true) {
            self.change(|record, _| {
                record.refused.clear();
                record.why = None;
            });
        }
    }

    fn unspent(&self, record: &SignInRecord, print: &str) -> Result<(), CodeAlreadyUsed> {
        match record.codes.iter().find(|code| code.print == print) {
            Some(code) if !self.forced => Err(CodeAlreadyUsed(code.sent)),
            _ => Ok(()),
        }
    }

    /// What counts by now.
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

    /// Changes the record, and forgets what is old in the others; `None` where that cannot be kept.
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

    /// Nothing of it may fail a run.
    fn ask<T>(&self, work: impl FnOnce(&Folder) -> io::Result<T>) -> Option<T> {
        let folder = self.folder.as_ref()?;
        work(folder)
            .inspect_err(|error| {
                log::info!(
                    "refused sign-ins cannot be remembered in {}: {error}",
                    folder.path().display()
                );
            })
            .ok()
    }

    pub(super) fn file_name(&self, key: &hmac::Key) -> String {
        format!("{}.json", hash(key, &self.account(b"account")))
    }

    fn print(&self, key: &hmac::Key, code: &Secret) -> String {
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

impl std::fmt::Display for Paused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            refusals,
            username,
            manager,
            ..
        } = self;
        let last = shown(self.last);
        write!(
            formatter,
            "{refusals} sign-ins as `{username}` at {manager} were refused, the last at {last}"
        )?;
        match self.why {
            Some(why) => write!(formatter, ": {}", super::record::words(why)),
            None => Ok(()),
        }
    }
}

impl From<Box<Paused>> for Error {
    fn from(paused: Box<Paused>) -> Self {
        let until = paused.last.saturating_add(WINDOW);
        let message = format!("{paused}; nothing is sent, since each counts towards the lock-out");
        let fix = match paused.why {
            Some(SignInRefusal::Locked) => "have the account unlocked",
            Some(SignInRefusal::PasswordExpired) => "set a new password in the manager's console",
            _ => "fix the user name, password or code",
        };
        let hint = format!(
            "{fix}, and try again after {}; `--force-login` tries at once",
            shown(until)
        );
        Self::new(ErrorKind::SignInPaused, message)
            .hint(hint)
            .retry_at(until)
    }
}

impl CodeAlreadyUsed {
    /// When it was sent, in words.
    pub(crate) fn when(&self) -> String {
        shown(self.0)
    }
}

/// What is wrong with a code that somebody gave who cannot be asked for another; `whose` names it.
pub(crate) fn code_already_used(whose: &str, spent: &CodeAlreadyUsed) -> Error {
    Error::new(
        ErrorKind::SignIn,
        format!(
            "{whose} was sent already, at {}; nothing is sent, since a code is good for one sign-in and a second use may count \
             towards the lock-out",
            spent.when()
        ),
    )
    .hint(
        "give the next code, a new one comes every 30 seconds; `swp-keys login` signs in once for several commands, and \
         `--force-login` sends it all the same",
    )
}

/// The length stands before each part, so that no two lists are the same bytes.
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

/// The key, made where there is none, and the lock on it for as long as the file is held.
fn locked_key(folder: &Folder) -> io::Result<(File, hmac::Key)> {
    for _ in 0..4 {
        let file = match folder.open(KEY) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match folder.write_locked(KEY, random::hex(KEY_BYTES).as_bytes()) {
                    // Whoever was first at the same moment made it.
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
                log::info!("{KEY} in {} was no key", folder.path().display());
                folder.write(KEY, random::hex(KEY_BYTES).as_bytes())?;
            }
        }
    }
    Err(io::Error::other("its key comes and goes"))
}

/// A file that holds no record is one that says nothing; the next write takes its place.
fn read(folder: &Folder, name: &str) -> io::Result<SignInRecord> {
    let Some(content) = folder.read(name)? else {
        return Ok(SignInRecord::default());
    };
    Ok(serde_json::from_slice(&content).unwrap_or_else(|_| {
        let path = folder.path().join(name);
        log::info!(
            "{} holds no record of sign-ins and is not looked at",
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

/// Removes the records in which nothing counts any more, of whomever they are. What cannot be removed is no reason to worry.
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

fn shown(milliseconds: i64) -> String {
    DateTime::from_timestamp_millis(milliseconds).map_or_else(
        || format!("{milliseconds} ms after 1970"),
        |time| time.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

//! `--if-exists ensure`: an existing key is changed to match the flags, and gets a new secret only if a destination has none that works.
//!
//! A second run with the same flags changes nothing. What cannot be checked leads to no change.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::args::Args;
use crate::auth::session::Access;
use crate::delivery::ReadablePlace;
use crate::error::{Error, ErrorKind};
use crate::expiry::Expiry;
use crate::fleet::plan::{ExpiryMatch, compare_expiry};
use crate::fleet::presence::{FoundSecret, SecretChecks, SecretUse, in_file, in_variable};
use crate::keys::comparison::{Compared, Match, compare};
use crate::keys::state::{State, describe};
use crate::keys::update;
use crate::manager::{ApiKey, KeyChange, NO_EXPIRY, NewApiKey};
use crate::mint::{markers, refuse_unfinished, without_marks};

/// The age at which a key is no longer new: the run that created it has usually delivered its secret.
const NEW: Duration = Duration::from_secs(10);
/// The time between two looks at the destinations of a new key.
const PAUSE: Duration = Duration::from_secs(1);

const FIX_DESTINATION: &str = "fix the destination and run the command again, or use `--if-exists rekey` to create a new secret";

/// An existing key that must be as the flags say.
pub(super) struct Ensure<'a> {
    pub(super) args: &'a Args,
    pub(super) requested: &'a NewApiKey,
    pub(super) expiry: Option<Expiry>,
    pub(super) access: Access<'a>,
}

/// The result for an existing key.
pub(super) struct Ensured {
    /// The key after the changes.
    pub(super) key: Box<ApiKey>,
    /// The names of the changed fields.
    pub(super) changes: Vec<&'static str>,
    /// Why the key needs a new secret. `None` if it needs none.
    pub(super) needs_secret: Option<String>,
}

impl Ensure<'_> {
    /// Changes the key, and checks its secret at each destination. With `--dry-run`, nothing is changed.
    ///
    /// # Errors
    /// Returns an error if the key cannot be used as it is: it is locked or has expired, or a run on it is not finished. Returns an error if a
    /// change fails, or if it is unknown whether a destination has a working secret.
    pub(super) async fn carry_out(&self, found: Box<ApiKey>) -> Result<Ensured, Error> {
        refuse_unfinished(&found, self.access)?;
        self.refuse_unusable(&found)?;
        let change = self.change(&found)?;
        let compared = compare(&change, &found);
        let differs = |one: &&Compared| one.result != Match::AsAsked;
        let differences: Vec<&Compared> = compared.iter().filter(differs).collect();
        let changes: Vec<&'static str> = differences.iter().map(|one| one.field).collect();
        let words: Vec<String> = differences.iter().map(|one| one.difference()).collect();
        // The manager rejects every secret of an expired key, so the expiry is changed first.
        let is_expired = State::of(&found, self.access.signed_in.time()) == State::Expired;
        let mut needs_secret = match is_expired {
            true => None,
            false => self.missing_secret(&found).await?,
        };
        if changes.is_empty() {
            return Ok(Ensured {
                key: found,
                changes,
                needs_secret,
            });
        }
        let key = match self.args.dry_run {
            true => found,
            false => Box::new(update::carry_out(&found, &change, self.access).await?),
        };
        if is_expired && !self.args.dry_run {
            needs_secret = self.missing_secret(&key).await?;
        }
        let verb = match self.args.dry_run {
            true => "would change",
            false => "changed",
        };
        self.access.context.output.note(&format!(
            "{verb} {}: it had {}",
            describe(&key),
            words.join(", ")
        ));
        Ok(Ensured {
            key,
            changes,
            needs_secret,
        })
    }

    /// Checks that the key can be used.
    fn refuse_unusable(&self, found: &ApiKey) -> Result<(), Error> {
        let refused = |what: &str, hint: String| {
            let message = format!("{} {what}, so it cannot be used", describe(found));
            Err(Error::new(ErrorKind::Conflict, message)
                .hint(hint)
                .key(found.id))
        };
        let state = State::of(found, self.access.signed_in.time());
        if matches!(state, State::Locked(_)) {
            let hint = format!("run `swp-keys unlock-key {}` to unlock the key", found.id);
            return refused("is locked", hint);
        }
        let now = self.access.signed_in.time().timestamp_millis();
        let expected = match self.expiry.map(|expiry| compare_expiry(expiry, found)) {
            Some(ExpiryMatch::Different(expected)) => expected,
            _ => found.expiry_date(),
        };
        if expected.is_some_and(|expiry| expiry <= now) {
            let hint = format!(
                "run `swp-keys rotate-key {}` with the same destination to replace the key",
                found.id
            );
            return refused("has expired", hint);
        }
        Ok(())
    }

    /// Returns the change that makes the key as the flags say. A flag that is not set changes nothing, and neither does a field that the
    /// manager does not report.
    fn change(&self, found: &ApiKey) -> Result<KeyChange, Error> {
        let requested = self.requested;
        let other = |is: Option<&str>, wanted: &Option<String>| {
            let is = is?;
            wanted.clone().filter(|wanted| wanted != is)
        };
        let expiry_date = match self.expiry.map(|expiry| compare_expiry(expiry, found)) {
            Some(ExpiryMatch::Different(expected)) => Some(expected.unwrap_or(NO_EXPIRY)),
            _ => None,
        };
        Ok(KeyChange {
            role_id: (found.role_id())
                .filter(|id| *id != requested.role_id)
                .map(|_| requested.role_id),
            description: self.description(found),
            locale: other(found.locale(), &requested.locale),
            time_zone: other(found.time_zone(), &requested.time_zone),
            expiry_date,
            ..KeyChange::default()
        })
    }

    /// Returns the new description with the markers of the key, or `None` if the description does not change.
    fn description(&self, found: &ApiKey) -> Option<String> {
        let wanted = self.args.description.as_ref()?.trim();
        if found.description().is_none() && found.is_brief() {
            return None;
        }
        let is = found.description().unwrap_or_default();
        if without_marks(&is.replace("\r\n", "\n")).trim() == wanted {
            return None;
        }
        let parts = std::iter::once(wanted).chain(markers(is));
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        Some(parts.join(" "))
    }

    /// Returns why the key needs a new secret, or `None` if every destination that can be read has a secret that works. If the key is new, waits until a
    /// run on another machine has had the time to deliver its secret.
    ///
    /// # Errors
    /// Returns an error if it is unknown whether a destination has a working secret, or an interruption if a signal arrives.
    async fn missing_secret(&self, key: &ApiKey) -> Result<Option<String>, Error> {
        let new_until = Instant::now() + self.remaining_newness(key);
        let mut waiting = None;
        // One value for all looks, so that each secret is used once.
        let checks = SecretChecks::new(self.access);
        loop {
            let missing = self.missing_now(key.id, &checks).await?;
            let left = new_until.saturating_duration_since(Instant::now());
            if missing.is_none() || left.is_zero() || self.args.dry_run {
                return Ok(missing);
            }
            waiting.get_or_insert_with(|| {
                let text = format!(
                    "waiting {} s, because another run may still deliver the secret of {}",
                    left.as_secs() + 1,
                    describe(key)
                );
                self.access.context.output.note(&text);
            });
            let pause = async {
                sleep(left.min(PAUSE)).await;
                Ok(())
            };
            self.access.context.signals.cancel(pause).await?;
        }
    }

    /// Returns how long a run that created the key may still need to deliver its secret. That run may be on another machine.
    fn remaining_newness(&self, key: &ApiKey) -> Duration {
        let now = self.access.signed_in.time().timestamp_millis();
        let age = key.created().map(|created| now.saturating_sub(created));
        let age = age.map(|age| Duration::from_millis(u64::try_from(age).unwrap_or_default()));
        age.map_or(Duration::ZERO, |age| NEW.saturating_sub(age))
    }

    /// Returns why the key needs a new secret, or `None` if every destination that can be read has a secret that works. A command cannot be
    /// asked.
    async fn missing_now(
        &self,
        id: i64,
        checks: &SecretChecks<'_>,
    ) -> Result<Option<String>, Error> {
        let mut missing = None;
        for place in self.args.sinks.readable() {
            let (found, shown) = look(&place);
            let reason = match found {
                FoundSecret::Missing => Some(format!("there is no secret in {shown}")),
                FoundSecret::NotKnown(reason) => {
                    return Err(not_known(&shown, &reason).hint(FIX_DESTINATION));
                }
                FoundSecret::Secret(secret) => {
                    let used = match checks.check(&secret, Some(id)).await {
                        Err(error) if error.kind() == ErrorKind::Partial => {
                            return Err(without_result(&shown, &error));
                        }
                        used => used?,
                    };
                    if let Some(other) = used.other_key(id) {
                        return Err(of_other_key(&shown, other));
                    }
                    (used == SecretUse::Rejected)
                        .then(|| format!("the secret in {shown} does not work"))
                }
            };
            missing = missing.or(reason);
        }
        Ok(missing)
    }
}

impl Ensured {
    /// Adds to `meta` whether and how the key was changed.
    pub(super) fn add_to(&self, meta: &mut Value) {
        meta["created"] = false.into();
        meta["changed"] = (!self.changes.is_empty() || self.needs_secret.is_some()).into();
        meta["changes"] = json!(self.changes);
    }
}

/// Checks that the secret of a new key replaces no file that contains something other than a secret.
///
/// # Errors
/// Returns a usage error that names the destination.
pub(super) fn refuse_other_content(args: &Args) -> Result<(), Error> {
    for place in args.sinks.readable() {
        if let (FoundSecret::NotKnown(reason), shown) = look(&place) {
            return Err(Error::usage(
                format!("{shown} cannot get the secret of a new key: {reason}; no key was created"),
                "move the file, or choose a different destination",
            ));
        }
    }
    Ok(())
}

/// Returns what a destination contains, and the destination for display.
fn look(place: &ReadablePlace) -> (FoundSecret, String) {
    match place {
        ReadablePlace::File(path) => (in_file(path), path.display().to_string()),
        ReadablePlace::Dotenv { path, variable } => (
            in_variable(path, variable),
            format!("{variable} in {}", path.display()),
        ),
    }
}

fn not_known(shown: &str, reason: &str) -> Error {
    let message = format!(
        "could not check whether {shown} contains a secret that works: {reason}; no new secret was created"
    );
    Error::new(ErrorKind::Partial, message)
}

/// Returns the error for a secret whose use does not show whether it works.
fn without_result(shown: &str, error: &Error) -> Error {
    let failed = not_known(shown, &error.to_string());
    match error.next_step() {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}

fn of_other_key(shown: &str, other: i64) -> Error {
    let message = format!("{shown} contains the secret of a different key (ID {other})");
    Error::new(ErrorKind::Conflict, message)
        .hint("choose a different destination, or move that secret away")
        .key(other)
}

//! Changes existing keys, and checks that the manager has applied the changes.
//!
//! A change needs no journal record on disk, because repeating the change is safe. The response to a change may be lost, and a manager may
//! report success without applying the requested values. The key is therefore read again, and its fields are compared with the requested
//! values.

use std::time::Duration;

use crate::auth::session::Access;
use crate::error::{Error, ErrorKind};
use crate::manager::{ApiKey, Cause, KeyChange, ManagerError, NO_EXPIRY};
use crate::mint::REFUSAL_WAIT;
use crate::mint::poll::Poll;
use crate::process::pending::PendingWork;

use super::comparison::{Compared, Match, compare};
use super::state::describe;

/// Changes the key, and returns the key with its new values. A signal that arrives before the request stops the run. After the request is
/// sent, the run continues until the outcome is known.
///
/// # Errors
/// Returns an error if the key does not have the requested values, or if its values are unknown.
pub(crate) async fn carry_out(
    before: &ApiKey,
    change: &KeyChange,
    access: Access<'_>,
) -> Result<ApiKey, Error> {
    if let Some(signal) = access.context.signals.received() {
        return Err(Error::interrupted(signal));
    }
    carry_out_despite_signal(before, change, access).await
}

/// Changes the key like [`carry_out`], even if a signal has arrived. It is used for a change that completes other work.
///
/// # Errors
/// Returns an error if the key does not have the requested values, or if its values are unknown.
pub(crate) async fn carry_out_despite_signal(
    before: &ApiKey,
    change: &KeyChange,
    access: Access<'_>,
) -> Result<ApiKey, Error> {
    let asking = Asking {
        before,
        change,
        reads_again: true,
        access,
    };
    asking.carry_out().await
}

/// Changes the key like [`carry_out_despite_signal`], but does not read it again if the response to the change contains the requested values. A manager
/// may report a value that it does not keep, so the caller must list the keys later and compare them.
///
/// # Errors
/// Returns an error if the key does not have the requested values, or if its values are unknown.
pub(crate) async fn carry_out_before_list(
    before: &ApiKey,
    change: &KeyChange,
    access: Access<'_>,
) -> Result<ApiKey, Error> {
    let asking = Asking {
        before,
        change,
        reads_again: false,
        access,
    };
    asking.carry_out().await
}

/// Unlocks the key if `active` is true, or locks the key if `active` is false.
///
/// # Errors
/// Returns an error if the key was not locked or unlocked as requested, or if the outcome is unknown.
pub(crate) async fn set_active(
    key: &ApiKey,
    active: bool,
    access: Access<'_>,
) -> Result<ApiKey, Error> {
    let change = KeyChange {
        active: Some(active),
        ..KeyChange::default()
    };
    carry_out(key, &change, access).await
}

struct Asking<'a> {
    before: &'a ApiKey,
    change: &'a KeyChange,
    /// True if the key is read again after every change.
    reads_again: bool,
    access: Access<'a>,
}

impl Asking<'_> {
    async fn carry_out(&self) -> Result<ApiKey, Error> {
        let _pending = self.access.context.pending.add(PendingWork::change(
            format!("{} may have been changed", describe(self.before)),
            self.before.id,
        ));
        let result = self.until_known().await;
        result.map_err(|error| error.key(self.before.id))
    }

    async fn until_known(&self) -> Result<ApiKey, Error> {
        match (self.access.signed_in)
            .modify_api_key(self.before.id, self.change)
            .await
        {
            Ok(answer)
                if !self.reads_again
                    && answer.id == self.before.id
                    && Differences::between(self.change, &answer).none() =>
            {
                Ok(answer)
            }
            Ok(answer) => self.check(answer).await,
            Err(error) if error.had_no_effect() => Err(explain(error, self.change)),
            Err(error) => self.find_out(error).await,
        }
    }

    /// Reads the changed key again, and compares the key with the requested values. If the read fails, compares `answer`, the key in the response to
    /// the change. For example, a run that has just locked its own API key can no longer read any key.
    async fn check(&self, answer: ApiKey) -> Result<ApiKey, Error> {
        let mut poll = Poll::new(self.access.target.settle_timeout.min(REFUSAL_WAIT));
        loop {
            let after = match self.access.signed_in.api_key(self.before.id).await {
                Ok(key) if key.id == self.before.id => key,
                Ok(_) => return Err(Error::unexpected("the manager returned a different key")),
                Err(error) => {
                    log::info!("could not read the key after the change: {error}");
                    let differences = Differences::between(self.change, &answer);
                    return self.judge(answer, differences);
                }
            };
            let differences = Differences::between(self.change, &after);
            if differences.other.is_empty() || !poll.wait().await {
                return self.judge(after, differences);
            }
        }
    }

    fn judge(&self, after: ApiKey, differences: Differences) -> Result<ApiKey, Error> {
        if !differences.not_shown.is_empty() {
            self.access.context.output.warn(&format!(
                "the manager's response does not contain the {} of {}",
                differences.not_shown.join(" and the "),
                describe(&after)
            ));
        }
        if differences.other.is_empty() {
            return Ok(after);
        }
        let message = format!(
            "the manager reported success, but {} has {}",
            describe(&after),
            differences.other.join(", ")
        );
        let kind = if differences.made {
            ErrorKind::Partial
        } else {
            ErrorKind::Unexpected
        };
        Err(
            Error::new(kind, message).hint(if self.change.expiry_date == Some(NO_EXPIRY) {
                NO_CLEARING
            } else {
                "check the key in the manager's console, because the manager may not allow the requested value"
            }),
        )
    }

    /// Reads the key to determine whether the change was applied. Used if the response was lost or inconclusive.
    async fn find_out(&self, error: ManagerError) -> Result<ApiKey, Error> {
        log::warn!("{error}; checking whether the key was changed");
        let _step = (self.access.context.progress).begin("checking whether the key was changed");
        let last_word = error.is_from_manager() && *error.cause() == Cause::Rejected(500);
        let wait = match self.access.target.settle_timeout {
            _ if last_word => Duration::ZERO,
            wait if error.has_refusal_status() => wait.min(REFUSAL_WAIT),
            wait => wait,
        };
        let mut poll = Poll::new(wait);
        let while_unreachable = Poll::new(wait.min(REFUSAL_WAIT));
        loop {
            let last = match self.access.signed_in.api_key(self.before.id).await {
                Ok(key) => {
                    let differences = Differences::between(self.change, &key);
                    if differences.none() {
                        self.access.context.output.note(&format!(
                            "{} was changed, but the response was lost",
                            describe(&key)
                        ));
                        return Ok(key);
                    }
                    Ok(differences)
                }
                // If the manager rejects this run's API key, the run sends no further request, because another rejection could lock the API key.
                Err(why) if *why.cause() == Cause::Unauthorized => {
                    return Err(self.unreadable(&error, why));
                }
                // If the manager stays unreachable, the run does not wait for the whole `--settle-timeout`. The user can repeat the command later.
                Err(why)
                    if matches!(why.cause(), Cause::ConnectionRefused | Cause::Unreachable)
                        && while_unreachable.is_over() =>
                {
                    return Err(self.unreadable(&error, why));
                }
                Err(why) => Err(why),
            };
            if poll.wait().await {
                continue;
            }
            return Err(match last {
                Ok(differences) if !differences.not_shown.is_empty() => {
                    self.unknown(&error, "the manager's response omits the changed fields")
                }
                Ok(differences) if differences.made => {
                    self.unknown(&error, "only some of the requested fields were changed")
                }
                Ok(_) => self.not_made(error, last_word),
                Err(why) => self.unreadable(&error, why),
            });
        }
    }

    /// Returns the error for a change that was not applied. Call this function only when no delayed request can apply the change any more.
    fn not_made(&self, error: ManagerError, last_word: bool) -> Error {
        let refused = last_word || error.has_refusal_status();
        let error = Error::from(error);
        let message = format!("{error}; {} was not changed", describe(self.before));
        if refused {
            return Error::new(error.kind(), message).http(error.http_status());
        }
        Error::new(ErrorKind::Unreachable, message)
            .http(error.http_status())
            .hint("run the command again")
    }

    fn unreadable(&self, error: &ManagerError, why: ManagerError) -> Error {
        let unknown = self.unknown(error, &format!("could not read the key: {why}"));
        unknown.caused_by(Error::from(why).kind())
    }

    fn unknown(&self, error: &ManagerError, why: &str) -> Error {
        let message = format!(
            "{error}; it is unknown whether {} was changed: {why}",
            describe(self.before)
        );
        Error::new(ErrorKind::Attention, message).hint(format!(
            "run `swp-keys show-key {}` to check the key, then run the command again; repeating this change is safe",
            self.before.id
        ))
    }
}

/// Adds a hint to the manager's error. The manager returns 403 both for a missing permission and for a change that is not allowed
/// (docs/manager-api.md, "Key operations").
fn explain(error: ManagerError, change: &KeyChange) -> Error {
    match error.cause() {
        Cause::Forbidden => error
            .with_hint("check that your role can edit API keys, and that the change is allowed; for example, you cannot assign a role with more rights than your own")
            .into(),
        // The manager may reject an expiry of 0 as a date in the past.
        Cause::Rejected(_) if change.expiry_date == Some(NO_EXPIRY) => {
            error.with_hint(NO_CLEARING).into()
        }
        _ => error.into(),
    }
}

/// The hint if `--expires never` did not remove the expiry of a key. `--expires never` sends the value 0, and a manager may reject or ignore
/// this value (docs/manager-api.md, "Unknowns", no. 26).
const NO_CLEARING: &str = "set a distant expiry such as `--expires 520w`, because this manager may not be able to remove an expiry";

/// The differences between a changed key and the requested values.
struct Differences {
    /// A description of each field whose value is not the requested value.
    other: Vec<String>,
    /// The names of the fields that the manager's response does not contain.
    not_shown: Vec<&'static str>,
    /// True if at least one field has the requested value.
    made: bool,
}

impl Differences {
    fn between(change: &KeyChange, key: &ApiKey) -> Self {
        let compared = compare(change, key);
        let with = |result| compared.iter().filter(move |one| one.result == result);
        Self {
            other: with(Match::Different).map(Compared::difference).collect(),
            not_shown: with(Match::NotShown).map(Compared::label).collect(),
            made: with(Match::AsAsked).next().is_some(),
        }
    }

    fn none(&self) -> bool {
        self.other.is_empty() && self.not_shown.is_empty()
    }
}

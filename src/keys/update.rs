//! Changes of existing keys, and what the manager made of them.
//!
//! Repeating a change is safe, so nothing is recorded on disk. But a response may be lost, and a manager may report success and
//! do something else. So the key is read again and compared with what was asked.

use std::time::Duration;

use crate::auth::session::Access;
use crate::error::{Error, ErrorKind};
use crate::manager::{ApiKey, Cause, KeyChange, ManagerError, NO_EXPIRY};
use crate::mint::REFUSAL_WAIT;
use crate::mint::poll::Poll;
use crate::process::pending::PendingWork;

use super::comparison::{Compared, Match, compare};
use super::state::describe;

/// Changes the key, and returns it as it is then. A signal is obeyed before the request is sent, and not again until the result
/// is known.
///
/// # Errors
/// Returns an error if the key is not as asked. The message says what is known.
pub(crate) async fn carry_out(
    before: &ApiKey,
    change: &KeyChange,
    access: Access<'_>,
) -> Result<ApiKey, Error> {
    if let Some(signal) = access.context.signals.received() {
        return Err(Error::interrupted(signal));
    }
    let _pending = access.context.pending.add(PendingWork::change(
        format!("{} may be changed", describe(before)),
        before.id,
    ));
    let asking = Asking {
        before,
        change,
        access,
    };
    let result = asking.until_known().await;
    result.map_err(|error| error.key(before.id))
}

/// Locks a key, or unlocks it.
///
/// # Errors
/// Returns an error if the key is not as asked.
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
    access: Access<'a>,
}

impl Asking<'_> {
    async fn until_known(&self) -> Result<ApiKey, Error> {
        match (self.access.signed_in)
            .modify_api_key(self.before.id, self.change)
            .await
        {
            Ok(answer) => self.check(answer).await,
            Err(error) if error.had_no_effect() => Err(explain(error, self.change)),
            Err(error) => self.find_out(error).await,
        }
    }

    /// Reads the key again after a success. If that fails, the response is believed: a key that has just been locked cannot read
    /// itself.
    async fn check(&self, answer: ApiKey) -> Result<ApiKey, Error> {
        let mut poll = Poll::new(self.access.target.settle_timeout.min(REFUSAL_WAIT));
        loop {
            let after = match self.access.signed_in.api_key(self.before.id).await {
                Ok(key) if key.id == self.before.id => key,
                Ok(_) => return Err(Error::unexpected("the manager answered with another key")),
                Err(error) => {
                    log::info!("could not read the key again: {error}");
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
                "the manager does not show the {} of {}",
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
                "check the key in the manager's console; the manager may allow only some values"
            }),
        )
    }

    /// Finds out what became of a change that the manager itself did not answer.
    async fn find_out(&self, error: ManagerError) -> Result<ApiKey, Error> {
        log::warn!("{error}; finding out what became of the change");
        let last_word = error.is_from_manager() && *error.cause() == Cause::Rejected(500);
        let wait = match self.access.target.settle_timeout {
            _ if last_word => Duration::ZERO,
            wait if error.has_refusal_status() => wait.min(REFUSAL_WAIT),
            wait => wait,
        };
        let mut poll = Poll::new(wait);
        loop {
            let last = match self.access.signed_in.api_key(self.before.id).await {
                Ok(key) => {
                    let differences = Differences::between(self.change, &key);
                    if differences.none() {
                        self.access.context.output.note(&format!(
                            "{} is changed, although the response was lost",
                            describe(&key)
                        ));
                        return Ok(key);
                    }
                    Ok(differences)
                }
                Err(why) => Err(why),
            };
            if poll.wait().await {
                continue;
            }
            return Err(match last {
                Ok(differences) if !differences.not_shown.is_empty() => {
                    self.unknown(&error, "the manager does not show it")
                }
                Ok(differences) if differences.made => {
                    self.unknown(&error, "only a part of the change is there")
                }
                Ok(_) => self.not_made(error, last_word),
                Err(why) => self.unknown(&error, &format!("reading the key failed as well: {why}")),
            });
        }
    }

    /// The error if the key did not change for as long as a request could have been in flight.
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

    fn unknown(&self, error: &ManagerError, why: &str) -> Error {
        let message = format!(
            "{error}; it is unknown whether {} was changed: {why}",
            describe(self.before)
        );
        Error::new(ErrorKind::Attention, message).hint(format!(
            "check the key with `swp-keys show-key {}`, and run the command again: repeating it is safe",
            self.before.id
        ))
    }
}

/// Explains a refusal. A 403 is documented both for a missing right and for a change that is not permitted (docs/manager-api.md,
/// "Key operations").
fn explain(error: ManagerError, change: &KeyChange) -> Error {
    match error.cause() {
        Cause::Forbidden => error
            .with_hint("the right to edit API keys is missing, or the change is not permitted, such as a role with more rights than your own")
            .into(),
        // A date of 0 may count as one in the past.
        Cause::Rejected(_) if change.expiry_date == Some(NO_EXPIRY) => {
            error.with_hint(NO_CLEARING).into()
        }
        _ => error.into(),
    }
}

/// It is unknown whether 0 clears an expiry (docs/manager-api.md, "Unknowns", no. 26).
const NO_CLEARING: &str =
    "this manager may not be able to remove an expiry: set a late one, such as `--expires 520w`";

/// The results for the fields that were asked for.
struct Differences {
    /// The fields that have another value.
    other: Vec<String>,
    /// The fields that the manager does not show.
    not_shown: Vec<&'static str>,
    /// Whether some field is as asked.
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

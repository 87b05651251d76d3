//! Sends the request that creates a key, and determines whether the key was created. A success response may be about a different key, and an error
//! response may arrive although the key was created.

use std::time::Duration;

use super::answer_check;
use super::answer_check::Attribution;
use super::lookup::{Lookup, LookupResult};
use super::ownership::{Verdict, is_ours};
use super::poll::REFUSAL_WAIT;
use super::reconcile;
use super::reconcile::{CreateOutcome, Question};
use super::record::RunRecord;
use super::retiring_name::made_way_for;
use super::state::{Failure, Minted, Transaction};
use crate::error::{Error, ErrorKind};
use crate::journal::{self, Record};
use crate::manager::{ApiKey, Cause, ManagerError, NewApiKey};

/// How long to search for the key after the manager has rejected the create request. A new key may appear late in search results.
const LAG_WAIT: Duration = Duration::from_secs(2);

impl Transaction<'_> {
    /// Sends the create request, and determines its outcome.
    pub(super) async fn request_key(
        &self,
        key: &NewApiKey,
        recorded: &mut RunRecord,
    ) -> Result<Minted, Failure> {
        let record = recorded.record();
        let signals = &self.access.context.signals;
        let asking = self.access.signed_in.create_api_key(key, signals);
        match journal::refresh_while(record, asking).await {
            Ok(created) => {
                if let Some(end) = answer_check::known_before(record, &created) {
                    return Err(end);
                }
                let another = match answer_check::attribute(record, key, &created) {
                    Attribution::Ours => false,
                    Attribution::AnotherRun => true,
                    Attribution::Unknown => self.ours_is_another(&created, record).await,
                };
                if another {
                    return Err(answer_check::exchanged(record, &created));
                }
                recorded.note_key(created.id);
                self.accept(created, recorded.record()).await
            }
            // A signal ended the pause before the next attempt. The manager did not process any attempt, so no key was created.
            Err(error)
                if error.was_not_processed()
                    && let Some(signal) = signals.received() =>
            {
                Err(Failure::RolledBack(Error::interrupted(signal)))
            }
            // No key was created, because the manager did not process the request, or because it rejected the API key that authenticates this run.
            Err(error) if error.was_not_processed() || self.is_locked_out(&error) => {
                Err(Failure::RolledBack(error.into()))
            }
            Err(error) => self.doubt(error, recorded).await,
        }
    }

    /// `answered` is the key in the response. Returns true if a search finds this run's marker, but not on the key `answered`.
    async fn ours_is_another(&self, answered: &ApiKey, record: &Record) -> bool {
        let seen = Lookup::new(self.access.signed_in, record).look(true).await;
        matches!(seen, Ok(LookupResult { verdict: Verdict::Ours { id, duplicates }, .. })
            if id != answered.id && !duplicates.contains(&answered.id))
    }

    /// Returns true if the manager rejected the API key that authenticates this run. After this rejection, no further request is sent, because each
    /// rejected request counts towards the lockout of the API key.
    fn is_locked_out(&self, error: &ManagerError) -> bool {
        self.access.signed_in.session().is_none()
            && error.had_no_effect()
            && *error.cause() == Cause::Unauthorized
    }

    /// Determines the outcome of a create request that returned an error. The manager may have received the request twice and rejected only the
    /// second copy. A server error may also follow a successful create. So the key may exist, and this function searches for it.
    async fn doubt(
        &self,
        error: ManagerError,
        recorded: &mut RunRecord,
    ) -> Result<Minted, Failure> {
        let record = recorded.record();
        // The response may come from a proxy, so its status does not show whether the key was created.
        let refused = error.has_refusal_status();
        let question = Question {
            wait: self.doubted_for(&error, record),
            refused: error.had_no_effect(),
        };
        if !question.refused {
            log::warn!("{error}; checking whether the key was created");
        }
        let _step = (self.access.context.progress).begin("checking whether the key was created");
        match reconcile::of_create(self.access.signed_in, record, question).await {
            CreateOutcome::Created(id, duplicates) => {
                if question.refused {
                    log::warn!("the key was created despite this error: {error}");
                }
                self.take_ours(id, duplicates, recorded).await
            }
            CreateOutcome::NotCreated
                if question.refused || refused || Self::may_be_a_refusal(&error, record) =>
            {
                let error = match self.refused(error, record).await {
                    Ok(error) => error,
                    // The second search shows this run's key, which the first search did not show yet.
                    Err(id) => return self.take_ours(id, Vec::new(), recorded).await,
                };
                if question.refused {
                    return Err(Failure::RolledBack(error));
                }
                // The response does not show whether the key was created, but the search has shown that the key was not created.
                let message = format!("{error}; the key `{}` was not created", record.key_name);
                let plain = Error::new(error.kind(), message).http(error.http_status());
                Err(Failure::RolledBack(match error.key_id() {
                    Some(id) => plain.key(id),
                    None => plain,
                }))
            }
            CreateOutcome::NotCreated => {
                Err(Failure::RolledBack(not_created(error.into(), record)))
            }
            // The create request and the search for the key were both rejected. The probable cause is a missing permission, so the run assumes that
            // no key was created.
            CreateOutcome::SearchForbidden(_) if refused => Err(Failure::RolledBack(error.into())),
            CreateOutcome::SearchForbidden(why) | CreateOutcome::Unknown(why) => {
                Err(Failure::Unresolved(Error::new(
                    ErrorKind::Attention,
                    format!(
                        "{error}; it is unknown whether the key `{}` was created: {why}",
                        record.key_name
                    ),
                )))
            }
        }
    }

    /// Creates a second secret for this run's key. The response with the first secret was lost.
    async fn take_ours(
        &self,
        id: i64,
        duplicates: Vec<i64>,
        recorded: &mut RunRecord,
    ) -> Result<Minted, Failure> {
        recorded.note_key_lastingly(id);
        let ended = self.end_duplicates(duplicates).await;
        ended.map_err(|error| {
            Failure::Unresolved(Error::new(ErrorKind::Attention, error).key(id))
        })?;
        self.request_secret(id, recorded.record(), false).await
    }

    /// Returns true for a server error that may mean that the name is in use.
    fn may_be_a_refusal(error: &ManagerError, record: &Record) -> bool {
        *error.cause() == Cause::Rejected(500)
            && (error.is_from_manager() || record.predecessor.is_some())
    }

    /// Returns how long to search for the key after the create request failed with `error`.
    fn doubted_for(&self, error: &ManagerError, record: &Record) -> Duration {
        let settle = self.access.target.settle_timeout;
        let right_or_place = !matches!(error.cause(), Cause::Rejected(_));
        // In a rotation, status 500 leads to a second request and a second search. The second search also finds a key that appears late, so the first
        // search can be short.
        let asked_again = record.predecessor.is_some() && *error.cause() == Cause::Rejected(500);
        match (error.had_no_effect(), error.has_refusal_status()) {
            (true, _) if right_or_place => Duration::ZERO,
            (true, _) => settle.min(LAG_WAIT),
            _ if asked_again => settle.min(REFUSAL_WAIT),
            (false, true) => settle.min(REFUSAL_WAIT),
            (false, false) => settle,
        }
    }

    /// Determines why the manager rejected the create request. It is unknown which status the manager returns if the name is in use
    /// (docs/manager-api.md, "Unknowns", no. 7), so this function searches for a key with the name. If the search finds this run's key,
    /// returns the key's ID as the `Err` value.
    async fn refused(&self, error: ManagerError, record: &Record) -> Result<Error, i64> {
        let about_the_key = matches!(error.cause(), Cause::Rejected(_) | Cause::Forbidden);
        if !record.unique || !about_the_key {
            return Ok(error.into());
        }
        let found = self
            .access
            .signed_in
            .api_keys_named(&record.key_name)
            .await
            .unwrap_or_default();
        if let Some(own) = found.iter().find(|key| is_ours(record, key)) {
            return Err(own.id);
        }
        let same_name = |key: &&ApiKey| key.name() == Some(&record.key_name);
        let known = |key: &&ApiKey| record.existing_ids.contains(&key.id);
        // Several keys may have this name. The error reports a new key if there is one. A new key did not exist when this run started.
        let other = (found.iter().filter(same_name).find(|key| !known(key)))
            .or_else(|| found.iter().find(same_name));
        Ok(match other {
            None => match self.gave_its_name_away(record).await {
                Some(id) => Error::new(
                    ErrorKind::Conflict,
                    format!(
                        "{error}; another run is rotating the key `{}` (ID {id})",
                        record.key_name
                    ),
                ),
                None => error.into(),
            },
            Some(other) => Error::new(
                ErrorKind::Conflict,
                format!(
                    "{error}; a key named `{}` already exists (ID {})",
                    record.key_name, other.id
                ),
            )
            .key(other.id),
        })
    }

    /// Returns the ID of the key that this run rotates, if a concurrent rotation has renamed that key. Returns `None` if this run renamed the key
    /// itself.
    async fn gave_its_name_away(&self, record: &Record) -> Option<i64> {
        let predecessor = (record.predecessor.as_ref()).filter(|old| old.given_name.is_none())?;
        let key = self.access.signed_in.api_key(predecessor.id).await.ok()?;
        made_way_for(&key, &record.key_name).then_some(key.id)
    }
}

/// Returns the error for a key that was not created. The hint is to repeat the command.
fn not_created(error: Error, record: &Record) -> Error {
    let message = format!("{error}; the key `{}` was not created", record.key_name);
    Error::new(ErrorKind::Unreachable, message)
        .http(error.http_status())
        .hint("run the command again")
}

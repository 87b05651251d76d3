//! The request that creates a key, and what its response proves. A successful response may be about a different key, and an error
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

/// How long to search for our key after the manager rejected the create and no other key explains that. A search may lag behind a
/// create.
const LAG_WAIT: Duration = Duration::from_secs(2);

impl Transaction<'_> {
    /// Sends the request, and returns when its outcome is known.
    pub(super) async fn request_key(
        &self,
        key: &NewApiKey,
        recorded: &mut RunRecord,
    ) -> Result<Minted, Failure> {
        let record = recorded.record();
        let asking = self.access.signed_in.create_api_key(key);
        match journal::refresh_while(record, asking).await {
            Ok(created) => {
                if let Some(end) = answer_check::known_before(record, &created) {
                    return Err(end);
                }
                let another = match answer_check::attribute(record, &created) {
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
            // The request was not sent, or a rate limit kept the manager from processing it.
            Err(error) if error.was_not_processed() || self.is_locked_out(&error) => {
                Err(Failure::RolledBack(error.into()))
            }
            Err(error) => self.doubt(error, recorded).await,
        }
    }

    /// Returns true if our marker is on a different key than the one in the response.
    async fn ours_is_another(&self, answered: &ApiKey, record: &Record) -> bool {
        let seen = Lookup::new(self.access.signed_in, record).look(true).await;
        matches!(seen, Ok(LookupResult { verdict: Verdict::Ours { id, twins }, .. })
            if id != answered.id && !twins.contains(&answered.id))
    }

    /// Returns true if the manager rejected the API key that signs the requests. Each further request with it would count towards
    /// its lock, so none is sent.
    fn is_locked_out(&self, error: &ManagerError) -> bool {
        self.access.signed_in.session().is_none()
            && error.had_no_effect()
            && *error.cause() == Cause::Unauthorized
    }

    /// Determines the outcome of a create that returned an error. An error response may belong to the second of two copies of the
    /// request, and a server error may follow a successful create. So each error counts as a lost response until a search shows
    /// that our key does not exist.
    async fn doubt(
        &self,
        error: ManagerError,
        recorded: &mut RunRecord,
    ) -> Result<Minted, Failure> {
        let record = recorded.record();
        // A response in a different format may come from a proxy.
        let refused = error.has_refusal_status();
        let question = Question {
            wait: self.doubted_for(&error, record),
            refused: error.had_no_effect(),
        };
        if !question.refused {
            log::warn!("{error}; checking whether the key was created");
        }
        match reconcile::of_create(self.access.signed_in, record, question).await {
            CreateOutcome::Created(id, twins) => {
                if question.refused {
                    log::warn!("{error}; the key was created nevertheless");
                }
                self.take_ours(id, twins, recorded).await
            }
            CreateOutcome::NotCreated
                if question.refused || refused || Self::may_be_a_refusal(&error, record) =>
            {
                let error = match self.refused(error, record).await {
                    Ok(error) => error,
                    // The lagging search did not show it before.
                    Err(id) => return self.take_ours(id, Vec::new(), recorded).await,
                };
                if question.refused {
                    return Err(Failure::RolledBack(error));
                }
                // In a rotation the name is in use, so any 500 may mean that the name was rejected.
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
            // A user without permission to create keys may lack permission to search them too, and gets the same response for
            // both.
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

    /// Creates a new secret for our key, because the response with the first one was lost.
    async fn take_ours(
        &self,
        id: i64,
        twins: Vec<i64>,
        recorded: &mut RunRecord,
    ) -> Result<Minted, Failure> {
        recorded.note_key_lastingly(id);
        let ended = self.end_twins(twins).await;
        ended
            .map_err(|twin| Failure::Unresolved(Error::new(ErrorKind::Attention, twin).key(id)))?;
        self.request_secret(id, recorded.record()).await
    }

    /// Returns true if a server error may mean that the name is in use.
    fn may_be_a_refusal(error: &ManagerError, record: &Record) -> bool {
        *error.cause() == Cause::Rejected(500)
            && (error.is_from_manager() || record.predecessor.is_some())
    }

    /// Returns how long our key may still appear.
    fn doubted_for(&self, error: &ManagerError, record: &Record) -> Duration {
        let settle = self.access.target.settle_timeout;
        let right_or_place = !matches!(error.cause(), Cause::Rejected(_));
        // A rotation sends the request once more, and that attempt finds a late key.
        let asked_again = record.predecessor.is_some() && *error.cause() == Cause::Rejected(500);
        match (error.had_no_effect(), error.has_refusal_status()) {
            (true, _) if right_or_place => Duration::ZERO,
            (true, _) => settle.min(LAG_WAIT),
            _ if asked_again => settle.min(REFUSAL_WAIT),
            (false, true) => settle.min(REFUSAL_WAIT),
            (false, false) => settle,
        }
    }

    /// Explains why the manager rejected the create. The status for a name that is in use is unknown (docs/manager-api.md,
    /// "Unknowns", no. 7), so this searches for a key with the name. Returns the ID if that key is our own.
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
        // A key that appeared during this run is the better explanation.
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

    /// Returns the ID of the predecessor if another run has renamed it. The successor of that run is about to get the name.
    async fn gave_its_name_away(&self, record: &Record) -> Option<i64> {
        let predecessor = (record.predecessor.as_ref()).filter(|old| old.given_name.is_none())?;
        let key = self.access.signed_in.api_key(predecessor.id).await.ok()?;
        made_way_for(&key, &record.key_name).then_some(key.id)
    }
}

/// Returns the error for a key that was not created. The request can be repeated.
fn not_created(error: Error, record: &Record) -> Error {
    let message = format!("{error}; the key `{}` was not created", record.key_name);
    Error::new(ErrorKind::Unreachable, message)
        .http(error.http_status())
        .hint("run the command again")
}

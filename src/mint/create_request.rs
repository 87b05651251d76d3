//! Asking for a key, and what an answer to that proves: a success may be about another key, and a refusal may come after the work was done.

use std::time::Duration;

use super::answer_check;
use super::answer_check::Whose;
use super::lookup::{Lookup, Seen};
use super::ownership::{Verdict, is_ours};
use super::poll::REFUSAL_WAIT;
use super::reconcile;
use super::reconcile::{Created, Question};
use super::record::RunRecord;
use super::retiring_name::made_way_for;
use super::state::{Failure, Minted, Transaction};
use crate::error::{Error, ErrorKind};
use crate::journal::{self, Record};
use crate::manager::{ApiKey, Cause, ManagerError, NewApiKey};

/// How long a refusal in the manager's own words is doubted that no key explains: a search may lag behind what was created.
const LAG_WAIT: Duration = Duration::from_secs(2);

impl Transaction<'_> {
    /// Asks the manager for the key, until it is known what became of that.
    pub(super) async fn request_key(
        &self,
        key: &NewApiKey,
        recorded: &mut RunRecord,
    ) -> Result<Minted, Failure> {
        let record = recorded.record();
        let asking = self.signed_in.create_api_key(key);
        match journal::refresh_while(record, asking).await {
            Ok(created) => {
                if let Some(end) = answer_check::known_before(record, &created) {
                    return Err(end);
                }
                let another = match answer_check::whose(record, &created) {
                    Whose::Ours => false,
                    Whose::Another => true,
                    Whose::Unknown => self.ours_is_another(&created, record).await,
                };
                if another {
                    return Err(answer_check::exchanged(record, &created));
                }
                recorded.note_key(created.id);
                self.accept(created, recorded.record()).await
            }
            // Nothing left this machine, or the manager's limit kept it from being worked on.
            Err(error) if error.was_not_processed() || self.is_locked_out(&error) => {
                Err(Failure::RolledBack(error.into()))
            }
            Err(error) => self.doubt(error, recorded).await,
        }
    }

    /// Whether the key of this run, by its mark, is another one than the answer is about.
    async fn ours_is_another(&self, answered: &ApiKey, record: &Record) -> bool {
        let seen = Lookup::new(self.signed_in, record).look(true).await;
        matches!(seen, Ok(Seen { verdict: Verdict::Ours { id, twins }, .. })
            if id != answered.id && !twins.contains(&answered.id))
    }

    /// Whether the manager refused the API key that signs: it counts each use of a refused one, so nothing more is asked with it.
    fn is_locked_out(&self, error: &ManagerError) -> bool {
        self.signed_in.session().is_none()
            && error.had_no_effect()
            && *error.cause() == Cause::Unauthorized
    }

    /// Finds out what became of a create that no success answers. A refusal may be the answer to the second of two requests, and a server
    /// error may come after the work, so each is a lost answer until a look has shown that the key is not there.
    async fn doubt(
        &self,
        error: ManagerError,
        recorded: &mut RunRecord,
    ) -> Result<Minted, Failure> {
        let record = recorded.record();
        // A refusal in another form may come from something in between.
        let refused = error.has_refusal_status();
        let question = Question {
            wait: self.doubted_for(&error, record),
            refused: error.had_no_effect(),
        };
        if !question.refused {
            log::warn!("{error}; finding out what became of the key");
        }
        match reconcile::of_create(self.signed_in, record, question).await {
            Created::Ours(id, twins) => {
                if question.refused {
                    log::warn!("{error}; the key was created all the same");
                }
                self.take_ours(id, twins, recorded).await
            }
            Created::Not
                if question.refused || refused || Self::may_be_a_refusal(&error, record) =>
            {
                let error = match self.refused(error, record).await {
                    Ok(error) => error,
                    // A search that lags shows it only now.
                    Err(id) => return self.take_ours(id, Vec::new(), recorded).await,
                };
                if question.refused {
                    return Err(Failure::RolledBack(error));
                }
                // In a rotation the name is taken, so a 500 in any form may be a refusal.
                let message = format!("{error}; the key `{}` was not created", record.key_name);
                let plain = Error::new(error.kind(), message).http(error.http_status());
                Err(Failure::RolledBack(match error.key_id() {
                    Some(id) => plain.key(id),
                    None => plain,
                }))
            }
            Created::Not => Err(Failure::RolledBack(not_created(error.into(), record))),
            // Who may not create may well not look either, and is refused both in the same form.
            Created::MayNotLook(_) if refused => Err(Failure::RolledBack(error.into())),
            Created::MayNotLook(why) | Created::Unknown(why) => {
                Err(Failure::Unresolved(Error::new(
                    ErrorKind::Attention,
                    format!(
                        "{error}; it is not known whether the key `{}` was created: {why}",
                        record.key_name
                    ),
                )))
            }
        }
    }

    /// Gives the key of this run a secret whose answer is here.
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

    /// Whether a server error may be how the manager refuses a name that is taken.
    fn may_be_a_refusal(error: &ManagerError, record: &Record) -> bool {
        *error.cause() == Cause::Rejected(500)
            && (error.is_from_manager() || record.predecessor.is_some())
    }

    /// How long the key may still come.
    fn doubted_for(&self, error: &ManagerError, record: &Record) -> Duration {
        let settle = self.context.settings.settle_timeout;
        let right_or_place = !matches!(error.cause(), Cause::Rejected(_));
        // In a rotation this is asked once more, and what comes late is found then.
        let asked_again = record.predecessor.is_some() && *error.cause() == Cause::Rejected(500);
        match (error.had_no_effect(), error.has_refusal_status()) {
            (true, _) if right_or_place => Duration::ZERO,
            (true, _) => settle.min(LAG_WAIT),
            _ if asked_again => settle.min(REFUSAL_WAIT),
            (false, true) => settle.min(REFUSAL_WAIT),
            (false, false) => settle,
        }
    }

    /// Why the manager refused. Which status it has for a name that is taken is unknown (docs/manager-api.md, "Unknowns", no. 7), so a look
    /// tells whether that is it: another run of the same name was first. Returns the ID of our own key if that bears it.
    async fn refused(&self, error: ManagerError, record: &Record) -> Result<Error, i64> {
        let about_the_key = matches!(error.cause(), Cause::Rejected(_) | Cause::Forbidden);
        if !record.unique || !about_the_key {
            return Ok(error.into());
        }
        let found = self
            .signed_in
            .api_keys_named(&record.key_name)
            .await
            .unwrap_or_default();
        if let Some(own) = found.iter().find(|key| is_ours(record, key)) {
            return Err(own.id);
        }
        let same_name = |key: &&ApiKey| key.name() == Some(&record.key_name);
        let known = |key: &&ApiKey| record.existing_ids.contains(&key.id);
        // Another run's key says more than one that was known to be there.
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
                    "{error}; a key named `{}` exists already, with the ID {}",
                    record.key_name, other.id
                ),
            )
            .key(other.id),
        })
    }

    /// The key that is to be succeeded, if another run had it make way: that run's successor is about to take the name.
    async fn gave_its_name_away(&self, record: &Record) -> Option<i64> {
        let predecessor = (record.predecessor.as_ref()).filter(|old| old.given_name.is_none())?;
        let key = self.signed_in.api_key(predecessor.id).await.ok()?;
        made_way_for(&key, &record.key_name).then_some(key.id)
    }
}

/// The manager has no such key, so a request that was lost on the way may be sent again.
fn not_created(error: Error, record: &Record) -> Error {
    let message = format!("{error}; the key `{}` was not created", record.key_name);
    Error::new(ErrorKind::Unreachable, message)
        .http(error.http_status())
        .hint("run it again")
}

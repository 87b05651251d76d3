//! Creates the keys of a group: several keys of one manager, with one flush of their records and one search for all of them.
//!
//! Each key has its own record and goes through the states of the transaction on its own. The keys only wait for each other between the states, so
//! a killed run leaves for each key what the run of a single key would leave.

use std::cell::Cell;
use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use super::ownership::is_ours;
use super::poll::{Poll, REFUSAL_WAIT};
use super::record::RunRecord;
use super::state::{Delivered, Failure, Minted, Transaction};
use super::unused_record::UnusedRecord;
use crate::auth::session::Access;
use crate::error::{Error, ErrorKind};
use crate::journal::Record;
use crate::manager::{ApiKey, ManagerError, NewApiKey, SignedIn};
use crate::process::concurrency::run_all;

/// The maximum number of requests and deliveries of a group at the same time.
const AT_ONCE: usize = 4;

/// How long after the first signal the group waits for the responses to its create requests. The keys that exist by then are delivered.
const LAST_RESPONSE: Duration = Duration::from_millis(2500);
/// How long after the first signal the group searches for the keys of other runs.
const LAST_SEARCH: Duration = Duration::from_secs(3);
/// How long after the first signal the work on a key may go on, except for a command that receives the secret. The run must then sign out within 7 s
/// after the signal, because CI systems kill it soon after that.
pub(crate) const LAST_WORK: Duration = Duration::from_millis(3750);

/// A key of a group.
pub(crate) struct GroupMember<'a> {
    /// The transaction that creates the key and delivers its secret.
    pub(crate) transaction: Transaction<'a>,
    /// The request.
    pub(crate) key: NewApiKey,
    /// The content of the journal record.
    pub(crate) record: Record,
}

/// The result for a key of a group, or `None` if the key was not requested. The caller must remove the record of a delivered key with
/// [`RunRecord::settle_all`].
pub(crate) type MemberResult = Option<Result<(Delivered, RunRecord), Error>>;

/// The keys that other runs create while this run works on one manager.
pub(crate) struct NewerKeys {
    /// The highest ID in the complete results so far.
    highest: Option<i64>,
    /// The keys of other runs in the results so far.
    others: Vec<ApiKey>,
}

/// The state of a key of a group.
enum MemberState<'a> {
    Prepared(Box<GroupMember<'a>>, UnusedRecord<'a>),
    Asked(
        Box<Transaction<'a>>,
        RunRecord,
        Box<Result<Minted, Failure>>,
    ),
    Ended(MemberResult),
}

impl NewerKeys {
    /// Begins with the highest ID in a complete list of the manager's keys.
    pub(crate) fn above(highest: Option<i64>) -> Self {
        Self {
            highest,
            others: Vec::new(),
        }
    }

    /// Creates the keys of a group and delivers their secrets. Returns the results in the same order.
    ///
    /// After the first signal, or after an error that concerns all requests, no further key is requested. The secrets of the created keys are
    /// delivered nevertheless.
    ///
    /// # Errors
    /// Returns an error if the records could not be written. No key was requested then.
    pub(crate) async fn create<'a>(
        &mut self,
        members: Vec<GroupMember<'a>>,
        access: Access<'a>,
    ) -> Result<Vec<MemberResult>, Error> {
        // State `recorded`: the records are on disk and fsynced before the first request is sent.
        let records: Vec<Record> = members.iter().map(|member| member.record.clone()).collect();
        let written = UnusedRecord::write_all(records.clone(), access.context).await?;
        let mut states: Vec<_> = (members.into_iter().zip(written))
            .map(|(member, record)| MemberState::Prepared(Box::new(member), record))
            .collect();
        // States `asked` and `minted`.
        let is_stopped = Cell::new(false);
        let mut rest = states.iter_mut();
        run_all(AT_ONCE, &mut || {
            let state = rest.next()?;
            Some(Box::pin(state.ask(&is_stopped)))
        })
        .await;
        let search = self.search(&states, access);
        let found = access
            .context
            .signals
            .limit_after(LAST_SEARCH, search)
            .await;
        let found = found.flatten();
        // States `delivering` and `delivered`.
        let mut rest = states.iter_mut();
        run_all(AT_ONCE, &mut || {
            let state = rest.next()?;
            Some(Box::pin(state.deliver(found.clone())))
        })
        .await;
        let found = found.and_then(Rc::into_inner).into_iter().flatten();
        let is_own = |key: &ApiKey| records.iter().any(|record| is_ours(record, key));
        self.others.extend(found.filter(|key| !is_own(key)));
        Ok(states.into_iter().map(MemberState::result).collect())
    }

    /// Searches once for all keys that were created since the last search, so that each key can be compared with the keys of other runs. If the
    /// search does not show the keys of the group, each key is later searched by its name.
    async fn search(
        &mut self,
        states: &[MemberState<'_>],
        access: Access<'_>,
    ) -> Option<Rc<Vec<ApiKey>>> {
        let created: Vec<i64> = states.iter().filter_map(MemberState::created).collect();
        if created.is_empty() {
            return None;
        }
        let mut poll = Poll::new(access.target.settle_timeout.min(REFUSAL_WAIT));
        loop {
            let mut found = match self.read(access.signed_in).await {
                Ok(found) => found,
                Err(error) => {
                    log::info!("could not search for the keys of other runs: {error}");
                    return None;
                }
            };
            let ids: HashSet<i64> = found.iter().map(|key| key.id).collect();
            if created.iter().all(|id| ids.contains(id)) {
                self.highest = ids.into_iter().max().max(self.highest);
                found.append(&mut self.others);
                return Some(Rc::new(found));
            }
            if !poll.wait().await {
                return None;
            }
        }
    }

    async fn read(&self, signed_in: &SignedIn) -> Result<Vec<ApiKey>, ManagerError> {
        let mut pages = signed_in.api_keys_above(self.highest);
        let mut found = Vec::new();
        while let Some(page) = pages.next().await? {
            found.extend(page);
        }
        Ok(found)
    }
}

impl<'a> MemberState<'a> {
    fn take(&mut self) -> Self {
        std::mem::replace(self, MemberState::Ended(None))
    }

    /// Sends the create request. If the error would make every other request fail, sets `is_stopped`.
    async fn ask(&mut self, is_stopped: &Cell<bool>) {
        *self = match self.take() {
            // Dropping the unused record removes it.
            MemberState::Prepared(..) if is_stopped.get() => MemberState::Ended(None),
            MemberState::Prepared(member, unused) => {
                let GroupMember {
                    mut transaction,
                    key,
                    record,
                } = *member;
                let Ok(mut recorded) = unused.begin(record) else {
                    return;
                };
                let signals = &transaction.access.context.signals;
                let asking = transaction.ask(&key, &mut recorded);
                let minted = match signals.limit_after(LAST_RESPONSE, asking).await {
                    Some(minted) => minted,
                    // The record stays on disk, so the next run finds the key if it was created.
                    None => {
                        let what = "the key may have been created";
                        Err(Failure::Unresolved(not_finished(&key.key_name, what)))
                    }
                };
                if let Err(Failure::RolledBack(error) | Failure::Unresolved(error)) = &minted
                    && error.concerns_all_requests()
                {
                    is_stopped.set(true);
                }
                MemberState::Asked(Box::new(transaction), recorded, Box::new(minted))
            }
            other => other,
        };
    }

    /// Returns the ID of the key if the request created it.
    fn created(&self) -> Option<i64> {
        match self {
            MemberState::Asked(_, _, minted) => minted.as_ref().as_ref().ok().map(|key| key.id),
            _ => None,
        }
    }

    /// Delivers the secret, or handles the failure of the request.
    async fn deliver(&mut self, newer_keys: Option<Rc<Vec<ApiKey>>>) {
        *self = match self.take() {
            MemberState::Asked(mut transaction, recorded, minted) => {
                transaction.newer_keys = newer_keys;
                let signals = &transaction.access.context.signals;
                let name = recorded.record().key_name.clone();
                let next_step = recorded.next_step(transaction.access.context);
                let what = match minted.as_ref() {
                    Ok(minted) => {
                        let id = minted.id;
                        format!(
                            "the key exists (ID {id}), and its secret may not have been delivered"
                        )
                    }
                    Err(_) => "the key may have been created".to_owned(),
                };
                let has_command = transaction.prepared.has_command();
                let delivering = transaction.deliver_and_close(*minted, recorded);
                let result = match has_command {
                    true => delivering.await,
                    false => match signals.limit_after(LAST_WORK, delivering).await {
                        Some(result) => result,
                        // The record stays on disk. The next run checks whether the secret was delivered.
                        None => Err(not_finished(&name, &what).hint(next_step)),
                    },
                };
                MemberState::Ended(Some(result))
            }
            other => other,
        };
    }

    fn result(self) -> MemberResult {
        match self {
            MemberState::Ended(result) => result,
            MemberState::Prepared(..) | MemberState::Asked(..) => None,
        }
    }
}

/// Returns the error for a key whose state is unknown, because a signal ended the work on it. `what` is what may have happened to the key.
pub(crate) fn not_finished(name: &str, what: &str) -> Error {
    let message = format!(
        "this run was interrupted before the work on the key `{name}` was finished; {what}"
    );
    Error::new(ErrorKind::Attention, message)
}

//! Searches for the key that an operation created. The first search is by name, because it takes only one request. If this search finds no
//! key of the operation, all newer keys are searched for the operation's marker.

use chrono::TimeDelta;

use super::ownership::{Verdict, is_duplicate_of_answer, judge};
use crate::journal::Record;
use crate::manager::{ApiKey, ManagerError, SignedIn};

/// The maximum error of the estimated clock skew between this machine and the manager, in milliseconds.
const SLACK: i64 = 60 * 1000;

/// The maximum time from the start of an operation to its last request, in milliseconds.
const LONGEST: i64 = 10 * 60 * 1000;

/// The search for duplicates of a key begins at the key's ID minus 1000, because a duplicate may have a lower ID. Other runs are not expected to
/// create 1000 keys between a key and its duplicate.
const NEIGHBOURS: i64 = 1000;

/// A search for the key of one operation.
pub(super) struct Lookup<'a> {
    signed_in: &'a SignedIn,
    record: &'a Record,
    /// Keys with this ID or a lower ID cannot belong to the operation.
    lowest: Option<i64>,
    /// The highest key ID in the results so far. Keys with a higher ID are new.
    highest: Option<i64>,
    /// If a key is set, the search finds only this key's duplicates. The manager creates duplicates if it processes a create request more than once.
    duplicate: Option<&'a ApiKey>,
}

/// The result of one search for an operation's key.
pub(super) struct LookupResult {
    pub(super) verdict: Verdict,
    /// True if the search found a key whose name is equal to the recorded name.
    pub(super) name_is_taken: bool,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(signed_in: &'a SignedIn, record: &'a Record) -> Self {
        Self {
            signed_in,
            record,
            lowest: record.existing_ids.iter().copied().max(),
            highest: None,
            duplicate: None,
        }
    }

    /// Restricts the search to IDs above `id` minus `NEIGHBOURS`. A duplicate of the key `id` may have a slightly lower ID than `id`.
    pub(super) fn beside(mut self, id: i64) -> Self {
        self.lowest = Some(id.saturating_sub(NEIGHBOURS));
        self
    }

    /// Restricts the search to duplicates of this key. Duplicates exist if the manager processed the create request of the key more than once.
    pub(super) fn duplicates_of(mut self, key: Option<&'a ApiKey>) -> Self {
        self.duplicate = key;
        self
    }

    /// Searches once by name. If the search finds no key of the operation, also searches by marker. The manager assigns increasing IDs, so the
    /// search by marker can start after the last key that existed before the operation. If `whole` is false, the search by marker starts after the
    /// last key that an earlier search by marker has read.
    ///
    /// # Errors
    /// Returns the manager's error.
    pub(super) async fn look(&mut self, whole: bool) -> Result<LookupResult, ManagerError> {
        let since = since(self.signed_in, self.record);
        let mut found = (self.signed_in)
            .api_keys_named(&self.record.key_name)
            .await?;
        let name_is_taken = (found.iter()).any(|key| key.name() == Some(&self.record.key_name));
        found.retain(|key| self.may_be_duplicate(key));
        let by_name = judge(self.record, since, &found);
        let verdict = match by_name {
            Verdict::Ours { .. } => by_name,
            _ => {
                self.add_like(whole, &mut found).await?;
                judge(self.record, since, &found)
            }
        };
        Ok(LookupResult {
            verdict,
            name_is_taken,
        })
    }

    fn may_be_duplicate(&self, key: &ApiKey) -> bool {
        self.duplicate
            .is_none_or(|duplicate| is_duplicate_of_answer(duplicate, key))
    }

    /// Adds newer keys that may belong to the operation, whatever their names are.
    async fn add_like(&mut self, whole: bool, found: &mut Vec<ApiKey>) -> Result<(), ManagerError> {
        let since = since(self.signed_in, self.record);
        let from = match whole {
            true => self.lowest,
            false => self.highest.or(self.lowest),
        };
        let mut pages = self.signed_in.api_keys_above(from);
        while let Some(page) = pages.next().await? {
            self.highest = page.last().map(|key| key.id).max(self.highest);
            let may_be = |key: &ApiKey| {
                let alone = std::slice::from_ref(key);
                judge(self.record, since, alone) != Verdict::None
                    && found.iter().all(|other| other.id != key.id)
            };
            let page: Vec<_> = (page.into_iter())
                .filter(|key| self.may_be_duplicate(key) && may_be(key))
                .collect();
            found.extend(page);
        }
        Ok(())
    }
}

/// Returns the start of the operation by the manager's clock. The clock skew is an estimate, so the returned time may be too early, but not
/// too late.
pub(super) fn since(signed_in: &SignedIn, record: &Record) -> i64 {
    let skew = signed_in
        .clock_skew()
        .as_ref()
        .map_or(0, TimeDelta::num_milliseconds);
    let began = record.started.saturating_add(skew).saturating_sub(SLACK);
    let age = record.progress.age().map(|age| age.as_millis());
    let Some(age) = age.and_then(|age| i64::try_from(age).ok()) else {
        return began;
    };
    // An operation starts before its request is sent. If the recorded start is later than the request, the wall clock was set back. The start is then
    // computed from the age of the request.
    let asked = signed_in.time().timestamp_millis().saturating_sub(age);
    match began > asked {
        true => asked.saturating_sub(LONGEST),
        false => began,
    }
}

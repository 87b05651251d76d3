//! The search for the key that an operation created: first by its name, which takes one request, then by its marker among all
//! newer keys.

use chrono::TimeDelta;

use super::ownership::{Verdict, is_twin_of_answer, judge};
use crate::journal::Record;
use crate::manager::{ApiKey, ManagerError, SignedIn};

/// How far the clocks of two machines may differ after one was adjusted to the other, in milliseconds.
const SLACK: i64 = 60 * 1000;

/// The longest time from the start of an operation to its last request, in milliseconds.
const LONGEST: i64 = 10 * 60 * 1000;

/// How many keys other runs may create between the two copies of a request.
const NEIGHBOURS: i64 = 1000;

/// Searches for the key of one operation.
pub(super) struct Lookup<'a> {
    signed_in: &'a SignedIn,
    record: &'a Record,
    /// Keys with a lower ID are not ours.
    lowest: Option<i64>,
    /// The highest ID in the results so far. Keys above it are new.
    highest: Option<i64>,
    /// Restricts the search to the twins of this key.
    twin: Option<&'a ApiKey>,
}

/// The result of one search.
pub(super) struct LookupResult {
    pub(super) verdict: Verdict,
    /// True if any key has exactly this name.
    pub(super) name_is_taken: bool,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(signed_in: &'a SignedIn, record: &'a Record) -> Self {
        Self {
            signed_in,
            record,
            lowest: record.existing_ids.iter().copied().max(),
            highest: None,
            twin: None,
        }
    }

    /// Restricts the search to keys with an ID close to this one.
    pub(super) fn beside(mut self, id: i64) -> Self {
        self.lowest = Some(id.saturating_sub(NEIGHBOURS));
        self
    }

    /// Restricts the search to the twins of this key. Copies of the key are ignored.
    pub(super) fn twins_of(mut self, key: Option<&'a ApiKey>) -> Self {
        self.twin = key;
        self
    }

    /// Searches once. IDs rise, so the search reads only keys with a higher ID than those that existed before. Unless `whole`, it
    /// reads only keys that were added since the last search.
    ///
    /// # Errors
    /// Returns the manager's error.
    pub(super) async fn look(&mut self, whole: bool) -> Result<LookupResult, ManagerError> {
        let since = since(self.signed_in, self.record);
        let mut found = (self.signed_in)
            .api_keys_named(&self.record.key_name)
            .await?;
        let name_is_taken = (found.iter()).any(|key| key.name() == Some(&self.record.key_name));
        found.retain(|key| self.may_be_twin(key));
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

    fn may_be_twin(&self, key: &ApiKey) -> bool {
        self.twin.is_none_or(|twin| is_twin_of_answer(twin, key))
    }

    /// Adds keys with a different name that may be ours.
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
                .filter(|key| self.may_be_twin(key) && may_be(key))
                .collect();
            found.extend(page);
        }
        Ok(())
    }
}

/// Returns the start of the operation according to the clock of the manager, or an earlier time.
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
    // An operation starts before its request. If the wall clock contradicts that, the clock was set back in between, and the
    // monotonic clock is right.
    let asked = signed_in.time().timestamp_millis().saturating_sub(age);
    match began > asked {
        true => asked.saturating_sub(LONGEST),
        false => began,
    }
}

//! The search for the key that an operation made: by its name first, which is one request, then by its marker among all newer keys.

use chrono::TimeDelta;

use super::ownership::{Verdict, is_twin_of_answer, judge};
use crate::journal::Record;
use crate::manager::{ApiKey, ManagerError, SignedIn};

/// How far two clocks may differ after one was corrected by the other, in milliseconds.
const SLACK: i64 = 60 * 1000;

/// How long one key is asked for at most, in milliseconds.
const LONGEST: i64 = 10 * 60 * 1000;

/// How many keys others may make between the two copies of a request.
const NEIGHBOURS: i64 = 1000;

/// Searches for the key of one operation.
pub(super) struct Lookup<'a> {
    signed_in: &'a SignedIn,
    record: &'a Record,
    /// No key with a lower ID is ours.
    lowest: Option<i64>,
    /// The highest ID that was seen: keys above it are new.
    highest: Option<i64>,
    /// Only the twins of this key are searched for.
    twin: Option<&'a ApiKey>,
}

/// The result of one search.
pub(super) struct LookupResult {
    pub(super) verdict: Verdict,
    /// A key has exactly the name, whosever it is.
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

    /// Restricts the search to twins of this key. Copies of it are left out.
    pub(super) fn twins_of(mut self, key: Option<&'a ApiKey>) -> Self {
        self.twin = key;
        self
    }

    /// Searches once. IDs rise, so only keys above those that existed before are read. Unless the search is `whole`, only keys
    /// that were added since the last search are read.
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

    /// Adds keys that may be ours under another name.
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

/// Returns when the operation began by the manager's clock, or somewhat earlier.
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
    // An operation does not begin after its request. If the wall clock shows that, the clock was set back in between; the
    // monotonic clock is right.
    let asked = signed_in.time().timestamp_millis().saturating_sub(age);
    match began > asked {
        true => asked.saturating_sub(LONGEST),
        false => began,
    }
}

//! Looking for the key that an operation made: by its name first, which is one request, and then by its mark among all keys that it may be.

use chrono::TimeDelta;

use super::ownership::{Verdict, is_twin_of_answer, judge};
use crate::journal::Record;
use crate::manager::{ApiKey, ManagerError, SignedIn};

/// The clocks of two machines differ by so much, though one is reckoned with the other's, in milliseconds.
const SLACK: i64 = 60 * 1000;

/// So long at most is asked for one key, in milliseconds.
const LONGEST: i64 = 10 * 60 * 1000;

/// So many keys at most are made by others between the two copies of a request.
const NEIGHBOURS: i64 = 1000;

/// Looks for the key of one operation.
pub(super) struct Lookup<'a> {
    signed_in: &'a SignedIn,
    record: &'a Record,
    /// No key with a lower ID is ours.
    lowest: Option<i64>,
    /// Every ID that was seen: keys above it are new.
    highest: Option<i64>,
    /// Only what one request made together with this key is looked for.
    twin: Option<&'a ApiKey>,
}

/// What a look shows.
pub(super) struct Seen {
    pub(super) verdict: Verdict,
    /// A key bears the very name, whosever it is.
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

    /// Looks for what was made at the same moment as this key, and has an ID close to it.
    pub(super) fn beside(mut self, id: i64) -> Self {
        self.lowest = Some(id.saturating_sub(NEIGHBOURS));
        self
    }

    /// Looks for twins of this key alone, and not for copies that somebody made of it.
    pub(super) fn twins_of(mut self, key: Option<&'a ApiKey>) -> Self {
        self.twin = key;
        self
    }

    /// Looks once. IDs rise, so of all keys only those above the ones that were there before are looked at, and of these, unless it is to be a
    /// `whole` look, only those that came since the last one.
    ///
    /// # Errors
    /// Of the manager.
    pub(super) async fn look(&mut self, whole: bool) -> Result<Seen, ManagerError> {
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
        Ok(Seen {
            verdict,
            name_is_taken,
        })
    }

    fn may_be_twin(&self, key: &ApiKey) -> bool {
        self.twin.is_none_or(|twin| is_twin_of_answer(twin, key))
    }

    /// Adds what may be ours under another name.
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

/// When the operation began by the manager's clock, or somewhat before.
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
    // No operation begins after it asked: if the wall clock has it so, that was put back since then. The boot's clock is right.
    let asked = signed_in.time().timestamp_millis().saturating_sub(age);
    match began > asked {
        true => asked.saturating_sub(LONGEST),
        false => began,
    }
}

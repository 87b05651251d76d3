//! What is remembered of the sign-ins to one manager: when they were refused and why, and which codes were sent.

use serde::{Deserialize, Serialize};

use crate::manager::SignInRefusal;

/// For how long it counts, and how close together refusals are that stop a run.
pub(crate) const WINDOW: i64 = 15 * 60 * 1000;
/// More are not kept, whoever forces them.
const KEPT: usize = 16;

/// Why a sign-in was refused, in words. The manager's own are not kept: they may hold names.
pub(crate) fn words(why: SignInRefusal) -> &'static str {
    match why {
        SignInRefusal::Locked => "the account was locked",
        SignInRefusal::Code => "the code of the second factor was wrong or missing",
        SignInRefusal::PasswordExpired => "the password had expired",
        SignInRefusal::Credentials => "the user name or the password was wrong",
        SignInRefusal::Unclear => "the manager named no known cause",
    }
}

/// What is remembered of one manager, tenant and user.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SignInRecord {
    /// When sign-ins were refused, in milliseconds since 1970 by this machine's clock, the last one last.
    pub(crate) refused: Vec<i64>,
    /// Why the last one was; none in a record of an older version.
    pub(crate) why: Option<SignInRefusal>,
    /// The codes that were sent.
    pub(crate) codes: Vec<SentCode>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SentCode {
    /// A keyed hash of it.
    pub(crate) print: String,
    pub(crate) sent: i64,
}

impl SignInRecord {
    /// Forgets what does not count any more. A clock may have jumped back since: what is far in the future was never true, and would
    /// stop runs for as long as it lies ahead.
    pub(crate) fn forget_old(&mut self, now: i64) {
        let counts = |time: i64| now.saturating_sub(time).saturating_abs() < WINDOW;
        if !self.refused.last().is_some_and(|last| counts(*last)) {
            self.refused.clear();
            self.why = None;
        }
        if let Some(last) = self.refused.last().copied() {
            (self.refused).retain(|time| last.saturating_sub(*time).saturating_abs() < WINDOW);
        }
        self.codes.retain(|code| counts(code.sent));
        self.refused
            .drain(..self.refused.len().saturating_sub(KEPT));
        self.codes.drain(..self.codes.len().saturating_sub(KEPT));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.refused.is_empty() && self.codes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;
    const MINUTE: i64 = 60 * 1000;

    /// The refusals that count of those so many minutes from now.
    fn refused(minutes: &[i64]) -> Vec<i64> {
        let mut record = SignInRecord {
            refused: minutes.iter().map(|one| NOW + one * MINUTE).collect(),
            ..SignInRecord::default()
        };
        record.forget_old(NOW);
        let ago = |time: &i64| (time - NOW) / MINUTE;
        record.refused.iter().map(ago).collect()
    }

    #[test]
    fn refusals_count_for_fifteen_minutes_from_the_last_and_when_they_are_close_together() {
        assert_eq!(refused(&[-14, -1]), [-14, -1]);
        assert_eq!(refused(&[-20, -10]), [-20, -10]);
        assert_eq!(refused(&[-20, -4]), [-4]);
        assert!(refused(&[-16, -15]).is_empty());
        assert!(refused(&[]).is_empty());
    }

    #[test]
    fn a_clock_that_jumped_back_stops_nobody_for_long() {
        assert_eq!(refused(&[3, 4]), [3, 4]);
        assert!(refused(&[15, 16]).is_empty());
        assert!(refused(&[600_000, 600_001]).is_empty());
        assert_eq!(refused(&[600_000, -1]), [-1]);
        let mut record = SignInRecord {
            refused: vec![i64::MIN, i64::MAX],
            ..SignInRecord::default()
        };
        record.forget_old(NOW);
        assert!(record.is_empty());
    }

    #[test]
    fn a_record_of_another_version_is_read() {
        let read = |text: &str| serde_json::from_str::<SignInRecord>(text).ok();
        let older = read(r#"{"refused":[1],"codes":[]}"#).unwrap_or_default();
        assert_eq!((older.refused, older.why), (vec![1], None));
        let newer = read(r#"{"refused":[1],"why":"new-cause"}"#).unwrap_or_default();
        assert_eq!(newer.why, Some(SignInRefusal::Unclear));
        let same = read(r#"{"refused":[1],"why":"password-expired"}"#).unwrap_or_default();
        assert_eq!(same.why, Some(SignInRefusal::PasswordExpired));
    }
}

//! The sign-in record of one account: its rejected sign-ins, and the MFA codes that were sent for it.

use serde::{Deserialize, Serialize};

use crate::manager::SignInRefusal;

/// 15 minutes, in milliseconds. A sign-in record stores an MFA code and the last rejection for 15 minutes. The earlier rejections are removed
/// together with the last rejection. An earlier rejection is removed sooner if it is at least 15 minutes older than the last rejection.
pub(crate) const WINDOW: i64 = 15 * 60 * 1000;
/// The maximum number of rejections in a sign-in record. It is also the maximum number of MFA codes. The oldest entries are removed first.
const MAX_ENTRIES: usize = 16;

/// Returns a description of why a sign-in was rejected. The manager's message is not stored, because it may contain user names.
pub(crate) fn words(why: SignInRefusal) -> &'static str {
    match why {
        SignInRefusal::Locked => "the account was locked",
        SignInRefusal::Code => "the MFA code was wrong or missing",
        SignInRefusal::PasswordExpired => "the password had expired",
        SignInRefusal::Credentials => "the user name or the password was wrong",
        SignInRefusal::Unclear => "the cause is unknown",
    }
}

/// The sign-in record for one manager, tenant and user.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SignInRecord {
    /// The times of the rejections, oldest first, in milliseconds since the Unix epoch by this machine's clock.
    pub(crate) refused: Vec<i64>,
    /// The cause of the last rejection. `None` in records that an older version wrote.
    pub(crate) why: Option<SignInRefusal>,
    /// The MFA codes that were sent.
    pub(crate) codes: Vec<SentCode>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SentCode {
    /// The keyed hash of the MFA code.
    #[serde(rename = "print")]
    pub(crate) fingerprint: String,
    pub(crate) sent: i64,
}

impl SignInRecord {
    /// Removes old entries. Also removes entries whose time is far in the future, because they could pause sign-ins for too long. They exist if the
    /// clock was set back.
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
            .drain(..self.refused.len().saturating_sub(MAX_ENTRIES));
        self.codes
            .drain(..self.codes.len().saturating_sub(MAX_ENTRIES));
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

    /// Returns the rejections that still count. Times are in minutes relative to now.
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
    fn rejections_count_for_fifteen_minutes_after_the_last_one() {
        assert_eq!(refused(&[-14, -1]), [-14, -1]);
        assert_eq!(refused(&[-20, -10]), [-20, -10]);
        assert_eq!(refused(&[-20, -4]), [-4]);
        assert!(refused(&[-16, -15]).is_empty());
        assert!(refused(&[]).is_empty());
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_pause_sign_ins_for_long() {
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
    fn a_record_of_a_different_version_is_read() {
        let read = |text: &str| serde_json::from_str::<SignInRecord>(text).ok();
        let older = read(r#"{"refused":[1],"codes":[]}"#).unwrap_or_default();
        assert_eq!((older.refused, older.why), (vec![1], None));
        let newer = read(r#"{"refused":[1],"why":"new-cause"}"#).unwrap_or_default();
        assert_eq!(newer.why, Some(SignInRefusal::Unclear));
        let same = read(r#"{"refused":[1],"why":"password-expired"}"#).unwrap_or_default();
        assert_eq!(same.why, Some(SignInRefusal::PasswordExpired));
    }
}

//! The clock of the manager. It is the clock of this machine plus an offset.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A time in milliseconds since the Unix epoch, as in the manager's API.
pub(crate) type Millis = i64;

/// A clock that differs from this machine's clock by an offset.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    offset: Millis,
}

impl Clock {
    pub(crate) fn skewed(seconds: i64) -> Clock {
        Clock {
            offset: seconds.saturating_mul(1000),
        }
    }

    pub(crate) fn advance(&mut self, time: Duration) {
        self.offset = self.offset.saturating_add(millis(time));
    }

    pub(crate) fn now(self) -> Millis {
        let real = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        millis(real).saturating_add(self.offset)
    }

    /// Returns the current time in the format of the header `Date`.
    pub(crate) fn date(self) -> String {
        http_date(self.now())
    }
}

/// Returns a duration in milliseconds. A longer duration than [`Millis::MAX`] becomes [`Millis::MAX`].
pub(crate) fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}

/// Formats a time for an HTTP header.
pub(crate) fn http_date(time: Millis) -> String {
    // The year is limited to the range from 1970 to 9999, because the format supports no other years.
    const LAST: Millis = 253_402_300_799_000;
    let since = Duration::from_millis(u64::try_from(time.min(LAST)).unwrap_or(0));
    httpdate::fmt_http_date(UNIX_EPOCH + since)
}

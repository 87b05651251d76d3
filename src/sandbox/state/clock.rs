//! The manager's clock: this machine's, ahead or behind by the skew that was chosen, and moved on by tests.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since the epoch, as the manager counts time.
pub(crate) type Millis = i64;

/// A clock that can be wrong.
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

    /// Now as the header Date has it.
    pub(crate) fn date(self) -> String {
        http_date(self.now())
    }
}

/// A duration in milliseconds; what does not fit is the longest that does.
pub(crate) fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}

/// A point in time as HTTP writes it.
pub(crate) fn http_date(time: Millis) -> String {
    // The form has four digits for the year, and starts with the epoch.
    const LAST: Millis = 253_402_300_799_000;
    let since = Duration::from_millis(u64::try_from(time.min(LAST)).unwrap_or(0));
    httpdate::fmt_http_date(UNIX_EPOCH + since)
}

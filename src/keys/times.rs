//! How the times of keys are displayed.

use chrono::{DateTime, Utc};

use crate::expiry::{format_date, format_time, length};
use crate::terminal::output::TableLayout;
use crate::text::rfc3339;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// The period of relative times, in milliseconds. A time within this period is displayed as `in 3 days` or `3 days ago`. Any other time is
/// displayed as a date. A key that expires within this period is marked in the table.
pub(crate) const SOON: i64 = 14 * DAY;

/// Returns a time for a table on a terminal. A time near `now` is returned as `in 3 days` or `3 days ago`, any other time as its date in
/// UTC.
pub(crate) fn relative(milliseconds: i64, now: DateTime<Utc>) -> String {
    let ahead = milliseconds.saturating_sub(now.timestamp_millis());
    if ahead.saturating_abs() > SOON {
        return format_date(milliseconds);
    }
    from_now(ahead)
}

/// Formats a number of milliseconds as a relative time, such as `in 3 days`. A negative number is a past time, such as `3 days ago`.
fn from_now(ahead: i64) -> String {
    let distance = ahead.saturating_abs();
    match length(distance).filter(|_| distance >= MINUTE) {
        None => "now".to_owned(),
        Some(length) if ahead > 0 => format!("in {length}"),
        Some(length) => format!("{length} ago"),
    }
}

/// Returns a time for the details of a key: on a terminal as `2026-11-18 11:06 UTC (in 3 days)`, and in a pipe in the form of RFC 3339. Returns the
/// text `absent` if there is no time.
pub(crate) fn detailed(
    time: Option<i64>,
    absent: &str,
    now: DateTime<Utc>,
    layout: TableLayout,
) -> String {
    match (time, layout) {
        (None, _) => absent.to_owned(),
        (Some(time), TableLayout::Terminal { .. }) => {
            let ahead = time.saturating_sub(now.timestamp_millis());
            format!("{} ({})", format_time(time), from_now(ahead))
        }
        (Some(time), _) => exact(time),
    }
}

/// Returns a time in the form of RFC 3339, in UTC. A time outside the years 0 to 9999 is returned as a number of milliseconds.
pub(crate) fn exact(milliseconds: i64) -> String {
    rfc3339(milliseconds).unwrap_or_else(|| milliseconds.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 60 * MINUTE;

    #[test]
    fn a_near_time_is_relative_and_a_far_time_is_a_date() {
        let now = DateTime::from_timestamp_millis(1_795_000_000_000).unwrap_or_default();
        for (ahead, expected) in [
            (0, "now"),
            (-59_999, "now"),
            (59_999, "now"),
            (MINUTE, "in 1 minute"),
            (-MINUTE, "1 minute ago"),
            (59 * MINUTE, "in 59 minutes"),
            (2 * HOUR, "in 2 hours"),
            (-23 * HOUR, "23 hours ago"),
            (2 * DAY - MINUTE, "in 47 hours"),
            (-3 * DAY, "3 days ago"),
            (SOON, "in 14 days"),
            (SOON + 1, "2026-12-02"),
            (-SOON - DAY, "2026-11-03"),
            (i64::MAX, "9223372036854775807 ms since the Unix epoch"),
        ] {
            let time = now.timestamp_millis().saturating_add(ahead);
            assert_eq!(relative(time, now), expected, "{ahead}");
        }
    }

    #[test]
    fn an_exact_time_is_rfc_3339_if_it_can_be() {
        assert_eq!(exact(1_795_000_000_000), "2026-11-18T11:06:40Z");
        assert_eq!(exact(1_795_000_000_001), "2026-11-18T11:06:40Z");
        assert_eq!(rfc3339(i64::MAX), None);
        assert_eq!(rfc3339(253_402_300_800_000), None);
    }
}

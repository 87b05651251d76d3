//! Formats times and expiries for display.

use chrono::DateTime;

/// Formats the date of a time in milliseconds since the Unix epoch, in UTC.
pub(crate) fn format_date(milliseconds: i64) -> String {
    DateTime::from_timestamp_millis(milliseconds).map_or_else(
        || format_time(milliseconds),
        |time| time.format("%Y-%m-%d").to_string(),
    )
}

/// Formats the time until an expiry, such as `in 90 days`.
pub(crate) fn time_left(milliseconds: i64) -> String {
    match length(milliseconds) {
        Some(length) => format!("in {length}"),
        None => "in less than a minute".to_owned(),
    }
}

/// Formats a duration as minutes (below 2 hours), hours (below 2 days) or days, such as `90 days`. Returns `None` if it rounds to 0 minutes.
pub(crate) fn length(milliseconds: i64) -> Option<String> {
    let minutes = milliseconds.saturating_add(30_000) / 60_000;
    match minutes {
        ..=0 => None,
        1 => Some("1 minute".to_owned()),
        2..120 => Some(format!("{minutes} minutes")),
        120..2880 => Some(format!("{} hours", minutes / 60)),
        _ => Some(format!("{} days", minutes / 1440)),
    }
}

/// Formats a time in milliseconds since the Unix epoch for display.
pub(crate) fn format_time(milliseconds: i64) -> String {
    DateTime::from_timestamp_millis(milliseconds).map_or_else(
        || format!("{milliseconds} ms since the Unix epoch"),
        |time| time.format("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

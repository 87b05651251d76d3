//! Formats times and expiries for display.

use chrono::DateTime;

/// Formats the date of a time in milliseconds since the Unix epoch, in UTC.
pub(crate) fn format_date(milliseconds: i64) -> String {
    DateTime::from_timestamp_millis(milliseconds).map_or_else(
        || format_time(milliseconds),
        |time| time.format("%Y-%m-%d").to_string(),
    )
}

/// Formats the time until an expiry as minutes (below 2 hours), hours (below 2 days) or days, such as `in 90 days`.
pub(crate) fn time_left(milliseconds: i64) -> String {
    let minutes = milliseconds.saturating_add(30_000) / 60_000;
    match minutes {
        ..=0 => "in less than a minute".to_owned(),
        1 => "in 1 minute".to_owned(),
        2..120 => format!("in {minutes} minutes"),
        120..2880 => format!("in {} hours", minutes / 60),
        _ => format!("in {} days", minutes / 1440),
    }
}

/// Formats a time in milliseconds since the Unix epoch for display.
pub(crate) fn format_time(milliseconds: i64) -> String {
    DateTime::from_timestamp_millis(milliseconds).map_or_else(
        || format!("{milliseconds} ms since the Unix epoch"),
        |time| time.format("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

//! Helpers for text.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat};

/// Returns the first `limit` characters of `text`, followed by `...` if there are more.
pub(crate) fn shorten(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}...", &text[..end]).into(),
        None => text.into(),
    }
}

/// Returns a time in the form of RFC 3339, in UTC and in whole seconds, because `fromdate` of jq accepts no fractions. `None` if the time is
/// outside the years 0 to 9999.
pub(crate) fn rfc3339(milliseconds: i64) -> Option<String> {
    let time = DateTime::from_timestamp_millis(milliseconds)?;
    let text = time.to_rfc3339_opts(SecondsFormat::Secs, true);
    text.starts_with(|first: char| first.is_ascii_digit())
        .then_some(text)
}

//! Dates in HTTP headers.

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, HeaderName};

/// Returns the date in a header. Only the one format that senders may still use is accepted (RFC 9110, section 5.6.7).
pub(crate) fn date(headers: &HeaderMap, name: &HeaderName) -> Option<DateTime<Utc>> {
    let text = headers.get(name)?.to_str().ok()?;
    DateTime::parse_from_rfc2822(text.trim())
        .ok()
        .map(|date| date.to_utc())
}

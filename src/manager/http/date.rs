//! Dates in HTTP headers.

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, HeaderName};

/// Returns the date in a header. The only accepted format is `Sun, 06 Nov 1994 08:49:37 GMT`, which senders must use (RFC 9110, section 5.6.7).
pub(crate) fn date(headers: &HeaderMap, name: &HeaderName) -> Option<DateTime<Utc>> {
    let text = headers.get(name)?.to_str().ok()?;
    DateTime::parse_from_rfc2822(text.trim())
        .ok()
        .map(|date| date.to_utc())
}

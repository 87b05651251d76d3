//! Helpers for text.

use std::borrow::Cow;

/// Returns the first `limit` characters of `text`, followed by `...` if there are more.
pub(crate) fn shorten(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}...", &text[..end]).into(),
        None => text.into(),
    }
}

//! Finds operation IDs in keys. A run adds the marker `[swp-keys OPERATION]` to its key's description. A default key name also contains the operation
//! ID.

use crate::manager::ApiKey;

/// Returns the marker that an operation adds to its key's description.
pub(crate) fn mark(operation: &str) -> String {
    format!("{MARK}{operation}]")
}

const MARK: &str = "[swp-keys ";

/// Returns the operation ID at the end of a default key name. For example, returns `1a2b3c4d` for `auditor-20270131t120000z-1a2b3c4d`. Returns `None`
/// for any other name.
pub(super) fn default_name_of(name: &str) -> Option<&str> {
    let (rest, operation) = name.rsplit_once('-')?;
    let (_, time) = rest.rsplit_once('-')?;
    let is_time = time.len() == 16
        && time.bytes().enumerate().all(|(place, byte)| match place {
            8 => byte == b't',
            15 => byte == b'z',
            _ => byte.is_ascii_digit(),
        });
    (is_time && is_operation(operation)).then_some(operation)
}

fn is_operation(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns the complete markers `[swp-keys OPERATION]` in `text`. A marker may have more words after the operation ID.
pub(crate) fn markers(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(MARK).filter_map(|(start, _)| {
        let (words, _) = text[start + MARK.len()..].split_once(']')?;
        let operation = words.split(' ').next()?;
        let end = start + MARK.len() + words.len() + 1;
        is_operation(operation).then(|| &text[start..end])
    })
}

/// A marker that was found in a description. The manager may have altered its spaces, brackets or case.
pub(super) struct FoundMark<'a> {
    pub(super) operation: &'a str,
    start: usize,
    end: usize,
}

/// Returns the markers in `text`, which must be lower case.
pub(super) fn found_marks(text: &str) -> impl Iterator<Item = FoundMark<'_>> {
    const NAME: &str = "swp-keys";
    text.match_indices(NAME).filter_map(|(place, _)| {
        let rest = &text[place + NAME.len()..];
        let digits = rest.trim_start_matches([' ', '[', '(', '{']);
        let operation = digits.get(..8).filter(|digits| is_operation(digits))?;
        let behind = &digits[8..];
        if behind.starts_with(|next: char| next.is_ascii_alphanumeric()) {
            return None;
        }
        let bracketed = text[..place].ends_with('[');
        let start = place - usize::from(bracketed);
        let more = if bracketed { more_words(behind) } else { 0 };
        let end = text.len() - behind.len() + more;
        Some(FoundMark {
            operation,
            start,
            end,
        })
    })
}

/// Returns the length of the rest of a marker: the words after the operation ID, and the closing bracket. Returns 0 if it has none.
fn more_words(behind: &str) -> usize {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-');
    match behind.split_once(']') {
        Some((words, _)) if words.bytes().all(is_word) => words.len() + 1,
        _ => 0,
    }
}

/// Returns the operation ID of the last marker in the key's description. If there is no marker, returns the operation ID in the key's
/// default name.
pub(super) fn last_mark(key: &ApiKey) -> Option<String> {
    let description = key.description().unwrap_or_default().to_ascii_lowercase();
    let name = key.name().unwrap_or_default().to_ascii_lowercase();
    let last = found_marks(&description).map(|mark| mark.operation).last();
    last.or_else(|| default_name_of(&name)).map(str::to_owned)
}

/// Returns `text` without the markers `[swp-keys OPERATION]` and the spaces before them.
pub(crate) fn without_marks(text: &str) -> String {
    // Byte positions in the lower-case copy are also valid in `text`, because `to_ascii_lowercase` does not change the length.
    let lower = text.to_ascii_lowercase();
    let (mut rest, mut last) = (String::new(), 0);
    for mark in found_marks(&lower) {
        rest.push_str(text[last..mark.start].trim_end());
        last = mark.end;
    }
    rest.push_str(&text[last..]);
    rest
}

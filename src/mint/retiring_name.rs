//! The name that a rotation gives to the old key. It consists of the key's original name and its expiry.

use chrono::DateTime;

use super::likeness::{folded, is_like};
use crate::manager::ApiKey;

const RETIRING: &str = " (retiring ";

/// Returns the new name of a replaced key that expires at `end`, such as `ci (retiring 2027-01-31T18:00Z)`.
pub(crate) fn retiring_name(name: &str, end: i64) -> String {
    let end = DateTime::from_timestamp_millis(end).unwrap_or_default();
    format!("{name}{RETIRING}{})", end.format("%Y-%m-%dT%H:%MZ"))
}

/// Returns the name that the key had before a rotation renamed it. If no rotation renamed the key, returns `name`.
pub(crate) fn original_name(name: &str) -> &str {
    split_retiring(name).map_or(name, |(original, _)| original)
}

/// Returns the expiry in the name of a key that a rotation renamed, in milliseconds since the Unix epoch.
pub(crate) fn retiring_end(name: &str) -> Option<i64> {
    split_retiring(name).map(|(_, end)| end)
}

/// Returns true if the key's name shows that a rotation has replaced the key.
pub(crate) fn is_retiring(key: &ApiKey) -> bool {
    key.name()
        .is_some_and(|name| split_retiring(name).is_some())
}

/// Returns true if a rotation renamed the key, so that the key's successor can have the name `name`.
pub(crate) fn made_way_for(key: &ApiKey, name: &str) -> bool {
    let now = key.name().unwrap_or_default();
    now != name
        && split_retiring(now)
            .is_some_and(|(original, _)| original == name || folded(original) == folded(name))
}

/// Returns true if the key's name is `name`, followed by the key's expiry as in `ci (retiring 2026-11-24T09:00Z)`. A complete rotation gives such a
/// name to the old key.
pub(super) fn is_named_by_expiry(key: &ApiKey, name: &str) -> bool {
    let now = key.name().unwrap_or_default();
    (key.expiry_date()).is_some_and(|end| is_like(&retiring_name(name, end), now))
}

/// Returns the name that the key had before a rotation renamed it to `name`, and the expiry in `name`. Returns `None` if no rotation renamed the key.
/// The manager may have altered the spaces, the brackets or the case of `name`.
fn split_retiring(name: &str) -> Option<(&str, i64)> {
    const WORD: &str = "retiring";
    // Byte positions in the lower-case copy are also valid in `name`, because `to_ascii_lowercase` does not change the length.
    let place = name.to_ascii_lowercase().rfind(WORD)?;
    let original = name[..place].trim_end_matches([' ', '(']);
    let end = name[place + WORD.len()..]
        .trim_start()
        .trim_end_matches(')')
        .to_ascii_uppercase();
    let end = chrono::NaiveDateTime::parse_from_str(&end, "%Y-%m-%dT%H:%MZ").ok()?;
    (!original.is_empty()).then_some((original, end.and_utc().timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_original_name_is_recovered() {
        let end = 1_795_510_800_000;
        for name in [
            "ci",
            "ci (retiring soon)",
            "監査 (retiring )",
            "a (retiring 2026-11-24T09:00Z) b",
        ] {
            let given = retiring_name(name, end);
            assert_eq!(original_name(&given), name);
            assert_eq!(original_name(name), name);
            for altered in [
                given.to_uppercase(),
                given.to_lowercase(),
                given.replace(' ', ""),
                given.replace(['(', ')'], ""),
            ] {
                let original = original_name(&altered);
                assert_eq!(folded(original), folded(name), "{altered}");
                assert_ne!(original, altered);
            }
        }
        assert_eq!(retiring_name("ci", end), "ci (retiring 2026-11-24T09:00Z)");
        assert_eq!(
            original_name(" (retiring 2026-11-24T09:00Z)"),
            " (retiring 2026-11-24T09:00Z)"
        );
    }
}

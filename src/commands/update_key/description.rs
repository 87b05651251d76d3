//! The new description of a key, which may contain the marker of the run that created the key.
//!
//! The marker is the text `[swp-keys ...]` with the operation ID of that run (`mint::ownership`). If the response to the creation was lost, that run
//! finds its key by the marker, even if another key has the same name. The new description therefore keeps the marker of the old description, unless
//! `--no-mark` is set.

use crate::error::Error;
use crate::mint::{mark, markers};

/// Returns the description to set, or `None` if the description does not change.
///
/// # Errors
/// Returns a usage error if the new text contains a marker `[swp-keys ...]` that the current description does not have.
pub(super) fn compose(
    requested: Option<&str>,
    no_mark: bool,
    current: &str,
) -> Result<Option<String>, Error> {
    let own: Vec<&str> = markers(current).collect();
    if requested.is_some_and(|text| markers(text).any(|operation| !own.contains(&operation))) {
        return Err(Error::usage(
            "`--description` contains a marker `[swp-keys ...]` of a run that did not create this key",
            "remove the marker `[swp-keys ...]` from `--description`",
        ));
    }
    let text = match requested {
        Some(text) => text,
        None if no_mark => current,
        None => return Ok(None),
    };
    let mut parts = vec![without_markers(text, &own)];
    if !no_mark {
        parts.extend(own.iter().map(|operation| mark(operation)));
    }
    parts.retain(|part| !part.is_empty());
    Ok(Some(parts.join(" ")))
}

/// Returns `text` without the marker `[swp-keys OPERATION]` of each operation in `operations`. The space before a marker is also removed.
fn without_markers(text: &str, operations: &[&str]) -> String {
    operations.iter().fold(text.to_owned(), |text, operation| {
        let mark = mark(operation);
        text.replace(&format!(" {mark}"), "").replace(&mark, "")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "[swp-keys 1a2b3c4d]";

    #[test]
    fn the_marker_stays_at_the_end() {
        let marked = format!("for CI {MARK}");
        for (requested, no_mark, current, expected) in [
            (None, false, "for CI", None),
            (Some("new"), false, "for CI", Some("new".to_owned())),
            (Some("new"), false, &*marked, Some(format!("new {MARK}"))),
            (Some("new"), false, MARK, Some(format!("new {MARK}"))),
            (Some(""), false, &marked, Some(MARK.to_owned())),
            (Some(" a  b "), false, "", Some(" a  b ".to_owned())),
            (Some(&*marked), false, &marked, Some(marked.clone())),
            (Some("new"), true, &marked, Some("new".to_owned())),
            (None, true, &marked, Some("for CI".to_owned())),
            (None, true, MARK, Some(String::new())),
            (None, true, "for CI", Some("for CI".to_owned())),
        ] {
            let result = compose(requested, no_mark, current).ok();
            assert_eq!(result, Some(expected), "{requested:?} {no_mark} {current}");
        }
        assert!(compose(Some("x [swp-keys 99999999]"), false, &marked).is_err());
    }
}

//! A new description for a key that may bear the mark of the run that made it.
//!
//! The mark proves whose key it is: a run of the same name that lost its answer tells by it that the key is another's, and touches it
//! not (`mint/ownership.rs`). So it stays unless the user wants it gone.

use crate::error::Error;
use crate::mint::{mark, markers};

/// The description to set, or none where nothing was said about it.
///
/// # Errors
/// Where the new text bears a mark that the key does not.
pub(super) fn composed(
    asked: Option<&str>,
    no_mark: bool,
    current: &str,
) -> Result<Option<String>, Error> {
    let own: Vec<&str> = markers(current).collect();
    if asked.is_some_and(|text| markers(text).any(|operation| !own.contains(&operation))) {
        return Err(Error::usage(
            "`--description` holds the mark of a run that did not make this key",
            "leave it out; the key keeps the mark that it has",
        ));
    }
    let text = match asked {
        Some(text) => text,
        None if no_mark => current,
        None => return Ok(None),
    };
    let mut parts = vec![without(text, &own)];
    if !no_mark {
        parts.extend(own.iter().map(|operation| mark(operation)));
    }
    parts.retain(|part| !part.is_empty());
    Ok(Some(parts.join(" ")))
}

/// The text without these marks, and without the blank that stood before each. A text without marks is kept to the letter.
fn without(text: &str, operations: &[&str]) -> String {
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
    fn the_mark_stays_at_the_end() {
        let marked = format!("for CI {MARK}");
        for (asked, no_mark, current, expected) in [
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
            let composed = composed(asked, no_mark, current).ok();
            assert_eq!(composed, Some(expected), "{asked:?} {no_mark} {current}");
        }
        assert!(composed(Some("x [swp-keys 99999999]"), false, &marked).is_err());
    }
}

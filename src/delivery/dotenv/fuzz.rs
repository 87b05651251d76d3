//! Fuzzes the editor of dotenv files with any file and any secret.

use super::editor::{check, set};
use crate::fuzz_support::is_short;

const NAME: &str = "SWP_API_KEY";

/// The target of [`crate::fuzzing::dotenv`].
pub(crate) fn dotenv(data: &[u8]) {
    let cut = data.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (value, content) = (&data[..cut], data.get(cut + 1..).unwrap_or_default());
    let Ok(value) = str::from_utf8(value) else {
        return;
    };
    let checked = check(content, NAME);
    if let Err(refused) = &checked {
        is_short(refused);
    }
    // `check` runs before a key is created, so it must predict the result of `set`. Values that need quotes are excluded, because their
    // quotes may close a quote in the file.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:+=@%,-".contains(&byte);
    let edit = set(content, NAME, value);
    assert!(edit.is_ok() == checked.is_ok() || !value.bytes().all(plain));
    match edit {
        Ok(edited) => is_edited(content, &edited, value),
        Err(refused) => {
            is_short(&refused);
            // A value may by chance be a part of the message, for example of the name. If so, a different value causes the same message.
            let other_message = set(content, NAME, "<another value>").err();
            let quotes = value.len() >= 8 && !NAME.contains(value) && refused.contains(value);
            assert!(
                !quotes || other_message.as_ref() == Some(&refused),
                "{refused}"
            );
        }
    }
}

fn is_edited(content: &[u8], edited: &[u8], value: &str) {
    let again = set(edited, NAME, value).expect("an edited file can be edited again");
    assert_eq!(&*again, edited, "a second edit changes nothing");
    // Everything except the new assignment is unchanged.
    let before = content
        .iter()
        .zip(edited)
        .take_while(|(one, other)| one == other)
        .count();
    let behind = |bytes: &[u8]| bytes.iter().rev().copied().collect::<Vec<u8>>();
    let after = (behind(&content[before..]).iter())
        .zip(behind(&edited[before..]))
        .take_while(|(one, other)| **one == *other)
        .count();
    let new = &edited[before..edited.len() - after];
    let whole = format!("\r\n{NAME}='{value}'\r\n");
    assert!(
        new.len() <= whole.len(),
        "{:?}",
        String::from_utf8_lossy(new)
    );
    let text = String::from_utf8_lossy(edited);
    assert!(
        text.contains(&format!("{NAME}={value}")) || text.contains(&format!("{NAME}='{value}'"))
    );
}

//! The editor of dotenv files, given any file and any secret.

use super::editor::{check, set};
use crate::fuzz_support::is_short;

const NAME: &str = "SWP_API_KEY";

/// See [`crate::fuzzing::dotenv`].
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
    // What is found out only when there is a secret costs a key. Other values stand in quotes, which may close what is open.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:+=@%,-".contains(&byte);
    let edit = set(content, NAME, value);
    assert!(edit.is_ok() == checked.is_ok() || !value.bytes().all(plain));
    match edit {
        Ok(edited) => is_edited(content, &edited, value),
        Err(refused) => {
            is_short(&refused);
            // A value may happen to be words of ours; then the same is said of another.
            let of_another = set(content, NAME, "<another value>").err();
            let quotes = value.len() >= 8 && refused.contains(value);
            assert!(
                !quotes || of_another.as_ref() == Some(&refused),
                "{refused}"
            );
        }
    }
}

fn is_edited(content: &[u8], edited: &[u8], value: &str) {
    let again = set(edited, NAME, value).expect("what was edited can be edited");
    assert_eq!(&*again, edited, "twice is once");
    // Whatever is not the value stood there before.
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

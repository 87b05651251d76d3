//! Pins in messages.

/// Returns the first pin in a message that is not `given`.
#[track_caller]
pub(crate) fn other_pin(message: &str, given: &str) -> String {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == ':';
    (message.split(|character| !is_part(character)))
        .find(|word| word.starts_with("sha256:") && *word != given)
        .unwrap_or_else(|| panic!("no other pin in: {message}"))
        .to_owned()
}

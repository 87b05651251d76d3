//! Checks that the fuzz entry points of several modules share. This module imports no other module.

/// A secret that fuzz inputs contain and that no message may repeat.
pub(crate) const SECRET: &str = "hunter2";

/// The upper limit for the length of a message, in characters: about twelve lines of a terminal.
pub(crate) const LONGEST: usize = 1000;

/// Asserts that a message is shorter than [`LONGEST`].
pub(crate) fn is_short(message: &str) {
    assert!(message.chars().count() < LONGEST, "{message}");
}

/// Asserts that a message contains the number of a line in `text` and a reason, and does not contain [`SECRET`].
pub(crate) fn names_line_without_values(text: &str, message: &str) {
    is_short(message);
    let line = message
        .strip_prefix("line ")
        .and_then(|rest| rest.split_once(": "));
    let (line, reason) = line.expect("the message names the line");
    let line: usize = line.parse().expect("a number");
    assert!(
        (1..=text.matches('\n').count() + 1).contains(&line),
        "{message}"
    );
    assert!(!reason.is_empty());
    assert!(!message.contains(SECRET), "{message}");
}

//! Wraps the text of a question.

use crate::terminal::output::without_leading_command;

/// Wraps a sentence into lines, between words. All lines except the first are indented, so that a name in the sentence cannot look like a
/// new line of the question.
pub(crate) fn filled(text: &str, columns: usize) -> String {
    let mut lines = String::with_capacity(text.len());
    let mut width = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > columns {
            lines.push_str("\n    ");
            lines.push_str(&without_leading_command(word));
            width = 4 + length;
            continue;
        }
        if width > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += length;
    }
    lines
}

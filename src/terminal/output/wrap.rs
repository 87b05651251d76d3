//! Wraps sentences to the width of a terminal.

use unicode_width::UnicodeWidthStr as _;

use super::escape::without_leading_command;

/// The number of spaces at the beginning of each line except the first.
const INDENT: usize = 4;

/// Wraps a sentence into lines, between words. A command in backticks stays on one line if it fits on one line. All lines except the first are
/// indented, so that each message is visibly one paragraph.
pub(crate) fn filled(text: &str, columns: usize) -> String {
    let mut lines = String::with_capacity(text.len());
    let (mut width, mut rest) = (0, Some(text));
    while let Some(text) = rest {
        let end = end_of_word(text, columns.saturating_sub(INDENT));
        let word = &text[..end];
        rest = text.get(end + 1..);
        let length = word.width();
        if width > 0 && width + 1 + length > columns {
            lines.push_str("\n    ");
            lines.push_str(&without_leading_command(word));
            width = INDENT + length;
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

/// Returns the length of the first word. A command in backticks counts as one word, even if it contains spaces. If the command is wider than
/// `limit`, the word ends at the first space.
fn end_of_word(text: &str, limit: usize) -> usize {
    let first_space = text.find(' ').unwrap_or(text.len());
    let mut is_code = false;
    let end = text.find(|character| {
        is_code ^= character == '`';
        character == ' ' && !is_code
    });
    let end = end.unwrap_or(text.len());
    // If the closing backtick is missing or the command is too long for a line, the text is split at the first space.
    if is_code && end == text.len() || text[..end].width() > limit {
        first_space
    } else {
        end
    }
}

/// Returns the width of a terminal, or `None` if this is not a terminal or its width is unknown.
#[cfg(unix)]
pub(super) fn terminal_width(terminal: impl std::os::fd::AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(terminal).ok()?;
    (size.ws_col > 0).then_some(size.ws_col.into())
}

/// Returns `None` on Windows, because the program cannot determine the width there.
#[cfg(not(unix))]
pub(super) fn terminal_width<T>(_terminal: T) -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_commands_stay_whole() {
        for (text, columns, expected) in [
            ("one two three", 80, "one two three"),
            ("one two three", 8, "one two\n    three"),
            (
                "hint: run `a b c` now",
                14,
                "hint: run\n    `a b c`\n    now",
            ),
            ("`a b c d` e", 8, "`a b c\n    d` e"),
            ("a ` b c", 6, "a ` b\n    c"),
            ("監査 監査", 8, "監査\n    監査"),
            ("long-word", 4, "long-word"),
        ] {
            assert_eq!(filled(text, columns), expected, "{text}");
        }
    }
}

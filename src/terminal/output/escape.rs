//! Escapes text from outside this program, so that it is safe in a terminal and in the log of a CI runner.
//!
//! CI runners execute commands that they find in the log. GitHub's runner accepts `::name::` at the beginning of a line, even after spaces, and
//! `##[name]` anywhere. Azure's runner accepts `##vso[name]` anywhere, and TeamCity's runner accepts `##teamcity[name]`. This module recognises a
//! command even if it contains invisible characters, such as variation selectors.

use std::io::{self, Write};

use serde::Serialize;

use crate::secret;

/// Escapes everything that a terminal would execute or not show: control characters, escape sequences, bidi overrides, zero-width
/// characters, line separators and tag characters. Line breaks are escaped as well, so that no part of the text can look like a line that
/// this program wrote. Commands for a CI runner are made ineffective by escaping their first characters.
#[must_use]
pub(crate) fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        if is_unsafe(character) || begins_command(&text[at..]) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    without_leading_command(&safe)
}

/// Returns true if the text contains no character that is unsafe in a terminal.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.contains(is_unsafe)
}

/// If the line begins with a GitHub Actions workflow command, escapes the command.
pub(crate) fn without_leading_command(line: &str) -> String {
    let mut visible = (line.char_indices())
        .filter(|(_, character)| !is_variation_selector(*character))
        .skip_while(|(_, character)| character.is_whitespace());
    match (visible.next(), visible.next()) {
        (Some((at, ':')), Some((_, ':'))) => {
            format!("{}{}{}", &line[..at], ':'.escape_unicode(), &line[at + 1..])
        }
        _ => line.to_owned(),
    }
}

/// Returns true if the text begins with `##[`, or with `##` followed by a name and `[`.
fn begins_command(text: &str) -> bool {
    // This check is cheap, and comes first because this function is called for every character of a text.
    if !text.starts_with('#') {
        return false;
    }
    let mut visible = text
        .chars()
        .filter(|character| !is_variation_selector(*character));
    let is_marked = visible.next() == Some('#') && visible.next() == Some('#');
    is_marked && visible.find(|character| !character.is_ascii_alphabetic()) == Some('[')
}

/// Returns true if the character is a variation selector. A variation selector is not escaped, because it only changes how a terminal draws
/// the character before it.
fn is_variation_selector(character: char) -> bool {
    matches!(character, '\u{fe00}'..='\u{fe0f}' | '\u{180b}'..='\u{180d}' | '\u{180f}')
}

/// Returns `value` as JSON. Characters that are unsafe in a terminal are written as JSON escapes, which a JSON parser decodes.
///
/// # Panics
/// Does not panic in practice, because all values are maps with string keys.
#[must_use]
pub(crate) fn json_text(value: &impl Serialize, pretty: bool) -> String {
    // Both buffers are allocated with their full size, which includes the line break that callers add. If a buffer had to grow, a copy of a
    // secret in the value could be left in memory.
    let plain = if pretty {
        secret::pretty_json(value)
    } else {
        secret::json(value)
    };
    let plain = plain.expect("a map with string keys can be serialized as JSON");
    let plain = std::str::from_utf8(&plain).expect("JSON is UTF-8");
    let is_escaped = |&(at, one): &(usize, char)| is_unsafe(one) || begins_command(&plain[at..]);
    let longer = plain.char_indices().filter(is_escaped).count() * r"\uffff\uffff".len();
    let mut safe = Vec::with_capacity(plain.len() + longer + 1);
    let mut escaping = Escaping {
        to: &mut safe,
        broken: None,
    };
    escaping
        .escape(plain)
        .expect("a write to memory cannot fail");
    String::from_utf8(safe).expect("the output is UTF-8")
}

pub(crate) fn json_line(
    to: &mut impl Write,
    value: &impl Serialize,
    pretty: bool,
) -> io::Result<()> {
    write_json(to, value, pretty)?;
    to.write_all(b"\n")
}

fn write_json(to: &mut impl Write, value: &impl Serialize, pretty: bool) -> io::Result<()> {
    let mut escaping = Escaping { to, broken: None };
    let written = if pretty {
        serde_json::to_writer_pretty(&mut escaping, value)
    } else {
        serde_json::to_writer(&mut escaping, value)
    };
    match escaping.broken.take() {
        Some(error) => Err(error),
        None => Ok(written?),
    }
}

/// A writer that escapes JSON and writes it to `to`. The serializer passes only whole characters to this writer. If `to` returns an I/O error, the
/// error is stored in `broken`, because the serializer's error does not contain the kind of an I/O error.
struct Escaping<'a, W> {
    to: &'a mut W,
    broken: Option<io::Error>,
}

impl<W: Write> Escaping<'_, W> {
    fn escape(&mut self, mut plain: &str) -> io::Result<()> {
        // Line breaks are not escaped here. The serializer has already escaped the line breaks in strings. The other line breaks only separate the
        // values of the JSON.
        while let Some(at) = first_to_escape(plain) {
            self.to.write_all(&plain.as_bytes()[..at])?;
            let mut rest = plain[at..].chars();
            let mut units = [0_u16; 2];
            for unit in rest.next().unwrap_or_default().encode_utf16(&mut units) {
                write!(self.to, "\\u{unit:04x}")?;
            }
            plain = rest.as_str();
        }
        self.to.write_all(plain.as_bytes())
    }
}

impl<W: Write> Write for Escaping<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let plain = str::from_utf8(bytes).map_err(io::Error::other)?;
        self.escape(plain).map_err(|error| {
            let kind = error.kind();
            self.broken = Some(error);
            io::Error::from(kind)
        })?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Returns the position of the first character that must be escaped in JSON. A command such as `::add-mask::` is not escaped. A CI runner recognises
/// this command only at the beginning of a line, but a JSON string begins with a quote.
fn first_to_escape(plain: &str) -> Option<usize> {
    let is_escaped = |&(at, character): &(usize, char)| {
        is_unsafe(character) && character != '\n' || begins_command(&plain[at..])
    };
    plain.char_indices().find(is_escaped).map(|(at, _)| at)
}

/// Returns true if the character is a control character, changes the order of other characters (UAX #9), or is invisible
/// (`Default_Ignorable_Code_Point`). Returns false for variation selectors.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_a_terminal_would_execute_is_escaped() {
        assert_eq!(safe("a\x1b]52;c;aGk=\x07b"), r"a\u{1b}]52;c;aGk=\u{7}b");
        assert_eq!(safe("role\u{202e}nimda"), r"role\u{202e}nimda");
        assert_eq!(safe("Auditor\nerror: x"), r"Auditor\u{a}error: x");
        assert_eq!(safe("\u{9b}31m\u{200b}"), r"\u{9b}31m\u{200b}");
        assert_eq!(safe("\u{3164}\u{e0100}"), r"\u{3164}\u{e0100}");
        assert_eq!(safe("Prüfer 監査 🙂"), "Prüfer 監査 🙂");
    }

    #[test]
    fn a_runner_command_is_escaped() {
        for (text, wanted) in [
            ("Ops ##[stop-commands]x", r"Ops \u{23}#[stop-commands]x"),
            ("###[x]", r"#\u{23}#[x]"),
            ("a##vso[task.complete]", r"a\u{23}#vso[task.complete]"),
            ("##TeamCity[x]", r"\u{23}#TeamCity[x]"),
            ("#\u{fe0f}#[x]", "\\u{23}\u{fe0f}#[x]"),
            ("::stop-commands::x", r"\u{3a}:stop-commands::x"),
            (" \u{a0}::x::", " \u{a0}\\u{3a}:x::"),
            (":\u{fe0f}:x::", "\\u{3a}\u{fe0f}:x::"),
            ("a ::x:: ## b #[c] ##", "a ::x:: ## b #[c] ##"),
            ("##1[x]", "##1[x]"),
            (":", ":"),
        ] {
            assert_eq!(safe(text), wanted, "{text}");
        }
    }

    /// A role name can be this long. The time must not grow with the square of the length.
    #[test]
    fn a_long_text_of_variation_selectors_is_escaped_quickly() {
        let text = "\u{fe0f}".repeat(120_000);
        let begun = std::time::Instant::now();
        assert_eq!(safe(&text), text);
        assert!(json_text(&text, false).contains(&text));
        assert!(begun.elapsed() < std::time::Duration::from_secs(20));
    }

    #[test]
    fn json_keeps_its_value_and_is_harmless_to_a_terminal() {
        let value = serde_json::json!({"name": "a\u{202e}\u{9b}\n\u{e0041}\"b##[x]", "n": 1});
        for pretty in [true, false] {
            let text = json_text(&value, pretty);
            assert!(!text.chars().any(|c| is_unsafe(c) && c != '\n'));
            assert!(!text.contains("##["));
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&text)
                    .ok()
                    .as_ref(),
                Some(&value)
            );
        }
    }
}

//! Edits the text of a dotenv file: finds the assignment of a name, and sets its value without changing any other byte.
//!
//! There is no standard for dotenv files. The value is written in a form that a POSIX shell (`set -a; . ./.env`), python-dotenv and Node's
//! `--env-file` read identically. This was tested with each of them. If a character needs quotes, the value is written in single quotes. A
//! value with `'`, `\`, `$` or a control character is rejected, because some of these programs change such a character even in single
//! quotes. No known shape of the manager's secrets contains one of these characters (docs/manager-api.md, "Secret shapes").
//!
//! An assignment starts a line and consists of optional whitespace, an optional `export`, the name, `=` and the value. A quoted value may
//! span several lines, and text within it is not an assignment. A quote is an ordinary character if it is never closed, or if anything but
//! a comment follows the closing quote. A comment after the value is not changed. A file with several assignments of the name is rejected,
//! because programs disagree about which assignment applies. A line that contains more than the assignment is also rejected (`words.rs`).

use zeroize::Zeroizing;

use super::words::Words;
use crate::terminal::output::is_bare;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Returns the content with `name` set to `value`. If there is no assignment of `name`, an assignment is added at the end.
///
/// # Errors
/// Returns the reason if the file or the value is not supported.
pub(crate) fn set(content: &[u8], name: &str, value: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let assignment = find(content, name)?;
    let value = quoted(value)?;
    // The buffer is allocated once at full size, because a reallocation would leave a copy of the secret in memory.
    let mut edited = Vec::with_capacity(content.len() + name.len() + value.len() + 8);
    match &assignment {
        Some(old) => {
            edited.extend_from_slice(&content[..old.head]);
            edited.push(b'=');
            edited.extend_from_slice(value.as_bytes());
            edited.extend_from_slice(&content[old.end..]);
        }
        None => {
            let line_break = line_break(content);
            edited.extend_from_slice(content);
            let text = text_of(content);
            if !text.is_empty() && !text.ends_with(b"\n") {
                edited.extend_from_slice(line_break);
            }
            edited.extend_from_slice(name.as_bytes());
            edited.push(b'=');
            edited.extend_from_slice(value.as_bytes());
            edited.extend_from_slice(line_break);
        }
    }
    let edited = Zeroizing::new(edited);
    // If a quote in the file is not closed, the edit may change where values end. So the edited text is parsed again, and must contain the
    // assignment at the expected position.
    match (find(&edited, name)?, assignment) {
        (Some(new), Some(old)) if new.head == old.head => Ok(edited),
        (Some(new), None) if new.head > content.len() => Ok(edited),
        _ => {
            Err("a quote in the file is not closed, so it is unclear where a value ends".to_owned())
        }
    }
}

/// Checks that `name` can be set in this file.
///
/// # Errors
/// Returns the reason if `name` cannot be set.
pub(crate) fn check(content: &[u8], name: &str) -> Result<(), String> {
    set(content, name, "x").map(drop)
}

/// Returns the assignment of `name`, from the `=` to the end of the value with its quotes. Returns `None` if there is no assignment.
///
/// # Errors
/// Returns the reason if the file is not supported.
pub(crate) fn assigned(content: &[u8], name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
    let found = find(content, name)?;
    Ok(found.map(|found| Zeroizing::new(content[found.head..found.end].to_vec())))
}

/// Undoes the assignment of `value` to `name`, and returns the new content. `before` is the old text from the `=` to the end of the value. This text
/// is restored. If `before` is `None`, the whole line is removed. Returns `None` if `name` is not set or has a different value.
///
/// # Errors
/// Returns the reason if the file can no longer be edited.
pub(crate) fn unset(
    content: &[u8],
    name: &str,
    value: &str,
    before: Option<&[u8]>,
) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
    let Some(found) = find(content, name)? else {
        return Ok(None);
    };
    let ours = quoted(value)?;
    if content[found.head..found.end].strip_prefix(b"=") != Some(ours.as_bytes()) {
        return Ok(None);
    }
    let (start, end) = match before {
        Some(_) => (found.head, found.end),
        None => {
            let start = content[..found.head]
                .iter()
                .rposition(|byte| *byte == b'\n');
            let end = line_end(content, found.end) + 1;
            let first = content.len() - text_of(content).len();
            (start.map_or(first, |at| at + 1), end.min(content.len()))
        }
    };
    let before = before.unwrap_or_default();
    let mut edited = Zeroizing::new(Vec::with_capacity(content.len() + before.len()));
    edited.extend_from_slice(&content[..start]);
    edited.extend_from_slice(before);
    edited.extend_from_slice(&content[end..]);
    Ok(Some(edited))
}

/// An assignment, with its position in byte offsets.
struct Assignment<'a> {
    name: &'a [u8],
    /// The end of the name.
    head: usize,
    /// The end of the value, including its quotes.
    end: usize,
    /// True if `export` precedes the name.
    exported: bool,
    /// The text after the `=`, or `None` if the value is quoted.
    plain: Option<&'a [u8]>,
}

fn find<'a>(content: &'a [u8], name: &str) -> Result<Option<Assignment<'a>>, String> {
    // A file with NUL bytes contains binary data, or UTF-16 text as written by some Windows programs.
    if content.contains(&0) {
        return Err("the file contains NUL bytes, so it is binary data or UTF-16 text".to_owned());
    }
    let number = |at: usize| content[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let mut found: Option<Assignment<'a>> = None;
    let mut next = content.len() - text_of(content).len();
    while next < content.len() {
        let line = next;
        let assignment = assignment(content, line);
        next = line_end(content, assignment.as_ref().map_or(line, |it| it.end)) + 1;
        let Some(assignment) = assignment else {
            continue;
        };
        let further = assignment.plain.map(Words::of);
        if assignment.name == name.as_bytes() {
            if let Some(first) = &found {
                return Err(format!(
                    "{name} is set more than once, on lines {} and {}",
                    number(first.head),
                    number(assignment.head)
                ));
            }
            if further.is_some_and(|words| words.hold_more(assignment.exported)) {
                return Err(format!(
                    "line {} contains more than `{name}=VALUE`",
                    number(assignment.head)
                ));
            }
            found = Some(assignment);
        } else if let Some(first) = &found
            && further.is_some_and(|words| words.assign(name.as_bytes()))
        {
            // An earlier line sets `name`. This line sets another variable first and then `name`, as in `export OTHER=1 NAME=2`. A shell would use
            // the value on this line, but `found` is the assignment on the earlier line.
            return Err(format!(
                "{name} is set more than once, on lines {} and {}",
                number(first.head),
                number(assignment.head)
            ));
        }
    }
    Ok(found)
}

/// Returns the content after the byte order mark, if there is one.
fn text_of(content: &[u8]) -> &[u8] {
    content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(content)
}

/// Parses an assignment at the start of a line.
fn assignment(content: &[u8], line: usize) -> Option<Assignment<'_>> {
    let mut start = skip_blanks(content, line);
    let mut exported = false;
    if content[start..].starts_with(b"export") {
        let after = skip_blanks(content, start + b"export".len());
        if after > start + b"export".len() {
            start = after;
            exported = true;
        }
    }
    let length = content[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte))
        .count();
    let head = start + length;
    let equals = skip_blanks(content, head);
    if length == 0 || content.get(equals) != Some(&b'=') {
        return None;
    }
    let quoted = quoted_end(content, skip_blanks(content, equals + 1));
    let end = quoted.unwrap_or_else(|| plain_end(content, equals + 1));
    let plain = quoted
        .is_none()
        .then(|| &content[equals + 1..end.max(equals + 1)]);
    Some(Assignment {
        name: &content[start..head],
        head,
        end,
        exported,
        plain,
    })
}

/// Returns the end of a quoted value, which may be on a later line.
fn quoted_end(content: &[u8], start: usize) -> Option<usize> {
    let quote = *content.get(start).filter(|byte| b"'\"`".contains(byte))?;
    let mut at = start + 1;
    loop {
        match *content.get(at)? {
            byte if byte == quote => break,
            b'\\' if quote == b'"' => at += 2,
            _ => at += 1,
        }
    }
    let end = at + 1;
    let rest = skip_blanks(content, end);
    // Without whitespace before the `#`, a shell treats the comment as a part of the value.
    let comment = rest > end && content.get(rest) == Some(&b'#');
    (comment || rest == text_end(content, rest)).then_some(end)
}

/// Returns the end of an unquoted value. Trailing whitespace and a comment are not part of the value. A comment starts with a `#` after
/// whitespace.
fn plain_end(content: &[u8], start: usize) -> usize {
    let line = &content[start..text_end(content, start)];
    let comment = line
        .windows(2)
        .position(|pair| is_blank(pair[0]) && pair[1] == b'#');
    let text = &line[..comment.unwrap_or(line.len())];
    start + text.len()
        - text
            .iter()
            .rev()
            .take_while(|byte| is_blank(**byte))
            .count()
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn skip_blanks(content: &[u8], from: usize) -> usize {
    from + content[from..]
        .iter()
        .take_while(|byte| is_blank(**byte))
        .count()
}

/// Returns the end of the line at this offset: the offset of its line feed, or the end of the content.
fn line_end(content: &[u8], from: usize) -> usize {
    content[from..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(content.len(), |length| from + length)
}

/// Returns the end of the line, without the carriage return if there is one.
fn text_end(content: &[u8], from: usize) -> usize {
    let end = line_end(content, from);
    if end > from && content[end - 1] == b'\r' {
        end - 1
    } else {
        end
    }
}

/// Returns the line break at the end of the first line: a line feed, with or without a carriage return.
fn line_break(content: &[u8]) -> &'static [u8] {
    let end = line_end(content, 0);
    if end < content.len() && content[..end].ends_with(b"\r") {
        b"\r\n"
    } else {
        b"\n"
    }
}

fn quoted(value: &str) -> Result<Zeroizing<String>, String> {
    if is_bare(value) {
        return Ok(Zeroizing::new(value.to_owned()));
    }
    if value.contains(|character: char| "'\\$".contains(character) || character.is_control()) {
        return Err(
            "the secret has a character that programs read differently in such a file".to_owned(),
        );
    }
    let mut quoted = Zeroizing::new(String::with_capacity(value.len() + 2));
    quoted.push('\'');
    quoted.push_str(value);
    quoted.push('\'');
    Ok(quoted)
}

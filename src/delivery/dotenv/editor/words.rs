//! Splits an unquoted value into words as a shell does, to find out whether the line holds more than its first assignment.
//!
//! Other programs read `A=old B=x` as one value. A shell reads two assignments, and reads `A=old; export A` as two commands. Setting A there
//! would lose one of them, or mean different things to different programs.

/// The text after the `=` of an unquoted assignment, up to a comment or the end of the line.
pub(super) struct Words<'a> {
    words: Vec<&'a [u8]>,
    /// A blank precedes the first word, so a shell reads an empty value.
    apart: bool,
    /// There is an operator, so another command follows.
    operator: bool,
    /// The line is continued on the next one.
    continues: bool,
}

impl<'a> Words<'a> {
    /// Splits the text after the `=`.
    pub(super) fn of(text: &'a [u8]) -> Self {
        // Quotes that never close, as in `it's`, are plain text.
        Self::read(text, true)
            .or_else(|| Self::read(text, false))
            .unwrap_or(Self {
                words: Vec::new(),
                apart: false,
                operator: false,
                continues: false,
            })
    }

    fn read(text: &'a [u8], quotes: bool) -> Option<Self> {
        let (mut words, mut start, mut at) = (Vec::new(), 0, 0);
        let (mut operator, mut continues) = (false, false);
        while let Some(byte) = text.get(at) {
            match byte {
                b'\\' if at + 1 == text.len() => continues = true,
                b'\\' => at += 1,
                b'\'' | b'"' | b'`' if quotes => at = closing(text, at)?,
                b' ' | b'\t' | b';' | b'&' | b'|' => {
                    operator |= !matches!(byte, b' ' | b'\t');
                    words.push(&text[start..at]);
                    start = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        words.push(text.get(start..).unwrap_or_default());
        let apart = text.first().is_some_and(|byte| b" \t".contains(byte));
        words.retain(|word| !word.is_empty());
        Some(Self {
            words,
            apart,
            operator,
            continues,
        })
    }

    /// Returns the words that may be further assignments.
    fn further(&self) -> impl Iterator<Item = &&'a [u8]> {
        self.words.iter().skip(usize::from(!self.apart))
    }

    /// Whether a shell reads more here than one value. With `export`, each further word is a name.
    pub(super) fn hold_more(&self, exported: bool) -> bool {
        let more_names = exported && self.words.len() > 1;
        let assigns = |word: &&[u8]| assigned_name(word).is_some();
        self.operator || self.continues || more_names || self.further().any(assigns)
    }

    /// Whether a shell reads an assignment of this name after the first word.
    pub(super) fn assign(&self, name: &[u8]) -> bool {
        self.further().any(|word| assigned_name(word) == Some(name))
    }
}

/// Returns where the quote that opens here closes.
fn closing(text: &[u8], open: usize) -> Option<usize> {
    let quote = text[open];
    let mut at = open + 1;
    loop {
        match *text.get(at)? {
            byte if byte == quote => return Some(at),
            b'\\' if quote == b'"' => at += 2,
            _ => at += 1,
        }
    }
}

/// Returns the name in `NAME=value`.
fn assigned_name(word: &[u8]) -> Option<&[u8]> {
    let length = (word.iter()).position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'))?;
    let is_name = word[length] == b'=' && word.first().is_some_and(|byte| !byte.is_ascii_digit());
    (length > 0 && is_name).then(|| &word[..length])
}

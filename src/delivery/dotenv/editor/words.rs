//! Splits an unquoted value into words as a shell does, to detect lines that contain more than one assignment.
//!
//! A shell reads `A=old B=x` as two assignments, and `A=old; export A` as two commands. Other programs read the text after the first `=` as a single
//! value. If the value of A were replaced in one of these lines, the rest of the line would be lost, or programs would read different values.

/// The text after the `=` of an unquoted assignment, up to a comment or the end of the line.
pub(super) struct Words<'a> {
    words: Vec<&'a [u8]>,
    /// True if the text starts with whitespace, as in `A= x`. A shell then reads an empty value.
    apart: bool,
    /// True if the text contains a shell operator, so that a shell reads a second command.
    operator: bool,
    /// True if the line ends with a backslash, so that it continues on the next line.
    continues: bool,
}

impl<'a> Words<'a> {
    /// Splits the text after the `=` into words.
    pub(super) fn of(text: &'a [u8]) -> Self {
        // A quote that is never closed, as in `it's`, is an ordinary character.
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

    /// Returns the words after the value. They may be further assignments.
    fn further(&self) -> impl Iterator<Item = &&'a [u8]> {
        self.words.iter().skip(usize::from(!self.apart))
    }

    /// Returns true if a shell reads more than a single assignment on this line. After `export`, each further word is the name of a
    /// variable.
    pub(super) fn hold_more(&self, exported: bool) -> bool {
        let more_names = exported && self.words.len() > 1;
        let assigns = |word: &&[u8]| assigned_name(word).is_some();
        self.operator || self.continues || more_names || self.further().any(assigns)
    }

    /// Returns true if a shell finds another assignment to this name later on the line.
    pub(super) fn assign(&self, name: &[u8]) -> bool {
        self.further().any(|word| assigned_name(word) == Some(name))
    }
}

/// Returns the position of the closing quote that belongs to the opening quote at `open`.
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

/// Returns the name in a word of the form `NAME=value`.
fn assigned_name(word: &[u8]) -> Option<&[u8]> {
    let length = (word.iter()).position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'))?;
    let is_name = word[length] == b'=' && word.first().is_some_and(|byte| !byte.is_ascii_digit());
    (length > 0 && is_name).then(|| &word[..length])
}

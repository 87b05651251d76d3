//! Parses a command line from bash. bash passes the line as it was typed, including quotes. Each candidate must contain the quotes and backslashes
//! that are needed at the cursor.

/// The kind of quote that is open at the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quote {
    None,
    Single,
    Double,
}

/// A bash command line up to the cursor, split into words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BashLine {
    /// The words before the current word. The first word is the program's name.
    pub(crate) before: Vec<String>,
    /// The current word, without its quotes.
    pub(crate) current: String,
    quote: Quote,
    /// The position in the current word from which bash replaces text with a candidate: after the last quote, `=` or `:`, or 0.
    inserted_at: usize,
}

impl BashLine {
    /// Splits a line into words as bash does, but without expanding variables or patterns. Returns `None` if the cursor is after a character such as
    /// `|` or `;`, where a second command begins.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let mut words: Vec<String> = Vec::new();
        let mut word: Option<String> = None;
        let (mut quote, mut inserted_at) = (Quote::None, 0);
        let mut characters = line.chars();
        while let Some(character) = characters.next() {
            let text = word.get_or_insert_default();
            match (quote, character) {
                (Quote::None, ' ' | '\t' | '\n') => {
                    if let Some(done) = word.take().filter(|done| !done.is_empty()) {
                        words.push(done);
                    }
                    inserted_at = 0;
                }
                (Quote::None, '\'') => (quote, inserted_at) = (Quote::Single, text.len()),
                (Quote::None, '"') => (quote, inserted_at) = (Quote::Double, text.len()),
                (Quote::Single, '\'') | (Quote::Double, '"') => quote = Quote::None,
                (Quote::None | Quote::Double, '\\') => text.extend(characters.next()),
                // Nothing is completed after one of these characters, because a second command or the file name of a redirection begins there.
                (Quote::None, ';' | '|' | '&' | '(' | ')' | '<' | '>') => return None,
                (Quote::None, '=' | ':') => {
                    text.push(character);
                    inserted_at = text.len();
                }
                _ => text.push(character),
            }
        }
        // Assignments before the command, as in `NAME=value swp-keys ...`, are skipped.
        let is_assignment = |word: &String| word.contains('=') && !word.contains('/');
        let before: Vec<String> = words.into_iter().skip_while(is_assignment).collect();
        Some(Self {
            before,
            current: word.unwrap_or_default(),
            quote,
            inserted_at,
        })
    }

    /// Returns the text that bash inserts for a candidate, with the quotes that are needed at the cursor.
    pub(crate) fn quoted(&self, value: &str) -> Option<String> {
        let rest = value.get(self.inserted_at..)?;
        // bash has no escape for a newline within quotes. `$'\n'` is a newline outside of quotes.
        let newline = match self.quote {
            Quote::None => r"$'\n'",
            Quote::Single => r"'$'\n''",
            Quote::Double => r#""$'\n'""#,
        };
        let lines: Vec<String> = rest
            .split('\n')
            .map(|line| self.quoted_line(line))
            .collect();
        let quoted = lines.join(newline);
        // bash adds the closing quote, unless the word already ends with this character.
        Some(match self.quote {
            Quote::Single if quoted.ends_with('\'') => quoted + "'",
            Quote::Double if quoted.ends_with('"') => quoted + "\"",
            _ => quoted,
        })
    }

    fn quoted_line(&self, rest: &str) -> String {
        match self.quote {
            Quote::Single => rest.replace('\'', r"'\''"),
            // Within double quotes, bash would replace `!` and the text after it with a command of the history. A backslash before `!` would prevent
            // the replacement, but would stay in the word. So the double quotes are closed before `!`, and `!` is put in single quotes.
            Quote::Double => {
                escaped(rest, |character| "\"\\$`".contains(character)).replace('!', "\"'!'\"")
            }
            Quote::None => escaped(rest, |character| {
                !(character.is_alphanumeric() || "_-./:=@%+,".contains(character))
            }),
        }
    }
}

fn escaped(text: &str, special: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if special(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (Vec<String>, String) {
        let line = BashLine::read(line).unwrap_or_else(|| panic!("{line}"));
        (line.before, line.current)
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn words_are_split_as_in_a_shell() {
        assert_eq!(
            read("swp-keys cre"),
            (words(&["swp-keys"]), "cre".to_owned())
        );
        assert_eq!(
            read("A=1 swp-keys  create "),
            (words(&["swp-keys", "create"]), String::new())
        );
        assert_eq!(
            read("swp-keys --url https://h:4119 create --role=\"Full A"),
            (
                words(&["swp-keys", "--url", "https://h:4119", "create"]),
                "--role=Full A".to_owned()
            )
        );
        assert_eq!(
            read(r"swp-keys show O\'Brien\ 'x y'"),
            (words(&["swp-keys", "show"]), "O'Brien x y".to_owned())
        );
        assert_eq!(BashLine::read("swp-keys; ls "), None);
    }

    #[test]
    fn answers_are_quoted_for_the_position_of_the_cursor() {
        let quoted =
            |line: &str, value: &str| BashLine::read(line).and_then(|line| line.quoted(value));
        let hostile = "a $(id)`id`'\"\\;&b";
        for (line, value, wanted) in [
            ("x --role F", "Full Access", r"Full\ Access"),
            ("x --role \"F", "Full Access", "Full Access"),
            ("x --role=F", "--role=Full Access", r"Full\ Access"),
            ("x show ci:p", "ci:prod", "prod"),
            ("x --role '", hostile, r#"a $(id)`id`'\''"\;&b"#),
            ("x --role \"", hostile, r#"a \$(id)\`id\`'\"\\;&b"#),
            ("x --role \"", "a!b$!", r#"a"'!'"b\$"'!'"""#),
            ("x --role '", "a!b", "a!b"),
            ("x --role ", "a!b", r"a\!b"),
            ("x --role '", "a\n'b", r"a'$'\n'''\''b"),
            ("x --role \"", "a\n!b\"", r#"a"$'\n'""'!'"b\"""#),
            ("x --role '", "it's'", r"it'\''s'\'''"),
            ("x --role ", "a\n b", r"a$'\n'\ b"),
            ("x --role ", hostile, r#"a\ \$\(id\)\`id\`\'\"\\\;\&b"#),
        ] {
            assert_eq!(quoted(line, value).as_deref(), Some(wanted), "{line}");
        }
    }
}

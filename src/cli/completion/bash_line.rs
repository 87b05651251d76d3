//! The line of a shell that hands it over as it was typed, and wants words back as they are to be typed: bash.

/// In which quotes the cursor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quote {
    None,
    Single,
    Double,
}

/// A line up to the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BashLine {
    /// The words before the one that is being typed, the program's name first.
    pub(crate) before: Vec<String>,
    /// The one that is being typed, without its quotes.
    pub(crate) current: String,
    quote: Quote,
    /// How much of the current word stands before the place where bash puts what it is answered: bash breaks words there.
    kept: usize,
}

impl BashLine {
    /// Reads a line as a shell would, but for expansions, which are left as they are. `None` where the cursor stands in no word.
    pub(crate) fn read(line: &str, point: usize) -> Option<Self> {
        let line = line.get(..point).unwrap_or(line);
        let mut words: Vec<String> = Vec::new();
        let mut word: Option<String> = None;
        let (mut quote, mut kept) = (Quote::None, 0);
        let mut characters = line.chars();
        while let Some(character) = characters.next() {
            let text = word.get_or_insert_default();
            match (quote, character) {
                (Quote::None, ' ' | '\t' | '\n') => {
                    if let Some(done) = word.take().filter(|done| !done.is_empty()) {
                        words.push(done);
                    }
                    kept = 0;
                }
                (Quote::None, '\'') => (quote, kept) = (Quote::Single, text.len()),
                (Quote::None, '"') => (quote, kept) = (Quote::Double, text.len()),
                (Quote::Single, '\'') | (Quote::Double, '"') => quote = Quote::None,
                (Quote::None | Quote::Double, '\\') => text.extend(characters.next()),
                // The beginning of another command, of which nothing is known here.
                (Quote::None, ';' | '|' | '&' | '(' | ')' | '<' | '>') => return None,
                (Quote::None, '=' | ':') => {
                    text.push(character);
                    kept = text.len();
                }
                _ => text.push(character),
            }
        }
        // `NAME=value swp-keys ...`
        let is_assignment = |word: &String| word.contains('=') && !word.contains('/');
        let before: Vec<String> = words.into_iter().skip_while(is_assignment).collect();
        Some(Self {
            before,
            current: word.unwrap_or_default(),
            quote,
            kept,
        })
    }

    /// What bash is to put in place of what it takes for the word, quoted for where the cursor stands.
    pub(crate) fn quoted(&self, value: &str) -> Option<String> {
        let rest = value.get(self.kept..)?;
        Some(match self.quote {
            // bash adds the quote that ends it.
            Quote::Single => rest.replace('\'', r"'\''"),
            // History is expanded there, and a backslash before the `!` would stay: it goes into quotes of its own.
            Quote::Double => {
                escaped(rest, |character| "\"\\$`".contains(character)).replace('!', "\"'!'\"")
            }
            Quote::None => escaped(rest, |character| {
                !(character.is_alphanumeric() || "_-./:=@%+,".contains(character))
            }),
        })
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
        let line = BashLine::read(line, line.len()).unwrap_or_else(|| panic!("{line}"));
        (line.before, line.current)
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn words_are_read_as_a_shell_reads_them() {
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
        assert_eq!(BashLine::read("swp-keys; ls ", 13), None);
        assert_eq!(
            BashLine::read("swp-keys create", 11).map(|line| line.current),
            Some("cr".to_owned())
        );
    }

    #[test]
    fn answers_are_quoted_for_where_the_cursor_stands() {
        let quoted = |line: &str, value: &str| {
            BashLine::read(line, line.len()).and_then(|line| line.quoted(value))
        };
        let hostile = "a $(id)`id`'\"\\;&b";
        for (line, value, wanted) in [
            ("x --role F", "Full Access", r"Full\ Access"),
            ("x --role \"F", "Full Access", "Full Access"),
            ("x --role=F", "--role=Full Access", r"Full\ Access"),
            ("x show ci:p", "ci:prod", "prod"),
            ("x --role '", hostile, r#"a $(id)`id`'\''"\;&b"#),
            ("x --role \"", hostile, r#"a \$(id)\`id\`'\"\\;&b"#),
            ("x --role \"", "a!b$!", r#"a"'!'"b\$"'!'""#),
            ("x --role '", "a!b", "a!b"),
            ("x --role ", "a!b", r"a\!b"),
            ("x --role ", hostile, r#"a\ \$\(id\)\`id\`\'\"\\\;\&b"#),
        ] {
            assert_eq!(quoted(line, value).as_deref(), Some(wanted), "{line}");
        }
    }
}

//! A command that the user passes as one string. The string is split into words like a shell command, and the program is run without a
//! shell.
//!
//! Variables and wildcards are not expanded. Shell operators are rejected, because without a shell they would be passed as arguments. For
//! example, `tee key > /dev/null` would write the secret to a file named `>`.

use crate::error::Error;

/// The characters that a shell treats as operators outside of quotes.
const OPERATORS: [char; 7] = ['>', '<', '|', '&', ';', '`', '$'];

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExternalCommand {
    /// The program, as the user wrote it.
    pub(crate) program: String,
    /// The arguments.
    pub(crate) arguments: Vec<String>,
}

/// The reason why a string is not a valid command. The message never quotes the string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    /// A quote is not closed.
    #[error("has no closing quote")]
    Unclosed,
    /// The string contains no words.
    #[error("does not name a program")]
    Empty,
    /// A shell operator is outside of quotes.
    #[error(
        "contains `{0}` outside quotes, but the command is run without a shell; quote the character, or use `sh -c '...'`"
    )]
    Operator(char),
}

impl Unusable {
    /// Returns the usage error for an invalid command in a flag or variable. `example` is a valid command for the hint.
    pub(crate) fn error(self, source: &str, example: &str) -> Error {
        match self {
            Self::Operator(operator) => Error::usage(
                format!(
                    "{source} contains `{operator}` outside quotes, but the command is run without a shell"
                ),
                "use `sh -c '...'` to run the command in a shell, or quote the character to pass it to the program",
            ),
            other => Error::usage(
                format!("{source} {other}"),
                format!("set {source} to a program and its arguments, for example `{example}`"),
            ),
        }
    }
}

impl ExternalCommand {
    /// Splits the string into the program and its arguments.
    ///
    /// # Errors
    /// Returns the reason why the string is not a valid command.
    pub(crate) fn parse(text: &str) -> Result<Self, Unusable> {
        let words = shell_words::split(text).map_err(|_| Unusable::Unclosed)?;
        if let Some(operator) = operator(text) {
            return Err(Unusable::Operator(operator));
        }
        let mut words = words.into_iter();
        let program = words.next().filter(|program| !program.is_empty());
        Ok(Self {
            program: program.ok_or(Unusable::Empty)?,
            arguments: words.collect(),
        })
    }

    /// Returns the command as a string, quoted for a shell.
    pub(crate) fn text(&self) -> String {
        let arguments = self.arguments.iter();
        shell_words::join(std::iter::once(&self.program).chain(arguments))
    }
}

/// The state of the parser, such as inside quotes or inside a comment. The rules are those of `shell_words::split`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Between,
    EscapedBetween,
    Word,
    Escaped,
    Single,
    Double,
    EscapedInDouble,
    Comment,
}

/// Returns the first operator outside of quotes, escapes and comments.
fn operator(text: &str) -> Option<char> {
    let mut place = Place::Between;
    for character in text.chars() {
        if matches!(place, Place::Between | Place::Word) && OPERATORS.contains(&character) {
            return Some(character);
        }
        place = after(place, character);
    }
    None
}

fn after(place: Place, character: char) -> Place {
    match (place, character) {
        (Place::Between, '#') => Place::Comment,
        (Place::Between | Place::Word, '\'') => Place::Single,
        (Place::Between | Place::Word, '"') => Place::Double,
        (Place::Between, '\\') => Place::EscapedBetween,
        (Place::Word, '\\') => Place::Escaped,
        (Place::Between | Place::Word, ' ' | '\t' | '\n')
        | (Place::EscapedBetween | Place::Comment, '\n') => Place::Between,
        (Place::Comment, _) => Place::Comment,
        (Place::Single, '\'') | (Place::Double, '"') => Place::Word,
        (Place::Single, _) => Place::Single,
        (Place::Double, '\\') => Place::EscapedInDouble,
        (Place::Double | Place::EscapedInDouble, _) => Place::Double,
        (Place::Between | Place::EscapedBetween | Place::Word | Place::Escaped, _) => Place::Word,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> Option<Unusable> {
        ExternalCommand::parse(text).err()
    }

    #[test]
    fn shell_operators_are_rejected_unless_quoted() {
        for operator in OPERATORS {
            for text in [
                format!("a {operator} b"),
                format!("a{operator}b"),
                format!("{operator}a"),
                format!("a 'b'{operator}"),
                format!("a \\\\{operator}"),
                format!("a # b\n{operator}"),
            ] {
                assert_eq!(refused(&text), Some(Unusable::Operator(operator)), "{text}");
            }
            for text in [
                format!("sh -c 'a {operator} b'"),
                format!("sh -c \"a \\\" {operator} b\""),
                format!("a \\{operator} b"),
                format!("a # {operator}"),
            ] {
                assert_eq!(refused(&text), None, "{text}");
            }
        }
        assert_eq!(refused("a 'b"), Some(Unusable::Unclosed));
        for empty in ["", "  ", "# a", "''"] {
            assert_eq!(refused(empty), Some(Unusable::Empty), "{empty:?}");
        }
    }

    /// Returns true if the position after `before` is outside quotes according to the crate. A letter at this position is then part of a
    /// word, and a space is not.
    fn is_bare(before: &str) -> bool {
        let holds = |one: char| {
            let words = shell_words::split(&format!("{before}{one}")).ok();
            words.map(|words| words.iter().any(|word| word.contains(one)))
        };
        holds('Q') == Some(true) && holds('\t') == Some(false)
    }

    proptest! {
        #[test]
        fn quotes_are_parsed_as_by_the_splitting_crate(text in "[a '\"\\\\#\n>$|`]{0,20}") {
            let bare = text
                .char_indices()
                .find(|(at, one)| OPERATORS.contains(one) && is_bare(&text[..*at]));
            prop_assert_eq!(operator(&text), bare.map(|(_, one)| one));
        }

        #[test]
        fn the_text_of_a_command_parses_to_the_same_command(words in prop::collection::vec("[a '\"\\\\#\n>$|`~*]{1,6}", 1..4)) {
            let command = ExternalCommand::parse(&shell_words::join(&words));
            prop_assert_eq!(command.as_ref().map(|command| ExternalCommand::parse(&command.text())), Ok(command.clone()));
            let command = command.expect("it is quoted");
            prop_assert_eq!([vec![command.program], command.arguments].concat(), words);
        }
    }
}

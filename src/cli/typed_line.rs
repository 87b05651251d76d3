//! Finds the command in a command line, even if clap rejects the command line. Error messages and help need the command even if a flag is invalid.

use super::command_line::parser;

/// The command and the help flag of a command line.
pub(crate) struct TypedLine {
    /// The names of the typed command and, if there is one, of its subcommand. Empty if no known command was typed.
    pub(crate) path: Vec<String>,
    /// clap's definition of the typed command, including the global flags. If no known command was typed, clap's definition of the program.
    pub(crate) command: clap::Command,
    /// The word that was typed instead of a known command, if any.
    pub(crate) unknown: Option<String>,
    /// The words after the unknown command.
    pub(crate) rest: Vec<String>,
    /// The first help flag on the command line, if any.
    pub(crate) help: Option<HelpForm>,
}

/// The two forms of the help: short (`-h`) and long (`--help`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HelpForm {
    /// `-h`: one screen.
    Short,
    /// `--help`: everything.
    Long,
}

impl TypedLine {
    /// Reads the command line of this process.
    pub(crate) fn of_process() -> Self {
        let words = std::env::args_os().skip(1);
        Self::read(words.map(|word| word.to_string_lossy().into_owned()))
    }

    /// Reads a command line. `words` does not contain the program's name.
    pub(crate) fn read(words: impl Iterator<Item = String>) -> Self {
        let mut command = parser();
        command.build();
        let mut line = Self {
            path: Vec::new(),
            command,
            unknown: None,
            rest: Vec::new(),
            help: None,
        };
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            if word == "--" {
                break;
            }
            if !word.starts_with('-') || word == "-" {
                line.word(word);
                continue;
            }
            let help = help_form(&word);
            line.help = line.help.or(help);
            // The value of a flag is skipped, because it is neither a command nor a help flag.
            if line.takes_next_word(&word) && words.peek().is_some_and(|next| is_value(next)) {
                words.next();
            }
        }
        line
    }

    /// Reads a word that is not a flag.
    fn word(&mut self, word: String) {
        if self.unknown.is_some() {
            self.rest.push(word);
        } else if let Some(command) = self.command.find_subcommand(&word) {
            self.path.push(command.get_name().to_owned());
            self.command = command.clone();
        } else if self.command.has_subcommands() {
            self.unknown = Some(word);
        }
    }

    /// Returns true if this flag takes the next word as its value.
    fn takes_next_word(&self, word: &str) -> bool {
        if word.contains('=') {
            return false;
        }
        let takes_value =
            |flag: Option<&clap::Arg>| flag.is_some_and(|flag| flag.get_action().takes_values());
        let mut flags = self.command.get_arguments();
        match word.strip_prefix("--") {
            Some(long) => takes_value(flags.find(|flag| flag.get_long() == Some(long))),
            // In a group of short flags such as `-qo`, only the last flag can take the next word as its value.
            None => {
                let last = word.chars().next_back();
                takes_value(flags.find(|flag| flag.get_short() == last))
            }
        }
    }

    /// Returns the command as it is typed, such as `swp-keys trust show`.
    pub(crate) fn name(&self) -> String {
        [&["swp-keys".to_owned()], &self.path[..]]
            .concat()
            .join(" ")
    }
}

fn is_value(word: &str) -> bool {
    !word.starts_with('-') || word == "-"
}

fn help_form(word: &str) -> Option<HelpForm> {
    match word {
        "--help" => Some(HelpForm::Long),
        // In a group of short flags such as `-qh`, `-h` counts as a help flag.
        short if short.trim_start_matches(['-', 'q', 'v', 'y']) == "h" => Some(HelpForm::Short),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> TypedLine {
        TypedLine::read(words.iter().map(|&word| word.to_owned()))
    }

    #[test]
    fn the_command_is_found_behind_flags_and_beside_wrong_ones() {
        for (words, path) in [
            (&["create", "--role", "trust"][..], &["create-key"][..]),
            (&["-o", "json", "list"], &["list-keys"]),
            (
                &["--url", "create", "trust", "-q", "show"],
                &["trust", "show"],
            ),
            (&["exec", "--nonsense", "--", "create"], &["exec"]),
            (&["-", "create"], &[]),
            (&[], &[]),
        ] {
            assert_eq!(read(words).path, path, "{words:?}");
        }
        assert_eq!(read(&["help", "create"]).unknown.as_deref(), Some("help"));
        assert_eq!(read(&["help", "create"]).rest, ["create"]);
    }

    #[test]
    fn help_is_a_flag_and_not_a_value() {
        for (words, help) in [
            (&["create", "-h"][..], Some(HelpForm::Short)),
            (&["create", "--wrong", "--help"], Some(HelpForm::Long)),
            (&["-qh"], Some(HelpForm::Short)),
            (&["create", "--role", "-h"], Some(HelpForm::Short)),
            (&["create", "--role=-h"], None),
            (&["exec", "--", "x", "-h"], None),
        ] {
            assert_eq!(read(words).help, help, "{words:?}");
        }
    }
}

//! Explains the error for an argument that the command does not accept.

use super::super::typed_line::TypedLine;
use super::suggestion;
use super::suggestion::{flag_synonym, harmless};

/// The message and the hint of an error.
pub(super) type Explanation = (String, String);

const VISIBLE: &str = "other users of this machine can see the arguments of a process";

/// Explains an unexpected argument. `suggestions` contains clap's suggestions.
pub(super) fn argument(invalid: &str, suggestions: &[&str], line: &TypedLine) -> Explanation {
    if !invalid.starts_with('-') {
        return position(line);
    }
    if invalid.parse::<f64>().is_ok() {
        return negative_number(invalid, line);
    }
    let Some(flag) = flag(invalid) else {
        if let Some(explanation) = other_case(invalid, line) {
            return explanation;
        }
        let message = "unexpected argument (not shown, because it may be a secret)";
        return (message.to_owned(), see_help(line));
    };
    if let Some(explanation) = secret_flag(flag) {
        return explanation;
    }
    let message = format!("unexpected argument `{flag}`");
    let version = (flag == "--version" || flag == "-V").then_some("swp-keys --version");
    let hint = (version.or_else(|| flag_synonym(flag, line)))
        .or_else(|| harmless(suggestions).filter(|_| flag.starts_with("--")))
        .map_or_else(|| see_help(line), did_you_mean);
    (message, hint)
}

/// Explains a negative number. The argument parser does not accept a negative number as the value of a flag.
fn negative_number(number: &str, line: &TypedLine) -> Explanation {
    let mut words = std::env::args().skip(1).peekable();
    let before = loop {
        match words.next() {
            Some(word) if words.peek().is_some_and(|next| next == number) => break word,
            Some(_) => {}
            None => break String::new(),
        }
    };
    let is_flag = |flag: &clap::Arg| before.strip_prefix("--") == flag.get_long() && before != "--";
    match line.command.get_arguments().find(|flag| is_flag(flag)) {
        Some(_) => (
            format!("invalid value for `{before}`: expected a value that is not negative"),
            see_help(line),
        ),
        None => (
            "unexpected argument: a negative number".to_owned(),
            see_help(line),
        ),
    }
}

/// Explains a flag that differs from a flag of the command only in upper and lower case.
fn other_case(argument: &str, line: &TypedLine) -> Option<Explanation> {
    let typed = argument.split('=').next()?;
    let name = typed.strip_prefix("--")?.to_ascii_lowercase();
    let mut flags = line.command.get_arguments();
    flags.find(|flag| flag.get_long() == Some(&name))?;
    let meant = format!("--{name}");
    let hint = harmless(&[&meant]).map_or_else(|| see_help(line), did_you_mean);
    Some((format!("unexpected argument `{typed}`"), hint))
}

/// Returns the error for an unexpected argument that is not a flag.
fn position(line: &TypedLine) -> Explanation {
    let name = line.path.join(" ");
    if line.command.get_positionals().any(clap::Arg::is_last_set) {
        let hint = format!(
            "put the command after `--`: `{} ... -- COMMAND`",
            line.name()
        );
        return (format!("`{name}` takes no argument before `--`"), hint);
    }
    let mut positionals = line.command.get_positionals();
    let message = match (positionals.next(), positionals.count()) {
        (None, _) => format!(
            "`{name}` takes only flags, but there is another argument (not shown, because it may be a secret)"
        ),
        (Some(only), 0) => {
            let placeholder = only.get_value_names().unwrap_or_default().first();
            let placeholder = placeholder.map_or("argument", |name| name.as_str());
            format!("`{name}` takes one {placeholder}, but there is another argument")
        }
        (Some(_), more) => format!("`{name}` takes at most {} arguments", more + 1),
    };
    let has = |long: &str| (line.command.get_arguments()).any(|flag| flag.get_long() == Some(long));
    let is_typed = |flag: &str| std::env::args().any(|word| word.starts_with(flag));
    let hint = if has("key-file") {
        "use `--key-file FILE` for the key to check: the command needs the secret, not the name"
            .to_owned()
    } else if has("columns") && is_typed("--columns") {
        "separate the columns by commas without spaces, as in `--columns id,name`".to_owned()
    } else if line.command.get_positionals().next().is_some() {
        "quote a name that contains spaces".to_owned()
    } else if has("role") && has("name") {
        "use `--role` for the role and `--name` for the name of the key".to_owned()
    } else {
        see_help(line)
    };
    (message, hint)
}

/// Explains an unknown flag that looks like a flag for a password or an API key.
fn secret_flag(flag: &str) -> Option<Explanation> {
    let word = flag.trim_start_matches('-');
    let is_known = ["p", "pw", "pwd", "pass", "passwd", "password"].contains(&word);
    if is_known || word.starts_with("pas") {
        // In a word such as `--passwordSECRET`, the rest of the word is the password, so it is not shown.
        let shown = if is_known { flag } else { "--pas..." };
        return Some((
            format!("unexpected argument `{shown}`: no flag takes a password, because {VISIBLE}"),
            "use `--password-file FILE`, `--password-stdin` or `--password-command COMMAND`"
                .to_owned(),
        ));
    }
    ["api-key", "apikey", "key", "secret", "token", "k"]
        .contains(&word)
        .then(|| {
            (
                format!(
                    "unexpected argument `{flag}`: no flag takes an API key, because {VISIBLE}"
                ),
                "use `--api-key-file FILE` or the variable `SWP_API_KEY`".to_owned(),
            )
        })
}

/// Returns the error for an unknown command.
pub(super) fn command(line: &TypedLine) -> Explanation {
    let word = line.unknown.as_deref().unwrap_or_default();
    let hint = suggestion::command(word, line)
        .map_or_else(|| see_help(line), |meant| did_you_mean(&meant));
    let message = match may_be_shown(word) {
        true => format!("unknown command `{word}`"),
        false => "unknown command (not shown, because it may be a secret)".to_owned(),
    };
    (message, hint)
}

/// Returns true if an unknown command looks like a command and not like a secret: it consists of letters and dashes, is short, and follows no flag.
fn may_be_shown(word: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphabetic() || byte == b'-';
    let mut before = std::env::args().skip(1).take_while(|typed| typed != word);
    word.len() <= 20 && word.bytes().all(is_plain) && before.all(|typed| !typed.starts_with('-'))
}

fn did_you_mean(meant: &str) -> String {
    format!("did you mean `{meant}`?")
}

/// Returns a hint to run the help of the command.
pub(super) fn see_help(line: &TypedLine) -> String {
    if line.path.is_empty() {
        "run `swp-keys help` to list the commands".to_owned()
    } else if line.command.has_subcommands() {
        format!("run `{} -h` to list its commands", line.name())
    } else {
        format!("run `{} -h` to list its flags", line.name())
    }
}

/// Returns the name of a flag, without a value that is attached to it (`--flag=value`). Returns `None` if the argument cannot be a flag.
fn flag(argument: &str) -> Option<&str> {
    let name = argument.split('=').next().unwrap_or_default();
    let Some(word) = name.strip_prefix("--") else {
        let mut letters = name.strip_prefix('-')?.chars();
        let letter = letters.next()?.is_ascii_alphabetic();
        return (letter && letters.next().is_none()).then_some(name);
    };
    let plain = word
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    (plain && !word.is_empty() && word.len() <= 30).then_some(name)
}

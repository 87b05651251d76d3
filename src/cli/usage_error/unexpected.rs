//! Explains the error for an argument that the command does not accept.

use super::super::typed_line::TypedLine;
use super::suggestion::{flag_synonym, harmless, synonym};

/// The message and the hint of an error.
pub(super) type Explanation = (String, String);

const VISIBLE: &str = "other users of this machine can see the arguments of a process";

/// Explains an unexpected argument. `suggestions` contains clap's suggestions.
pub(super) fn argument(invalid: &str, suggestions: &[&str], line: &TypedLine) -> Explanation {
    if !invalid.starts_with('-') {
        return position(line);
    }
    let Some(flag) = flag(invalid) else {
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
    let hint = if has("key-file") {
        "use `--key-file FILE` for the key to check: the command needs the secret, not the name"
            .to_owned()
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
pub(super) fn command(suggestions: &[&str], line: &TypedLine) -> Explanation {
    let word = line.unknown.as_deref().unwrap_or_default();
    if line.path.is_empty()
        && let Some(meant) = synonym(word)
    {
        return (format!("unknown command `{word}`"), did_you_mean(meant));
    }
    let hint = harmless(suggestions).map_or_else(|| see_help(line), did_you_mean);
    ("unknown command".to_owned(), hint)
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

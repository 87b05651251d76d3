//! Reports errors of the argument parser. The values of arguments are not repeated, because a misplaced argument may be a password
//! (`swp-keys create hunter2`).

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind as ParseErrorKind};

use super::command_line::parser;
use crate::error::{Error, ErrorKind};
use crate::terminal::output::{Color, Format, Output};
use crate::terminal::report::report;

/// Prints the help or the version to stdout, or an error to stderr, and returns the exit code.
pub(crate) fn exit(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ParseErrorKind::DisplayHelp | ParseErrorKind::DisplayVersion => {
            // A closed pipe, as in `swp-keys --help | head`, is not an error.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ParseErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(ErrorKind::Usage.exit_code())
        }
        // clap prints help instead of this error if no arguments and no variables are set.
        ParseErrorKind::MissingSubcommand if nothing_was_typed() && !format().is_json() => {
            Output::raw_line(parser().render_help().to_string().trim_end());
            ExitCode::from(ErrorKind::Usage.exit_code())
        }
        _ => report(&to_error(error), &Output::new(format(), false, Color::Auto)),
    }
}

fn nothing_was_typed() -> bool {
    std::env::args_os().len() < 2
}

/// Returns the output format for the error. Because parsing has failed, this searches the arguments and the environment for the format.
fn format() -> Format {
    let words = std::env::args_os().skip(1);
    let words = words.map(|word| word.to_string_lossy().into_owned());
    let wanted = typed_format(words).or_else(|| std::env::var("SWP_OUTPUT").ok());
    match wanted {
        Some(wanted) if wanted.starts_with("json") => Format::Json,
        _ => Format::Text,
    }
}

/// Returns the value of `-o` or `--output`, in any notation, such as `-ojson` and `--output=json`.
fn typed_format(mut words: impl Iterator<Item = String>) -> Option<String> {
    while let Some(word) = words.next() {
        let value = match word.strip_prefix("--") {
            Some("") => return None,
            Some("output") => return words.next(),
            Some(long) => long.strip_prefix("output=").map(str::to_owned),
            // `-o` may follow flags that take no value, as in `-qojson`.
            None => match word
                .strip_prefix('-')
                .map(|short| short.trim_start_matches(['q', 'v']))
            {
                Some("o") => return words.next(),
                Some(short) => {
                    (short.strip_prefix('o')).map(|value| value.trim_start_matches('=').to_owned())
                }
                None => None,
            },
        };
        if value.is_some() {
            return value;
        }
    }
    None
}

/// Returns a part of clap's error, as text.
fn context(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(one)) => one.clone(),
        Some(ContextValue::Strings(many)) => many.join(", "),
        _ => String::new(),
    }
}

fn message(error: &clap::Error) -> String {
    let invalid = context(error, ContextKind::InvalidArg);
    match error.kind() {
        ParseErrorKind::UnknownArgument => match flag(&invalid) {
            Some(flag) => format!("unexpected argument `{flag}`"),
            None => "unexpected argument (not shown, because it may be a secret)".to_owned(),
        },
        ParseErrorKind::InvalidSubcommand => "unknown command".to_owned(),
        ParseErrorKind::MissingSubcommand => "no command given".to_owned(),
        ParseErrorKind::InvalidValue | ParseErrorKind::ValueValidation => {
            invalid_value(error, &invalid)
        }
        ParseErrorKind::MissingRequiredArgument => format!("missing {}", alternatives(&invalid)),
        ParseErrorKind::ArgumentConflict => {
            let prior = context(error, ContextKind::PriorArg);
            if prior.is_empty() || prior == invalid {
                format!("`{invalid}` was passed more than once")
            } else {
                format!("`{invalid}` and `{prior}` cannot be combined")
            }
        }
        ParseErrorKind::NoEquals
        | ParseErrorKind::TooFewValues
        | ParseErrorKind::WrongNumberOfValues
        | ParseErrorKind::TooManyValues => {
            format!("wrong number of values for `{invalid}`")
        }
        ParseErrorKind::InvalidUtf8 => match unreadable_variable() {
            Some(variable) => format!("`{variable}` is not UTF-8"),
            None => "an argument is not UTF-8".to_owned(),
        },
        _ => "invalid command line".to_owned(),
    }
}

fn invalid_value(error: &clap::Error, invalid: &str) -> String {
    let problem = if context(error, ContextKind::InvalidValue).is_empty() {
        "missing value"
    } else {
        "invalid value"
    };
    let possible = match context(error, ContextKind::ValidValue) {
        none if none.is_empty() => none,
        possible => format!(": expected one of: {possible}"),
    };
    format!(
        "{problem} for {}{possible}{}",
        origin(invalid),
        reason(error)
    )
}

fn to_error(error: &clap::Error) -> Error {
    let suggested = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand]
        .into_iter()
        .map(|kind| context(error, kind))
        .find(|suggestion| !suggestion.is_empty());
    Error::usage(
        message(error),
        match suggested {
            Some(suggestion) => {
                format!("did you mean `{suggestion}`?")
            }
            None => "see `swp-keys --help` for the commands and `swp-keys COMMAND --help` for their flags"
                .to_owned(),
        },
    )
}

/// Formats an argument or a group, which clap shows as `<--role <NAME>|--role-id <ID>>`.
fn alternatives(arguments: &str) -> String {
    let inner = arguments
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'));
    match inner {
        Some(group) if group.contains('|') => group.replace('|', " or "),
        _ => arguments.to_owned(),
    }
}

/// Returns the first variable that must be text but is not UTF-8. Variables that contain a path may contain any bytes.
fn unreadable_variable() -> Option<String> {
    let command = parser();
    let unreadable = |argument: &&clap::Arg| {
        let path = std::any::TypeId::of::<std::path::PathBuf>();
        let variable = argument.get_env().and_then(std::env::var_os);
        argument.get_value_parser().type_id() != path
            && variable.is_some_and(|value| value.to_str().is_none())
            && !is_typed(argument)
    };
    let found = command.get_arguments().find(unreadable)?.get_env()?;
    Some(found.to_string_lossy().into_owned())
}

/// Returns true if this flag was typed. Its variable is not read in this case.
fn is_typed(argument: &clap::Arg) -> bool {
    let long = argument.get_long().map(|long| format!("--{long}"));
    let short = argument.get_short().map(|short| format!("-{short}"));
    std::env::args_os().any(|word| {
        let word = word.to_string_lossy();
        long.as_ref().is_some_and(|long| word.starts_with(long))
            || (short.as_ref())
                .is_some_and(|short| word.starts_with(short) && !word.starts_with("--"))
    })
}

/// Returns the name of the flag, or of its variable if the flag was not typed.
fn origin(invalid: &str) -> String {
    let flag = invalid.split_whitespace().next().unwrap_or_default();
    let command = parser();
    let argument = command.get_arguments().find(|argument| {
        argument
            .get_long()
            .is_some_and(|long| flag.strip_prefix("--") == Some(long))
    });
    match argument.and_then(clap::Arg::get_env) {
        Some(variable) if !argument.is_some_and(is_typed) => {
            format!("`{}`", variable.to_string_lossy())
        }
        _ => format!("`{flag}`"),
    }
}

/// Returns the name of a flag without an attached value, or `None` if the argument is not a flag.
fn flag(argument: &str) -> Option<&str> {
    let name = argument.split('=').next().unwrap_or_default();
    let word = name.strip_prefix("--")?;
    let plain = word
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    (plain && !word.is_empty() && word.len() <= 30).then_some(name)
}

/// Returns the reason from a value parser. Only clap's range parser repeats the value, so its message is replaced.
fn reason(error: &clap::Error) -> String {
    let Some(reason) = std::error::Error::source(error) else {
        return String::new();
    };
    let reason = reason.to_string();
    let value = context(error, ContextKind::InvalidValue);
    match reason.strip_prefix(&format!("{value} is not in ")) {
        Some(range) => format!(": expected a number in {range}"),
        None => format!(": {reason}"),
    }
}

//! What the argument parser found wrong, said without the values: a misplaced argument may be a password
//! (`swp-keys create hunter2`).

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind as ParseErrorKind};

use super::command_line::parser;
use crate::error::{Error, ErrorKind};
use crate::terminal::output::{Color, Format, Output};
use crate::terminal::report::report;

/// Prints help or version to stdout, or an error to stderr, and returns the exit code.
pub(crate) fn exit(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ParseErrorKind::DisplayHelp | ParseErrorKind::DisplayVersion => {
            // `swp-keys --help | head` closes the pipe, and that is all right.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ParseErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(ErrorKind::Usage.exit_code())
        }
        // The parser shows help only where no variable is set either.
        ParseErrorKind::MissingSubcommand if nothing_was_typed() && !format().is_json() => {
            Output::raw_line(parser().render_help().to_string().trim_end());
            ExitCode::from(ErrorKind::Usage.exit_code())
        }
        _ => report(
            &explained(error),
            &Output::new(format(), false, Color::Auto),
        ),
    }
}

fn nothing_was_typed() -> bool {
    std::env::args_os().len() < 2
}

/// The format was not parsed, since parsing failed; what it would have been is looked for, as an error must be JSON then too.
fn format() -> Format {
    let words = std::env::args_os().skip(1);
    let words = words.map(|word| word.to_string_lossy().into_owned());
    let wanted = typed_format(words).or_else(|| std::env::var("SWP_OUTPUT").ok());
    match wanted {
        Some(wanted) if wanted.starts_with("json") => Format::Json,
        _ => Format::Text,
    }
}

/// The value of `-o` or `--output`, in every way in which it can be written.
fn typed_format(mut words: impl Iterator<Item = String>) -> Option<String> {
    while let Some(word) = words.next() {
        let value = match word.strip_prefix("--") {
            Some("") => return None,
            Some("output") => return words.next(),
            Some(long) => long.strip_prefix("output=").map(str::to_owned),
            // Behind switches that take no value, as in `-qojson`.
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

/// What the parser tells about one side of the error, in words.
fn told(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(one)) => one.clone(),
        Some(ContextValue::Strings(many)) => many.join(", "),
        _ => String::new(),
    }
}

fn message(error: &clap::Error) -> String {
    let invalid = told(error, ContextKind::InvalidArg);
    match error.kind() {
        ParseErrorKind::UnknownArgument => match flag(&invalid) {
            Some(flag) => format!("there is no flag `{flag}` here"),
            None => {
                "an argument is not expected here; it is not repeated, because it may be a secret"
                    .to_owned()
            }
        },
        ParseErrorKind::InvalidSubcommand => "there is no such command".to_owned(),
        ParseErrorKind::MissingSubcommand => "no command is given".to_owned(),
        ParseErrorKind::InvalidValue | ParseErrorKind::ValueValidation => {
            bad_value(error, &invalid)
        }
        ParseErrorKind::MissingRequiredArgument => format!("{} is missing", alternatives(&invalid)),
        ParseErrorKind::ArgumentConflict => {
            let prior = told(error, ContextKind::PriorArg);
            if prior.is_empty() || prior == invalid {
                format!("`{invalid}` is given more than once")
            } else {
                format!("`{invalid}` and `{prior}` contradict each other")
            }
        }
        ParseErrorKind::NoEquals
        | ParseErrorKind::TooFewValues
        | ParseErrorKind::WrongNumberOfValues
        | ParseErrorKind::TooManyValues => {
            format!("`{invalid}` has too few or too many values")
        }
        ParseErrorKind::InvalidUtf8 => match unreadable_variable() {
            Some(variable) => format!("`{variable}` is not UTF-8"),
            None => "an argument is not UTF-8".to_owned(),
        },
        _ => "the command line is not usable".to_owned(),
    }
}

fn bad_value(error: &clap::Error, invalid: &str) -> String {
    let problem = if told(error, ContextKind::InvalidValue).is_empty() {
        "is missing"
    } else {
        "is not usable"
    };
    let possible = match told(error, ContextKind::ValidValue) {
        none if none.is_empty() => none,
        possible => format!("; it takes {possible}"),
    };
    format!(
        "the value of {} {problem}{possible}{}",
        origin(invalid),
        reason(error)
    )
}

fn explained(error: &clap::Error) -> Error {
    let suggested = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand]
        .into_iter()
        .map(|kind| told(error, kind))
        .find(|suggestion| !suggestion.is_empty());
    Error::usage(
        message(error),
        match suggested {
            Some(suggestion) => {
                format!("did you mean `{suggestion}`? `swp-keys --help` lists all there is")
            }
            None => "`swp-keys --help` lists the commands, and `swp-keys COMMAND --help` its flags"
                .to_owned(),
        },
    )
}

/// A group is shown by clap as `<--role <NAME>|--role-id <ID>>`.
fn alternatives(arguments: &str) -> String {
    let inner = arguments
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'));
    match inner {
        Some(group) if group.contains('|') => group.replace('|', " or "),
        _ => arguments.to_owned(),
    }
}

/// The first variable that is not UTF-8 and counts as text; one that names a file may hold any bytes.
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

/// Whether this flag of the command line was typed, and its variable is not read.
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

/// The flag, or the variable where the flag was not typed and the value can only have come from there.
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

/// A flag's name without a value that may hang on it; nothing that is no flag.
fn flag(argument: &str) -> Option<&str> {
    let name = argument.split('=').next().unwrap_or_default();
    let word = name.strip_prefix("--")?;
    let plain = word
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    (plain && !word.is_empty() && word.len() <= 30).then_some(name)
}

/// What a parser says is wrong. Those of this program never quote the value; clap's parser of numbers in a range does.
fn reason(error: &clap::Error) -> String {
    let Some(reason) = std::error::Error::source(error) else {
        return String::new();
    };
    let reason = reason.to_string();
    let value = told(error, ContextKind::InvalidValue);
    match reason.strip_prefix(&format!("{value} is not in ")) {
        Some(range) => format!(": it takes a number in {range}"),
        None => format!(": {reason}"),
    }
}

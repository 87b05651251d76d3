//! Prints an error of the argument parser, or the help.

use std::io::Write as _;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind as ParseErrorKind};

use super::super::command_line::parser;
use super::super::help;
use super::super::help::OVERVIEW;
use super::super::typed_line::{HelpForm, TypedLine};
use super::origin::{Origin, origin, unreadable_variable};
use super::unexpected;
use crate::error::{Error, ErrorKind};
use crate::terminal::output::{Color, Format, Output};
use crate::terminal::report::report;

/// Prints the help or the version to stdout, or an error to stderr, and returns the exit code.
pub(crate) fn exit(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ParseErrorKind::DisplayVersion => print(error),
        ParseErrorKind::DisplayHelp if first_argument("--help") => program_page(),
        ParseErrorKind::DisplayHelp if first_argument("-h") => overview(),
        _ if nothing_was_typed() && !format().is_json() => {
            Output::raw_line(OVERVIEW);
            ExitCode::from(ErrorKind::Usage.exit_code())
        }
        _ => with_typed_line(error, TypedLine::of_process()),
    }
}

fn with_typed_line(error: &clap::Error, line: TypedLine) -> ExitCode {
    let asks_for_help = line.path.is_empty() && line.unknown.as_deref() == Some("help");
    match line.help {
        Some(_) if asks_for_help => overview(),
        Some(HelpForm::Short) if line.path.is_empty() => overview(),
        Some(HelpForm::Long) if line.path.is_empty() => program_page(),
        Some(form) => page(line.command, form),
        None if asks_for_help => help_about(&line.rest),
        None => {
            let lacks_subcommand = matches!(
                error.kind(),
                ParseErrorKind::MissingSubcommand
                    | ParseErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            );
            if lacks_subcommand && !line.path.is_empty() && !format().is_json() {
                let mut page = help::of_command(line.command, HelpForm::Short);
                Output::raw_line(page.render_help().to_string().trim_end());
                return ExitCode::from(ErrorKind::Usage.exit_code());
            }
            report_error(error, &line)
        }
    }
}

/// Prints the help page for `swp-keys help WORDS`.
fn help_about(words: &[String]) -> ExitCode {
    match words {
        [] => overview(),
        [only] if only == help::OPTIONS => {
            let _ = help::of_options().print_help();
            ExitCode::SUCCESS
        }
        words => {
            let line = TypedLine::read(words.iter().cloned());
            if line.unknown.is_none() {
                return page(line.command, HelpForm::Long);
            }
            let (message, hint) = unexpected::command(&line);
            let output = Output::new(format(), false, Color::Auto);
            report(&Error::usage(message, hint), &output)
        }
    }
}

/// Prints the help or version that clap has rendered. A write error is ignored, because a closed pipe, as in `swp-keys --version | head`, must not
/// fail the run.
fn print(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::SUCCESS
}

/// Prints the long help of the program.
fn program_page() -> ExitCode {
    // clap copies every global flag to every command, which takes time. This page does not show the flags of commands. So the global flags become
    // ordinary flags here, which clap does not copy.
    let program = parser().mut_args(|flag| flag.global(false));
    let _ = help::of_program(program).print_long_help();
    ExitCode::SUCCESS
}

fn page(command: clap::Command, form: HelpForm) -> ExitCode {
    let mut page = help::of_command(command, form);
    let _ = match form {
        HelpForm::Short => page.print_help(),
        HelpForm::Long => page.print_long_help(),
    };
    ExitCode::SUCCESS
}

fn overview() -> ExitCode {
    let _ = writeln!(std::io::stdout(), "{OVERVIEW}");
    ExitCode::SUCCESS
}

fn report_error(error: &clap::Error, line: &TypedLine) -> ExitCode {
    let output = Output::new(format(), false, Color::Auto);
    let code = report(&to_error(error, line), &output);
    if let Some(usage) = usage_line(error, line).filter(|_| !format().is_json()) {
        Output::raw_line(&usage);
    }
    code
}

fn nothing_was_typed() -> bool {
    std::env::args_os().len() < 2
}

fn first_argument(word: &str) -> bool {
    std::env::args_os()
        .nth(1)
        .is_some_and(|first| first == word)
}

/// Returns the format in which the error is printed. The format is searched for in the words of the command line and in the environment, because clap
/// returned no parsed flags.
fn format() -> Format {
    let words = std::env::args_os().skip(1);
    let words = words.map(|word| word.to_string_lossy().into_owned());
    let wanted = typed_format(words).or_else(|| std::env::var("SWP_OUTPUT").ok());
    match wanted {
        Some(wanted) if wanted.starts_with("json") => Format::Json,
        _ => Format::Text,
    }
}

/// Returns the value of `-o` or `--output`. Accepts every notation, such as `-ojson` and `--output=json`.
fn typed_format(mut words: impl Iterator<Item = String>) -> Option<String> {
    while let Some(word) = words.next() {
        let value = match word.strip_prefix("--") {
            Some("") => return None,
            Some("output") => return words.next(),
            Some(long) => long.strip_prefix("output=").map(str::to_owned),
            // `-o` may follow short flags that take no value, as in `-qojson`.
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

/// Returns a value from the context of clap's error, such as the name of the invalid argument, as text.
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
        ParseErrorKind::MissingSubcommand => "no command given".to_owned(),
        ParseErrorKind::InvalidValue | ParseErrorKind::ValueValidation => {
            invalid_value(error, &invalid)
        }
        ParseErrorKind::MissingRequiredArgument => format!("missing {}", missing(error)),
        ParseErrorKind::ArgumentConflict => {
            let prior = context(error, ContextKind::PriorArg);
            if prior.is_empty() || prior == invalid {
                format!("`{invalid}` was passed more than once")
            } else {
                format!("`{invalid}` and `{prior}` cannot be combined")
            }
        }
        ParseErrorKind::TooManyValues => format!("`{}` takes no value", first_word(&invalid)),
        ParseErrorKind::NoEquals
        | ParseErrorKind::TooFewValues
        | ParseErrorKind::WrongNumberOfValues => {
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

fn to_error(error: &clap::Error, line: &TypedLine) -> Error {
    let invalid = context(error, ContextKind::InvalidArg);
    let (message, hint) = match error.kind() {
        ParseErrorKind::UnknownArgument => {
            let suggested = context(error, ContextKind::SuggestedArg);
            unexpected::argument(&invalid, &[&suggested], line)
        }
        ParseErrorKind::InvalidSubcommand => unexpected::command(line),
        ParseErrorKind::InvalidValue | ParseErrorKind::ValueValidation => {
            let hint = match origin(&invalid) {
                Origin::Flag(_) => unexpected::see_help(line),
                Origin::GlobalFlag(_) => {
                    "run `swp-keys help options` to list the values".to_owned()
                }
                Origin::Variable(name) => format!("change or unset `{name}`"),
            };
            (message(error), hint)
        }
        _ => (message(error), unexpected::see_help(line)),
    };
    Error::usage(message, hint)
}

/// Returns the usage line of the command, such as `usage: swp-keys ...`. Returns `None` if the error is about an invalid value, because its message
/// already names the flag.
fn usage_line(error: &clap::Error, line: &TypedLine) -> Option<String> {
    let about_value = matches!(
        error.kind(),
        ParseErrorKind::InvalidValue
            | ParseErrorKind::ValueValidation
            | ParseErrorKind::InvalidUtf8
    );
    if about_value || line.path.is_empty() {
        return None;
    }
    let usage = line.command.clone().render_usage().to_string();
    let usage = usage.lines().next()?.strip_prefix("Usage: ")?;
    Some(format!("usage: {usage}"))
}

/// Returns the names of the missing required arguments as text.
fn missing(error: &clap::Error) -> String {
    let arguments = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(many)) => many.clone(),
        _ => vec![context(error, ContextKind::InvalidArg)],
    };
    // Groups of alternative flags are listed last, because the text of a group is longer than that of a single argument.
    let is_group = |argument: &&String| argument.contains('|');
    let (groups, single): (Vec<_>, Vec<_>) = arguments.iter().partition(is_group);
    let ordered = single.into_iter().chain(groups);
    let formatted: Vec<_> = ordered.map(|one| alternatives(one)).collect();
    formatted.join(" and ")
}

/// Returns clap's text for missing arguments in a readable form. For example, `<--role <NAME>|--role-id <ID>>` becomes `--role <NAME> or --role-id
/// <ID>`.
fn alternatives(arguments: &str) -> String {
    let inner = arguments
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'));
    match inner {
        Some(group) if group.matches('|').count() > 2 => {
            let flags: Vec<_> = group.split('|').map(first_word).collect();
            format!("one of {}", flags.join(", "))
        }
        Some(group) if group.contains('|') => group.replace('|', " or "),
        Some(name) => name.to_owned(),
        None => match arguments
            .strip_suffix("...")
            .filter(|one| one.starts_with('<'))
        {
            Some(one) => alternatives(one),
            None => arguments.to_owned(),
        },
    }
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// Returns the reason why clap rejected a value. clap's reason for a number may contain the value (`70000 is not in 1..=65535`). In this case,
/// returns a reason without the value (`expected a number in 1..=65535`).
fn reason(error: &clap::Error) -> String {
    let Some(reason) = std::error::Error::source(error) else {
        return String::new();
    };
    if reason.is::<std::num::ParseIntError>() {
        return ": expected a whole number".to_owned();
    }
    let reason = reason.to_string();
    let value = context(error, ContextKind::InvalidValue);
    match reason.strip_prefix(&format!("{value} is not in ")) {
        Some(range) => format!(": expected a number in {range}"),
        None => format!(": {reason}"),
    }
}

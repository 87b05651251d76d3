//! What can be typed next, for the shells: commands, flags and values from the parser, roles and keys from the manager.
//!
//! The scripts of `commands/completions/` run `swp-keys __complete`. A person is typing meanwhile, so this asks nobody for anything,
//! says nothing, signs in with no password, and is done within a second. Where that cannot be, there is nothing to complete.

mod bash_line;
mod candidates;

use std::ffi::OsString;
use std::io::Write as _;

use clap::ValueHint;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate, complete};

use crate::cli;
use bash_line::Line;

/// What a shell asks.
pub(crate) struct Asked {
    /// The words before the one that is being typed, the program's name first.
    before: Vec<OsString>,
    /// The one that is being typed, as the program would get it.
    current: OsString,
    /// The line itself, where the shell does not quote what it is answered.
    line: Option<Line>,
}

/// Whether a shell asks: `__complete bash LINE POINT`, or `__complete SHELL =CURRENT WORD...`.
pub(crate) fn asked(mut arguments: impl Iterator<Item = OsString>) -> Option<Asked> {
    let program = arguments.next()?;
    if arguments.next()? != "__complete" {
        return None;
    }
    let nothing = Asked {
        before: Vec::new(),
        current: OsString::new(),
        line: None,
    };
    let is_bash = arguments.next().is_some_and(|shell| shell == "bash");
    let first = arguments.next().and_then(|text| text.into_string().ok());
    let Some(first) = first else {
        return Some(nothing);
    };
    if is_bash {
        let point = arguments
            .next()
            .and_then(|point| point.to_str()?.parse().ok());
        let line = Line::read(&first, point.unwrap_or(first.len()));
        return Some(line.map_or(nothing, |line| Asked {
            before: line.before.iter().map(OsString::from).collect(),
            current: line.current.clone().into(),
            line: Some(line),
        }));
    }
    let current = first.strip_prefix('=').unwrap_or(&first);
    Some(Asked {
        before: [program].into_iter().chain(arguments).collect(),
        current: current.into(),
        line: None,
    })
}

/// Writes what fits, one a line; what it is stands behind a tab, where the shell shows that.
pub(crate) fn answer(asked: &Asked) {
    let mut words = asked.before.clone();
    if words.is_empty() {
        return;
    }
    let index = words.len();
    words.push(asked.current.clone());
    // Behind `--help`, say, a command can be completed that is not there for help.
    let first = (asked.before.get(1)).filter(|word| !word.as_encoded_bytes().starts_with(b"-"));
    let command = cli::command_for(first.map(OsString::as_os_str));
    let mut command = with_names(command, asked);
    let folder = std::env::current_dir().ok();
    let found = complete(&mut command, words, index, folder.as_deref()).unwrap_or_default();
    // Flags are offered to who begins one, or where there is nothing else.
    let is_flag = |candidate: &CompletionCandidate| {
        candidate.get_value().as_encoded_bytes().starts_with(b"-")
    };
    let flags = asked.current.as_encoded_bytes().starts_with(b"-") || found.iter().all(is_flag);
    let answer: String = found
        .iter()
        .filter(|candidate| flags || !is_flag(candidate))
        .filter_map(|candidate| shown(candidate, asked.line.as_ref()))
        .map(|line| line + "\n")
        .collect();
    // A shell that does not listen any more has all it wants.
    let _ = std::io::stdout().lock().write_all(answer.as_bytes());
}

fn shown(candidate: &CompletionCandidate, line: Option<&Line>) -> Option<String> {
    let value = candidate.get_value().to_str()?;
    if !is_harmless(value) {
        return None;
    }
    if let Some(line) = line {
        return line.quoted(value);
    }
    let help = candidate.get_help().map(ToString::to_string);
    let help = help.as_deref().and_then(|help| help.lines().next());
    Some(match help.filter(|help| is_harmless(help)) {
        Some(help) => format!("{value}\t{help}"),
        None => value.to_owned(),
    })
}

/// Whether a shell and a terminal take it for text: a line break or an escape would be a line or an order of its own.
fn is_harmless(text: &str) -> bool {
    crate::terminal::output::is_plain(text)
}

/// The parser, which asks the manager for what is a role or a key.
fn with_names(command: clap::Command, asked: &Asked) -> clap::Command {
    command
        .mut_args(|argument| of_argument(argument, asked))
        .mut_subcommands(|command| with_names(command, asked))
}

fn of_argument(argument: clap::Arg, asked: &Asked) -> clap::Arg {
    let is_named = |name: &str| {
        let names = argument.get_value_names().unwrap_or_default();
        names.iter().any(|other| other.as_str() == name)
    };
    let id = argument.get_id().as_str();
    let is_role = id == "role" || is_named("ROLE") || (id == "name" && argument.is_positional());
    let is_key = is_named("KEY");
    let before = asked.before.clone();
    if is_role {
        argument.add(ArgValueCandidates::new(move || candidates::roles(&before)))
    } else if is_key {
        let current = asked.current.to_string_lossy().into_owned();
        argument.add(ArgValueCandidates::new(move || {
            candidates::keys(&before, &current)
        }))
    } else if is_named("FILE") || is_named("PATH") {
        argument.value_hint(ValueHint::FilePath)
    } else {
        argument
    }
}

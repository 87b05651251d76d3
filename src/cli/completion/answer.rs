//! Prints the completion candidates for a request of a shell.

use std::io::Write as _;

use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate, complete};

use super::bash_line::BashLine;
use super::candidates;
use super::candidates::is_safe;
use super::request::Request;
use crate::cli::command_line::parser;
use crate::cli::help::OPTIONS;
use crate::terminal::output::is_plain;

/// Stands for a newline in the value of a line, because each line contains one candidate.
const NEWLINE: &str = "\u{1f}";

/// Prints one candidate per line. If the shell shows descriptions, a tab and the description follow the candidate. A line that starts with a tab
/// contains no candidate. It names what the shell completes itself: `files`, `toml` (TOML files), `folders`, or `command` (the command after `--`).
/// The shell does this best, because it expands `~` and variables and knows how the user's own commands are completed.
pub(crate) fn answer(request: &Request) {
    let mut words = request.before.clone();
    if words.is_empty() {
        return;
    }
    let index = words.len();
    words.push(request.current.clone());
    let mut command = with_help(with_candidates(parser(), request));
    let folder = std::env::current_dir().ok();
    let found = complete(&mut command, words, index, folder.as_deref()).unwrap_or_default();
    // Flags are offered only if the word starts with a dash, or if there are no other candidates.
    let is_flag = |candidate: &CompletionCandidate| {
        candidate.get_value().as_encoded_bytes().starts_with(b"-")
    };
    let flags = request.current.as_encoded_bytes().starts_with(b"-") || found.iter().all(is_flag);
    let answer: String = found
        .iter()
        .filter(|candidate| flags || !is_flag(candidate))
        .filter_map(|candidate| line_of(candidate, request.line.as_ref()))
        .map(|line| line + "\n")
        .collect();
    // A write error is ignored, because it means that the shell has closed the pipe and no longer needs the candidates.
    let _ = std::io::stdout().lock().write_all(answer.as_bytes());
}

/// Returns the line for one candidate. Returns `None` if the candidate contains characters that a shell or a terminal could interpret.
fn line_of(candidate: &CompletionCandidate, line: Option<&BashLine>) -> Option<String> {
    let value = candidate.get_value().to_str()?;
    if let Some((_, work)) = value.split_once('\t') {
        return Some(format!("\t{work}"));
    }
    if !is_safe(value) {
        return None;
    }
    if let Some(line) = line {
        return line.quoted(value);
    }
    let value = value.replace('\n', NEWLINE);
    let help = candidate.get_help().map(ToString::to_string);
    let help = help.as_deref().and_then(|help| help.lines().next());
    Some(match help.filter(|help| is_plain(help)) {
        Some(help) => format!("{value}\t{help}"),
        None => value,
    })
}

/// Adds the command `help` for completion, because the parser does not contain it. `swp-keys help COMMAND` prints the help of that command.
fn with_help(program: clap::Command) -> clap::Command {
    let names = program
        .get_subcommands()
        .flat_map(clap::Command::get_name_and_visible_aliases);
    let topics: Vec<String> = names.chain([OPTIONS]).map(str::to_owned).collect();
    let topic = clap::Arg::new("topic").add(ArgValueCandidates::new(move || {
        topics.iter().map(CompletionCandidate::new).collect()
    }));
    let about = "Show the help of a command";
    program.subcommand(clap::Command::new("help").about(about).arg(topic))
}

/// Adds completion candidates to each argument that expects a role, an API key, a path or a command. Roles and keys are names from the manager.
/// Paths and commands are left to the shell.
fn with_candidates(command: clap::Command, request: &Request) -> clap::Command {
    command
        .mut_args(|argument| argument_with_candidates(argument, request))
        .mut_subcommands(|command| with_candidates(command, request))
}

fn argument_with_candidates(argument: clap::Arg, request: &Request) -> clap::Arg {
    let is_named = |name: &str| {
        let names = argument.get_value_names().unwrap_or_default();
        names.iter().any(|other| other.as_str() == name)
    };
    let id = argument.get_id().as_str();
    let is_role = id == "role" || is_named("ROLE") || (id == "name" && argument.is_positional());
    let is_key = is_named("KEY");
    let before = request.before.clone();
    if is_role {
        argument.add(ArgValueCandidates::new(move || candidates::roles(&before)))
    } else if is_key {
        let current = request.current.to_string_lossy().into_owned();
        argument.add(ArgValueCandidates::new(move || {
            candidates::keys(&before, &current)
        }))
    } else if id == "file" && argument.get_short() == Some('f') {
        argument.add(by_shell("\ttoml"))
    } else if is_named("FILE") || is_named("PATH") {
        argument.add(by_shell("\tfiles"))
    } else if is_named("DIR") {
        argument.add(by_shell("\tfolders"))
    } else if is_named("CMD") && request.before.iter().any(|word| word == "--") {
        argument.add(by_shell("\tcommand"))
    } else {
        argument
    }
}

/// Returns a completer whose only candidate names what the shell completes.
fn by_shell(work: &'static str) -> ArgValueCompleter {
    ArgValueCompleter::new(move |_: &std::ffi::OsStr| vec![CompletionCandidate::new(work)])
}

//! What can be typed: the global flags, the list of commands, and the help.
//!
//! Values stay as they were typed; `settings.rs` gives them their meaning, so that a message can say where a value came from.

pub(crate) mod completion;
mod table;
pub(crate) mod usage_error;

use std::ffi::{OsStr, OsString};
use std::mem::ManuallyDrop;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args as _, CommandFactory as _, FromArgMatches as _, Parser};

pub(crate) use crate::config::global_args::{ApiKeyScheme, Global};
pub(crate) use table::Command;

/// What was typed, and what variables say.
pub(crate) struct Cli {
    /// The flags that every command takes.
    pub(crate) global: Global,
    /// Where those come from.
    pub(crate) sources: Sources,
    /// What to do.
    pub(crate) command: Command,
}

/// What of the global flags was typed, what came from a variable, and what is a default.
pub(crate) struct Sources(Vec<(clap::Id, ValueSource)>);

impl Sources {
    /// As the parser found them.
    pub(crate) fn of(matches: &ArgMatches) -> Self {
        let source = |id: &clap::Id| Some((id.clone(), matches.value_source(id.as_str())?));
        Self(matches.ids().filter_map(source).collect())
    }

    /// Where the flag of this name in the parser comes from.
    pub(crate) fn get(&self, id: &str) -> Option<ValueSource> {
        let known = self.0.iter().find(|(known, _)| known == id);
        known.map(|(_, source)| *source)
    }
}

impl Cli {
    /// Reads a command line, the program's name first, and what variables say.
    ///
    /// # Errors
    /// Those of the parser, to which help is one.
    pub(crate) fn read(words: &[OsString]) -> Result<Self, clap::Error> {
        // Never taken apart, which would take as long as to parse: the process ends soon, and what was typed is in its argv anyway.
        let command = command_for(words.get(1).map(OsString::as_os_str));
        let parser = &mut *ManuallyDrop::new(command);
        let stand_alone = parser.get_arguments().next().is_none();
        let matches = &mut *ManuallyDrop::new(parser.try_get_matches_from_mut(words)?);
        let (name, own) = (matches.remove_subcommand())
            .ok_or_else(|| clap::Error::new(ErrorKind::MissingSubcommand))?;
        let own = &mut *ManuallyDrop::new(own);
        let flags = if stand_alone { &mut *own } else { matches };
        Ok(Self {
            sources: Sources::of(flags),
            global: Global::from_arg_matches_mut(flags)?,
            command: Command::read(&name, own)?,
        })
    }
}

/// Get the first API key from Deep Security Manager (Workload Security, Vision One Server & Workload Protection).
#[derive(Parser)]
#[command(
    name = "swp-keys",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = AFTER_HELP
)]
struct Program {}

/// The parser with every command.
pub(crate) fn command() -> clap::Command {
    with_global_flags(all(true), true)
}

/// The parser of a command line that begins with this word, without what is not needed then. The parser gives each command a copy of
/// each global flag, and to make them all was two thirds of what `create` reckoned; where the first word is the command, all flags
/// come behind it, and it alone is made, with the flags as its own.
pub(crate) fn command_for(first: Option<&OsStr>) -> clap::Command {
    let first = first.and_then(OsStr::to_str).unwrap_or_default();
    if ["-h", "--help", "-V", "--version"].contains(&first) {
        return with_global_flags(all(false), false);
    }
    match table::find(first) {
        Some(only) => {
            let only = only.command(true);
            let has_commands = only.get_subcommands().next().is_some();
            Program::command().subcommand(with_global_flags(only, has_commands))
        }
        None => command(),
    }
}

fn all(with_flags: bool) -> clap::Command {
    Program::command().subcommands(
        table::COMMANDS
            .iter()
            .map(|entry| entry.command(with_flags)),
    )
}

/// Whether flags are `passed_on` to the commands of a command decides where they may be typed. An empty variable counts as none: that
/// is how one is switched off in many a CI system.
fn with_global_flags(command: clap::Command, passed_on: bool) -> clap::Command {
    let mut command = added(command, Global::augment_args);
    if passed_on {
        command = command.mut_args(|argument| argument.global(true));
    }
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let switched_off: Vec<_> = (command.get_arguments())
        .filter(|argument| argument.get_env().is_some_and(is_empty))
        .map(|argument| argument.get_id().clone())
        .collect();
    for flag in switched_off {
        command = command.mut_arg(flag, |argument| argument.env(None::<&str>));
    }
    command
}

/// What is added to a command brings its own description, which is not the command's.
fn added(command: clap::Command, add: fn(clap::Command) -> clap::Command) -> clap::Command {
    let about = command.get_about().cloned().unwrap_or_default();
    let long_about = command.get_long_about().cloned();
    let command = add(command).about(about);
    match long_about {
        Some(long_about) => command.long_about(long_about),
        None => command,
    }
}

const AFTER_HELP: &str = "\
Exit codes: 0 done, 2 usage, 3 not found, 4 sign-in refused or locked (do not repeat), 5 forbidden, 6 exists already or \
ambiguous, 7 TLS trust, 8 unreachable, 9 rate limited, 10 not delivered and undone, 11 not settled (`swp-keys recover` \
first, do not repeat), 12 some of several failed, 13 a check said no, 128 + N, such as 130 or 143, interrupted by signal N and cleaned up, 1 anything else.";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// By every name that it has: what is made for it alone is what it takes, and as much of it.
    #[test]
    fn a_command_that_is_made_alone_takes_what_it_takes_among_all() {
        let mut all = command();
        all.build();
        for among in all.get_subcommands() {
            let names = std::iter::once(among.get_name()).chain(among.get_all_aliases());
            for name in names {
                let mut parser = command_for(Some(OsStr::new(name)));
                parser.build();
                let alone = parser.find_subcommand(name);
                let flags = |command: &clap::Command| -> BTreeSet<String> {
                    let flags = command.get_arguments();
                    flags.map(|flag| flag.get_id().to_string()).collect()
                };
                assert_eq!(alone.map(flags), Some(flags(among)), "{name}");
                let commands = alone.map(|alone| alone.get_subcommands().count());
                assert_eq!(commands, Some(among.get_subcommands().count()), "{name}");
                assert_eq!(parser.get_subcommands().count(), 1, "{name}");
            }
        }
    }

    /// A variable may hold what is nobody else's business, and help is what people copy into issues.
    #[test]
    fn help_never_shows_the_value_of_a_variable() {
        let mut all = command();
        all.build();
        for command in all.get_subcommands().chain([&all]) {
            let shown = command
                .get_arguments()
                .filter(|flag| flag.get_env().is_some() && !flag.is_hide_env_values_set())
                .count();
            assert_eq!(shown, 0, "{}", command.get_name());
        }
    }
}

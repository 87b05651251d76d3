//! The command-line parser: the global flags and the commands, derived with clap.
//!
//! clap stores the values of global flags as text. The module `config` parses them, so that an error can name the flag, environment variable or file
//! that contains the invalid value.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands;
use crate::config::global_args::{GlobalArgs, Sources};

/// Get the first API key from Deep Security Manager (Workload Security, Vision One Server & Workload Protection).
#[derive(Parser)]
#[command(
    name = NAME,
    version,
    max_term_width = WIDTH,
    disable_help_subcommand = true,
    after_help = super::exit_codes::paragraph()
)]
pub(crate) struct Cli {
    /// The flags that every command accepts. The help lists them after the flags of the command.
    #[command(flatten, next_display_order = GLOBAL_ORDER)]
    pub(crate) global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands, in the order of the help. The doc comment of each `Args` is the help text of its command.
#[derive(Subcommand)]
pub(crate) enum Command {
    #[command(visible_alias = "create")]
    CreateKey(commands::create_key::Args),
    FindRole(commands::find_role::Args),
    #[command(visible_alias = "list")]
    ListKeys(commands::list_keys::Args),
    #[command(visible_alias = "show")]
    ShowKey(commands::show_key::Args),
    #[command(visible_alias = "update")]
    UpdateKey(commands::update_key::Args),
    #[command(visible_alias = "lock")]
    LockKey(commands::lock_key::Args),
    #[command(visible_alias = "unlock")]
    UnlockKey(commands::unlock_key::Args),
    #[command(visible_alias = "delete")]
    DeleteKey(commands::delete_key::Args),
    #[command(visible_alias = "rotate")]
    RotateKey(commands::rotate_key::Args),
    Exec(commands::exec::Args),
    Plan(commands::plan::Args),
    Apply(commands::apply::Args),
    ListRoles(commands::list_roles::Args),
    ShowRole(commands::show_role::Args),
    Login(commands::login::Args),
    Logout(commands::logout::Args),
    Trust(commands::trust::Args),
    Whoami(commands::whoami::Args),
    #[command(visible_alias = "verify")]
    VerifyKey(commands::verify_key::Args),
    Recover(commands::recover::Args),
    Doctor(commands::doctor::Args),
    Config(commands::config::Args),
    Completions(commands::completions::Args),
    Man(commands::man::Args),
    #[cfg(feature = "sandbox")]
    Sandbox(commands::sandbox::Args),
}

impl Cli {
    /// Parses the words of a command line, including the program's name. A flag that is not typed is read from its environment variable. Also returns
    /// where the value of each global flag comes from.
    ///
    /// # Errors
    /// Returns clap's error. For `--help` and `--version`, clap returns an error too.
    pub(crate) fn read(words: &[OsString]) -> Result<(Self, Sources), clap::Error> {
        let first = words.get(1).and_then(|word| word.to_str());
        let matches = parser_for(first.unwrap_or_default()).try_get_matches_from(words)?;
        // clap stores the values of the global flags in the matches of the command, even if the flags were typed before the command.
        let (_, flags) = matches
            .subcommand()
            .ok_or_else(|| clap::Error::new(ErrorKind::MissingSubcommand))?;
        let cli = Self {
            global: GlobalArgs::from_arg_matches(flags)?,
            command: Command::from_arg_matches(&matches)?,
        };
        Ok((cli, Sources::of(flags)))
    }
}

/// Returns the parser with all commands. An empty environment variable counts as unset, because many CI systems cannot unset a variable.
pub(crate) fn parser() -> clap::Command {
    without_empty_variables(Cli::command())
}

/// Returns the parser for a command line whose first word is `first`. If this word is a command, the parser contains only this command. Building the
/// parser with all commands would take a sixth of the instructions of a `create` run (1.4 of 8.3 million).
///
/// The program's flags are added to the command as ordinary flags. clap reads the environment variable of a global flag even if the flag was typed.
/// So clap would reject an invalid variable although the typed flag overrides it.
fn parser_for(first: &str) -> clap::Command {
    // clap ends at the first of these flags, so the commands and the other flags are not needed. `usage_error` prints the help.
    if ["-h", "--help", "-V", "--version"].contains(&first) {
        return clap::Command::new(NAME).version(env!("CARGO_PKG_VERSION"));
    }
    let Some((name, alias, augment)) = command_named(first) else {
        return parser();
    };
    let global =
        GlobalArgs::augment_args(clap::Command::new(NAME).next_display_order(GLOBAL_ORDER));
    let command = clap::Command::new(name).aliases(alias);
    let command = augment(command);
    // A command with subcommands gets the flags as global flags of clap, so that the subcommands accept them. A command without subcommands gets
    // ordinary flags. This saves 3 % of the instructions of a `create` run.
    let is_global = command.has_subcommands();
    let flags = global.get_arguments().cloned();
    let command = command.args(flags.map(|flag| flag.global(is_global)));
    clap::Command::new(NAME)
        .max_term_width(WIDTH)
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .subcommand(without_empty_variables(command))
}

type Augment = fn(clap::Command) -> clap::Command;

/// Finds a command by its name or alias. Returns the command's name, alias and flags.
fn command_named(word: &str) -> Option<(&'static str, Option<&'static str>, Augment)> {
    use commands::*;

    let command: (_, _, Augment) = match word {
        "create-key" | "create" => ("create-key", Some("create"), create_key::Args::augment_args),
        "find-role" => ("find-role", None, find_role::Args::augment_args),
        "list-keys" | "list" => ("list-keys", Some("list"), list_keys::Args::augment_args),
        "show-key" | "show" => ("show-key", Some("show"), show_key::Args::augment_args),
        "update-key" | "update" => ("update-key", Some("update"), update_key::Args::augment_args),
        "lock-key" | "lock" => ("lock-key", Some("lock"), lock_key::Args::augment_args),
        "unlock-key" | "unlock" => ("unlock-key", Some("unlock"), unlock_key::Args::augment_args),
        "delete-key" | "delete" => ("delete-key", Some("delete"), delete_key::Args::augment_args),
        "rotate-key" | "rotate" => ("rotate-key", Some("rotate"), rotate_key::Args::augment_args),
        "exec" => ("exec", None, exec::Args::augment_args),
        "plan" => ("plan", None, plan::Args::augment_args),
        "apply" => ("apply", None, apply::Args::augment_args),
        "list-roles" => ("list-roles", None, list_roles::Args::augment_args),
        "show-role" => ("show-role", None, show_role::Args::augment_args),
        "login" => ("login", None, login::Args::augment_args),
        "logout" => ("logout", None, logout::Args::augment_args),
        "trust" => ("trust", None, trust::Args::augment_args),
        "whoami" => ("whoami", None, whoami::Args::augment_args),
        "verify-key" | "verify" => ("verify-key", Some("verify"), verify_key::Args::augment_args),
        "recover" => ("recover", None, recover::Args::augment_args),
        "doctor" => ("doctor", None, doctor::Args::augment_args),
        "config" => ("config", None, config::Args::augment_args),
        "completions" => ("completions", None, completions::Args::augment_args),
        "man" => ("man", None, man::Args::augment_args),
        #[cfg(feature = "sandbox")]
        "sandbox" => ("sandbox", None, sandbox::Args::augment_args),
        _ => return None,
    };
    Some(command)
}

fn without_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty = |argument: &clap::Arg| {
        let value = argument.get_env().and_then(std::env::var_os);
        value.is_some_and(|value| value.is_empty())
    };
    if !command.get_arguments().any(is_empty) {
        return command;
    }
    command.mut_args(|argument| match is_empty(&argument) {
        true => argument.env(None::<&str>),
        false => argument,
    })
}

/// The position of the global flags in the help: after the flags of a command.
const GLOBAL_ORDER: usize = 100;
const NAME: &str = "swp-keys";
/// The maximum width of the help, in columns.
pub(crate) const WIDTH: usize = 100;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Covers every name and alias of the commands.
    #[test]
    fn a_command_has_the_same_flags_as_the_first_word_and_after_flags() {
        let mut all = parser();
        all.build();
        for expected in all.get_subcommands() {
            for name in std::iter::once(expected.get_name()).chain(expected.get_all_aliases()) {
                let mut parser = parser_for(name);
                parser.build();
                let command = parser.find_subcommand(name);
                let flags = |command: &clap::Command| -> BTreeSet<String> {
                    let flags = command.get_arguments();
                    flags.map(|flag| flag.get_id().to_string()).collect()
                };
                assert_eq!(command.map(flags), Some(flags(expected)), "{name}");
                let commands = command.map(|command| command.get_subcommands().count());
                assert_eq!(commands, Some(expected.get_subcommands().count()), "{name}");
            }
        }
    }

    /// The value of an environment variable may be confidential, and users copy help texts into public issues.
    #[test]
    fn help_never_shows_the_value_of_a_variable() {
        let mut all = parser();
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

//! Builds the help page of a command, and the help page of the flags that every command accepts.

use clap::Args as _;

use super::super::typed_line::HelpForm;
use super::examples::{section, with_own_examples};
use crate::config::global_args::GlobalArgs;

/// The maximum number of lines of a short help page, so that the page fits on a terminal.
const SCREEN: usize = 40;
const MORE: &str = "Run `swp-keys help options` to list the flags that every command accepts.";

/// Adds the texts of the help page to the command. The caller must first call clap's `build` on `command`, because `build` adds the global flags.
pub(crate) fn of_command(command: clap::Command, form: HelpForm) -> clap::Command {
    if form == HelpForm::Long {
        return with_own_examples(command);
    }
    let page = with_own_examples(command.clone());
    let text = page.get_after_help().map(ToString::to_string);
    let parts = [text.as_deref(), Some(MORE)];
    let page = own_flags(page).after_help(
        parts
            .map(Option::unwrap_or_default)
            .join("\n\n")
            .trim_start()
            .to_owned(),
    );
    if lines(&page) <= SCREEN {
        return page;
    }
    let examples = section(command.get_name()).unwrap_or_default();
    own_flags(command)
        .mut_args(shortened)
        .after_help(format!("{examples}\n\n{MORE}").trim_start().to_owned())
}

/// Hides the global flags on the short help page of a command.
fn own_flags(command: clap::Command) -> clap::Command {
    command.mut_args(|flag| {
        let is_global = flag.is_global_set();
        flag.hide_short_help(is_global)
    })
}

fn lines(command: &clap::Command) -> usize {
    command.clone().render_help().to_string().lines().count()
}

/// Shorter help texts of flags. They replace the usual texts if a short help page would otherwise be too long for a screen.
const SHORT_TEXTS: [(&str, &str); 27] = [
    ("out_file", "Write the secret to this file (0600)"),
    ("dotenv", "Set NAME=secret in this dotenv file"),
    ("env_name", "Variable name for --dotenv and -o env"),
    ("github_output", "Set this output of a GitHub Actions step"),
    ("github_env", "Set this variable for later GitHub steps"),
    ("deliver_cmd", "Run a command with the secret on stdin"),
    ("expires", "Expiry: 14d, 12w, 36h, a date or never"),
    (
        "if_exists",
        "If the name is taken: fail, skip, rekey, ensure",
    ),
    ("dry_run", "Check everything, but change nothing"),
    ("verify", "Try the new secret once"),
    ("no_mark", "Omit [swp-keys ...] from the description"),
    ("overlap", "How long the old key stays valid"),
    ("current", "Replace the secret that this run uses"),
    ("in_place", "Replace the secret of KEY at once"),
    ("list", "List the interrupted operations"),
    ("rekey", "Create and deliver a new secret"),
    ("forget", "Remove the record, but keep the key"),
    ("roles", "File with additional roles"),
    ("many_roles", "Number of additional roles"),
    ("keys", "File with keys that exist at the start"),
    ("keys_at_end", "File to write the keys to at the end"),
    ("rate_limit", "Maximum requests in 60 seconds"),
    ("clock_skew", "Set the manager's clock ahead (seconds)"),
    ("sign_in_attempts", "Failed sign-ins before a lock"),
    ("password_expired", "Treat the password as expired"),
    ("cloud_one", "Also accept Cloud One's header for keys"),
    ("unknown", "Select an undocumented behaviour"),
];

/// Shortens the help of a flag. Also hides the flag's default value and possible values.
fn shortened(flag: clap::Arg) -> clap::Arg {
    let id = flag.get_id().as_str();
    let known = SHORT_TEXTS.iter().find(|(known, _)| *known == id);
    let help = match known {
        Some((_, text)) => (*text).to_owned(),
        None => {
            let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
            let ends = [" (", "; ", " ["].iter();
            let end = ends.filter_map(|end| help.find(end)).min();
            help[..end.unwrap_or(help.len())].to_owned()
        }
    };
    flag.help(help)
        .hide_possible_values(true)
        .hide_default_value(true)
}

/// The name of a help topic. `swp-keys help options` lists the flags that every command accepts.
pub(crate) const OPTIONS: &str = "options";

/// Returns a command whose short help lists the flags that every command accepts.
pub(crate) fn of_options() -> clap::Command {
    GlobalArgs::augment_args(clap::Command::new("swp-keys"))
        .about("The flags that every command accepts. A flag takes precedence over its environment variable")
        .override_usage("swp-keys COMMAND [OPTIONS]")
        .disable_help_flag(true)
        .max_term_width(super::super::command_line::WIDTH)
}

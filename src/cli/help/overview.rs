//! The page that `swp-keys`, `swp-keys -h` and `swp-keys help` print, and the list of commands in `swp-keys --help`.

use std::fmt::Write as _;

/// The overview of the commands. It fits on a terminal of 24 lines with 80 columns.
pub(crate) const OVERVIEW: &str = "\
Get the first API key from Deep Security Manager, and manage keys from then on.

Usage: swp-keys COMMAND [OPTIONS]

Get a key:           create, exec, login, logout
Manage keys:         list, show, verify, update, rotate, lock, unlock, delete,
                     plan, apply
Roles:               list-roles, find-role, show-role
Trust and settings:  trust, config
Troubleshooting:     doctor, recover, whoami
Other:               sandbox, completions, man

Examples:
  swp-keys create --url dsm.example.com --role Auditor --expires 90d
  swp-keys list --expiring 14d
  swp-keys sandbox -- swp-keys create --role Auditor

Run `swp-keys help COMMAND` for the help of one command, `swp-keys help options`
for the flags that every command accepts, and `swp-keys --help` for everything.";

/// The commands in the groups of the overview.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Get a key", &["create-key", "exec", "login", "logout"]),
    (
        "Manage keys",
        &[
            "list-keys",
            "show-key",
            "verify-key",
            "update-key",
            "rotate-key",
            "lock-key",
            "unlock-key",
            "delete-key",
            "plan",
            "apply",
        ],
    ),
    ("Roles", &["list-roles", "find-role", "show-role"]),
    ("Trust and settings", &["trust", "config"]),
    ("Troubleshooting", &["doctor", "recover", "whoami"]),
    ("Other", &["sandbox", "completions", "man"]),
];

/// Adds the texts of `swp-keys --help` to the parser: the list of commands in groups, and the examples of the overview.
pub(crate) fn of_program(program: clap::Command) -> clap::Command {
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{}{}\n\n{{all-args}}{{after-help}}",
        groups(&program),
        examples()
    );
    program
        // The commands are hidden in clap's own list, because the list in groups already contains them.
        .mut_subcommands(|command| command.hide(true))
        .override_usage("swp-keys COMMAND [OPTIONS]")
        .help_template(template)
}

/// Returns the list of commands in groups. The text of each command comes from clap's list.
fn groups(program: &clap::Command) -> String {
    let mut list = program.clone().help_template("{subcommands}");
    let list = list.render_help().to_string();
    let entries = entries(&list);
    let header = program.get_styles().get_header();
    let mut text = String::new();
    for (title, names) in GROUPS {
        let _ = writeln!(text, "{header}{title}:{header:#}");
        for entry in names.iter().filter_map(|name| entry_of(name, &entries)) {
            text.push_str(entry);
        }
        text.push('\n');
    }
    text
}

/// Splits clap's list of commands into one entry per command. An entry may have several lines. The second and later lines are recognized by their
/// deeper indentation.
fn entries(list: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for line in list.lines().map(str::trim_end) {
        match entries.last_mut() {
            Some(entry) if line.starts_with("   ") => {
                let _ = writeln!(entry, "{line}");
            }
            _ => entries.push(format!("{line}\n")),
        }
    }
    entries
}

fn entry_of<'a>(name: &str, entries: &'a [String]) -> Option<&'a str> {
    let entry = entries
        .iter()
        .find(|entry| entry.split_whitespace().next() == Some(name));
    entry.map(String::as_str)
}

/// Returns the examples of the overview.
fn examples() -> &'static str {
    let start = OVERVIEW.find("Examples:").unwrap_or_default();
    let end = OVERVIEW.find("\n\nRun ").unwrap_or(OVERVIEW.len());
    OVERVIEW.get(start..end).unwrap_or_default()
}

/// Returns the examples of the overview, one command line each.
pub(crate) fn examples_of_program() -> impl Iterator<Item = &'static str> {
    examples().lines().skip(1).map(str::trim_start)
}

/// Returns the commands in the group of `command`. Without a command, returns the first command of each group.
pub(crate) fn related(command: Option<&str>) -> Vec<&'static str> {
    let Some(command) = command else {
        let firsts = GROUPS.iter().filter_map(|(_, names)| names.first());
        return firsts.copied().collect();
    };
    let group = GROUPS.iter().find(|(_, names)| names.contains(&command));
    group.map(|(_, names)| names.to_vec()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command_line::parser;

    #[test]
    fn each_command_is_in_one_group_of_the_long_help() {
        let program = parser();
        let text = groups(&program);
        for command in program.get_subcommands() {
            let entry = format!("\n  {} ", command.get_name());
            assert_eq!(text.matches(&entry).count(), 1, "{entry}: {text}");
        }
        let listed = GROUPS.iter().map(|(_, names)| names.len()).sum::<usize>();
        assert!(listed >= program.get_subcommands().count());
    }
}

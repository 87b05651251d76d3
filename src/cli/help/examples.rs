//! The examples of each command. `tests/it/cli/help.rs` runs all of them.

/// The commands and their examples. They are separate from the parser, so that only runs that print help spend time on them.
const EXAMPLES: [(&str, &[&str]); 25] = [
    (
        "create-key",
        &[
            "swp-keys create --role Auditor --expires 90d --out-file dsm.key",
            "swp-keys create --role Auditor --name ci --expires 30d -o json",
        ],
    ),
    (
        "find-role",
        &[
            "swp-keys find-role Auditor",
            "swp-keys find-role --like 'Audit%'",
        ],
    ),
    (
        "list-keys",
        &["swp-keys list", "swp-keys list --expiring 14d -o json"],
    ),
    (
        "show-key",
        &["swp-keys show nightly", "swp-keys show id:1 -o json"],
    ),
    (
        "update-key",
        &[
            "swp-keys update-key nightly --expires 90d",
            "swp-keys update-key nightly --description 'the nightly build' --dry-run",
        ],
    ),
    (
        "lock-key",
        &[
            "swp-keys lock-key nightly",
            "swp-keys lock-key nightly reporting",
        ],
    ),
    (
        "unlock-key",
        &[
            "swp-keys unlock-key nightly",
            "swp-keys unlock-key nightly reporting",
        ],
    ),
    (
        "delete-key",
        &[
            "swp-keys delete-key nightly --yes",
            "swp-keys delete-key nightly reporting --yes",
        ],
    ),
    (
        "rotate-key",
        &[
            "swp-keys rotate-key nightly --out-file new.key",
            "swp-keys rotate-key nightly --overlap 1h --verify --out-file new.key",
        ],
    ),
    (
        "exec",
        &[
            "swp-keys exec --role Auditor -- sh -c 'test -n \"$SWP_API_KEY\"'",
            "swp-keys exec --role Auditor --env DS_KEY -- sh -c 'test -n \"$DS_KEY\"'",
        ],
    ),
    (
        "plan",
        &[
            "swp-keys plan -f keys.toml",
            "swp-keys plan -f keys.toml --offline",
        ],
    ),
    (
        "apply",
        &[
            "swp-keys apply -f keys.toml",
            "swp-keys apply -f keys.toml --prune --yes",
        ],
    ),
    (
        "list-roles",
        &["swp-keys list-roles", "swp-keys list-roles -o json"],
    ),
    (
        "show-role",
        &[
            "swp-keys show-role Auditor",
            "swp-keys show-role Auditor --diff 'Full Access'",
        ],
    ),
    (
        "login",
        &["swp-keys login", "swp-keys login --api-key-file admin.key"],
    ),
    ("logout", &["swp-keys logout", "swp-keys logout -q"]),
    ("trust", &["swp-keys trust show", "swp-keys trust list"]),
    ("whoami", &["swp-keys whoami", "swp-keys whoami -v"]),
    (
        "verify-key",
        &[
            "swp-keys verify-key --key-file admin.key",
            "swp-keys verify-key --key-file admin.key --fail-within 14d",
        ],
    ),
    (
        "recover",
        &["swp-keys recover --list", "swp-keys recover --yes"],
    ),
    (
        "doctor",
        &["swp-keys doctor", "swp-keys doctor --sign-in -o json"],
    ),
    ("config", &["swp-keys config show", "swp-keys config path"]),
    (
        "completions",
        &["swp-keys completions bash", "swp-keys completions zsh"],
    ),
    (
        "man",
        &[
            "swp-keys man --out-dir man1",
            "swp-keys man --out-dir ~/.local/share/man/man1",
        ],
    ),
    (
        "sandbox",
        &[
            "swp-keys sandbox -- swp-keys create --role Auditor",
            "swp-keys sandbox --many-keys 3 -- swp-keys list",
        ],
    ),
];

/// Returns the examples of a command.
pub(crate) fn examples_of(command: &str) -> Option<&'static [&'static str]> {
    let (_, examples) = EXAMPLES.iter().find(|(name, _)| *name == command)?;
    Some(examples)
}

/// Returns the examples of a command as a section of its help.
pub(super) fn section(command: &str) -> Option<String> {
    let examples = examples_of(command)?;
    Some(format!("Examples:\n  {}", examples.join("\n  ")))
}

/// Adds the examples to the help of one command.
pub(super) fn with_own_examples(command: clap::Command) -> clap::Command {
    let Some(examples) = section(command.get_name()) else {
        return command;
    };
    match command.get_after_help().map(ToString::to_string) {
        Some(text) => command.after_help(format!("{text}\n\n{examples}")),
        None => command.after_help(examples),
    }
}

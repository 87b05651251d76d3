//! Suggests a command or a flag of this program if the user typed an unknown one. The suggestion is only shown, and never executed.

use super::super::typed_line::TypedLine;

/// The commands of this program. Each is listed with the names that other programs use for a similar command.
const COMMANDS: [(&str, &[&str]); 16] = [
    (
        "create",
        &["new", "generate", "gen", "add", "mint", "make", "issue"],
    ),
    ("delete-key", &["rm", "remove", "revoke", "del", "destroy"]),
    ("list-roles", &["roles", "role"]),
    ("list", &["keys", "ls", "get-keys"]),
    ("whoami", &["status", "me", "who"]),
    ("rotate-key", &["renew", "refresh", "roll", "regenerate"]),
    ("lock-key", &["disable", "block", "suspend"]),
    ("unlock-key", &["enable", "unblock"]),
    ("--version", &["version"]),
    ("show-key", &["get", "describe", "info", "key", "get-key"]),
    ("update-key", &["edit", "set", "modify"]),
    ("verify-key", &["check", "test"]),
    ("login", &["signin", "sign-in", "auth"]),
    ("logout", &["signout", "sign-out"]),
    ("exec", &["run"]),
    ("config", &["settings", "configure", "profile", "profiles"]),
];

/// The subcommands of this program. Each is listed with the names that other programs use for a similar subcommand.
const SUBCOMMANDS: [(&str, &[&str]); 5] = [
    ("remove", &["rm", "delete", "del", "unpin"]),
    ("list", &["ls"]),
    ("add", &["pin"]),
    ("show", &["list", "ls", "get", "print"]),
    ("check", &["validate", "verify", "test"]),
];

/// If a command is unknown, the most similar command is suggested. The similarity (from 0 to 1) must be at least this number.
const NEAR: f64 = 0.85;

/// The flags of this program, each with similar flags of other programs. For example, `--output` is listed with `--format`.
const FLAGS: [(&str, &[&str]); 17] = [
    ("-o json", &["--json"]),
    ("-o jsonl", &["--jsonl", "--ndjson"]),
    ("--output", &["--format"]),
    ("--username", &["-u", "--user", "--login"]),
    (
        "--url",
        &[
            "-H",
            "--host",
            "--server",
            "--manager",
            "--address",
            "--endpoint",
        ],
    ),
    ("--mfa-code", &["--mfa", "--otp", "--totp"]),
    ("--ca-cert", &["--ca", "--cacert", "--ca-file", "--cafile"]),
    ("--tls-pin", &["--pin", "--fingerprint"]),
    (
        "--expires",
        &[
            "--expiry",
            "--expire",
            "--expires-in",
            "--ttl",
            "--valid-for",
        ],
    ),
    ("--out-file", &["--out", "--file", "--output-file"]),
    ("--role", &["-r"]),
    ("--locked", &["--state", "--status"]),
    ("--name", &["-n"]),
    ("--description", &["-d", "--comment"]),
    ("--no-input", &["--non-interactive", "--batch"]),
    ("-vv", &["--debug", "--trace"]),
    ("-q", &["--silent"]),
];

/// Commands and flags that can do harm. They are suggested only if the typed word is listed in `COMMANDS` or `FLAGS`. A similar spelling is not
/// enough.
const DESTRUCTIVE: [&str; 22] = [
    "delete-key",
    "delete",
    "rotate-key",
    "rotate",
    "lock-key",
    "lock",
    "logout",
    "recover",
    "remove",
    "--force",
    "--force-login",
    "--yes",
    "--insecure",
    "--tls-accept-new",
    "--allow-full-access",
    "--allow-loose-permissions",
    "--delete",
    "--rekey",
    "--forget",
    "--in-place",
    "--if-missing",
    "--ignore-missing",
];

/// Returns the command of this program to suggest for an unknown command.
pub(super) fn command(word: &str, line: &TypedLine) -> Option<String> {
    let word = word.to_lowercase();
    let meant =
        |(meant, words): &(&str, &[&str])| words.contains(&&*word).then(|| (*meant).to_owned());
    if !line.path.is_empty() {
        let exists = |(meant, _): &&(&str, _)| line.command.find_subcommand(meant).is_some();
        let synonym = SUBCOMMANDS.iter().filter(exists).find_map(meant);
        return synonym.or_else(|| similar(&word, line));
    }
    if let Some(name) = in_two_words(&word, line) {
        return Some(name).filter(|name| !DESTRUCTIVE.contains(&name.as_str()));
    }
    let synonym = COMMANDS.iter().find_map(meant);
    synonym.or_else(|| similar(&word, line))
}

/// Returns the command that was typed as two words, such as `list-keys` for `key list` or `get keys`.
fn in_two_words(word: &str, line: &TypedLine) -> Option<String> {
    let second = line.rest.first()?.to_lowercase();
    let verb = |verb: &str, object: &str| match verb {
        "get" if object.ends_with('s') => format!("list-{object}"),
        "get" => format!("show-{object}"),
        verb => format!("{verb}-{object}"),
    };
    let names = [
        verb(word, &second),
        verb(&second, word),
        verb(&second, &format!("{word}s")),
    ];
    (names.into_iter()).find(|name| line.command.find_subcommand(name).is_some())
}

/// Returns the most similar command. Returns `None` if no command is similar, or if the most similar command can do harm.
fn similar(word: &str, line: &TypedLine) -> Option<String> {
    let names = (line.command.get_subcommands())
        .flat_map(|command| std::iter::once(command.get_name()).chain(command.get_all_aliases()));
    let likeness = |name: &str| strsim::jaro_winkler(word, name);
    let nearest = names.max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    (likeness(nearest) >= NEAR && !DESTRUCTIVE.contains(&nearest)).then(|| nearest.to_owned())
}

/// Translates a flag of other programs into this program's flag: `--user` becomes `--username`. Returns `None` if no flag of this program corresponds
/// to `flag`, or if the typed command does not accept the translated flag.
pub(super) fn flag_synonym(flag: &str, line: &TypedLine) -> Option<&'static str> {
    let meant = |(meant, flags): &(&'static str, &[&str])| flags.contains(&flag).then_some(*meant);
    let meant = FLAGS.iter().find_map(meant)?;
    let is_known = match meant.strip_prefix("--") {
        Some(long) => (line.command.get_arguments()).any(|flag| flag.get_long() == Some(long)),
        None => true,
    };
    is_known.then_some(meant)
}

/// Returns the first of clap's suggestions that is not in the list `DESTRUCTIVE`.
pub(super) fn harmless<'a>(suggestions: &[&'a str]) -> Option<&'a str> {
    let mut suggestions = suggestions.iter().copied();
    suggestions.find(|suggestion| !suggestion.is_empty() && !DESTRUCTIVE.contains(suggestion))
}

#[cfg(test)]
mod tests {
    use super::super::super::command_line::parser;
    use super::*;

    #[test]
    fn the_tables_name_what_exists_and_no_word_twice() {
        let all = parser();
        let mut seen = std::collections::BTreeSet::new();
        for (meant, words) in COMMANDS {
            let exists = all.find_subcommand(meant).is_some() || meant == "--version";
            assert!(exists, "{meant}");
            for word in words {
                assert!(all.find_subcommand(word).is_none(), "{word} is a command");
                assert!(seen.insert(*word), "{word}");
            }
        }
        for (meant, flags) in FLAGS {
            for flag in flags {
                assert!(seen.insert(*flag), "{flag} for {meant}");
            }
        }
    }
}

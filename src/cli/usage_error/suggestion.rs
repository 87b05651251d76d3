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
    ("list", &["keys", "ls"]),
    ("whoami", &["status", "me", "who"]),
    ("rotate-key", &["renew", "refresh", "roll", "regenerate"]),
    ("lock-key", &["disable", "block", "suspend"]),
    ("unlock-key", &["enable", "unblock"]),
    ("--version", &["version"]),
    ("show-key", &["get", "describe", "info", "key"]),
    ("update-key", &["edit", "set", "modify"]),
    ("verify-key", &["check", "test"]),
    ("login", &["signin", "sign-in", "auth"]),
    ("logout", &["signout", "sign-out"]),
    ("exec", &["run"]),
    ("config", &["settings", "configure", "profile", "profiles"]),
];

/// The flags of this program. Each is listed with the names that other programs use for a similar flag.
const FLAGS: [(&str, &[&str]); 16] = [
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
    ("--name", &["-n"]),
    ("--description", &["-d", "--comment"]),
    ("--no-input", &["--non-interactive", "--batch"]),
    ("-vv", &["--debug", "--trace"]),
    ("-q", &["--silent"]),
];

/// Commands and flags that can do harm. They are suggested only if the typed word is listed in `COMMANDS` or `FLAGS`. A typed word that is only
/// similar to their name is not enough.
const DESTRUCTIVE: [&str; 21] = [
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
    "--ignore-missing",
];

/// Returns the command of this program that does the same as the command `word` of other programs.
pub(super) fn synonym(word: &str) -> Option<&'static str> {
    let meant = |(meant, words): &(&'static str, &[&str])| words.contains(&word).then_some(*meant);
    COMMANDS.iter().find_map(meant)
}

/// Returns the flag of this program that other programs call `flag`. Returns `None` if there is no such flag, or if the typed command does not
/// accept the flag.
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

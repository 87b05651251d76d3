//! The arguments with which each command runs in the search for leaks.

use crate::support::secrets::CODE;

const OF_CREATE: &[&[&str]] = &[
    &["--role", "Auditor"],
    &["--role-id", "2", "--expires", "14d", "--name", "named"],
    &["--role", "Auditor", "--out-file", "secret", "--force"],
    &["--role", "Auditor", "--dry-run"],
    &[
        "--role",
        "Auditor",
        "--name",
        "there",
        "--if-exists",
        "skip",
    ],
    &[
        "--role",
        "Auditor",
        "--name",
        "there",
        "--if-exists",
        "rekey",
    ],
    &["--role", "Auditor", "--verify"],
    &[
        "--role",
        "Auditor",
        "--name",
        "there",
        "--if-exists",
        "ensure",
        "--out-file",
        "secret",
    ],
];

/// Returns the arguments for each command. A new command fails the test until it is added here.
pub(super) fn arguments(command: &str) -> &'static [&'static [&'static str]] {
    match command {
        "create-key" => OF_CREATE,
        "exec" => &[
            &["--role", "Auditor", "--", "true"],
            &["--role-id", "2", "--fd", "9", "--", "true"],
        ],
        "rotate-key" => &[
            &["there"],
            &["1", "--verify", "--out-file", "secret"],
            &["there", "--overlap", "2h", "--dry-run"],
            &["there", "--in-place"],
        ],
        "recover" => &[&["--list"], &["--yes"], &["--yes", "--out-file", "secret"]],
        "find-role" => &[&["Auditor"], &["--like", "A%"]],
        "show-key" => &[&["there"], &["1"]],
        "lock-key" | "unlock-key" => &[&["there"]],
        "plan" => &[
            &["--schema"],
            &["--from-manager", "ops"],
            &["-f", "keys.toml", "--offline"],
            &["-f", "keys.toml"],
            &["-f", "keys.toml", "--no-look"],
            &["-f", "keys.toml", "--verify"],
        ],
        "apply" => &[
            &["-f", "keys.toml", "--yes"],
            &["-f", "keys.toml", "--yes", "--verify"],
        ],
        "list-roles" | "login" | "logout" | "trust show" | "trust list" | "config show"
        | "config path" | "config check" => &[&[]],
        "trust add" => &[&["--tls-accept-new"]],
        "trust remove" => &[&["known.example.com"]],
        "completions" => &[&["bash"]],
        "man" => &[&["--out-dir", "manual"]],
        "show-role" => &[&["Auditor"], &["1", "--diff", "2"]],
        "whoami" => &[&[], &["-v"]],
        "doctor" => &[&[], &["--sign-in"]],
        "verify-key" => &[
            &["--key-file", "key"],
            &["--key-file", "key", "--fail-within", "14d"],
        ],
        "delete-key" => &[&["there", "77", "--yes", "--if-missing", "ok"]],
        "update-key" => &[&["there", "--role", "Full Access", "--expires", "14d"]],
        "list-keys" => &[&[], &["--stale", "1s", "--role", "Auditor"]],
        // Other tests check the children of this command. This test checks its own output.
        "sandbox" => &[&["--mfa-code", CODE, "--", "true"]],
        new => panic!("say how a leak of `{new}` is to be looked for"),
    }
}

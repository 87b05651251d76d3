//! The exit codes and their meanings, for `swp-keys --help` and the man pages. A test compares them with the README.

/// An exit code, its meaning, and the commands that return it. An empty list stands for every command that connects to a manager.
type ExitCode = (&'static str, &'static str, &'static [&'static str]);

const EXIT_CODES: [ExitCode; 16] = [
    ("0", "success", &[]),
    ("1", "unexpected error", &[]),
    ("2", "usage error", &[]),
    ("3", "not found", &[]),
    (
        "4",
        "sign-in rejected, or paused after earlier rejections (do not retry)",
        &[],
    ),
    ("5", "permission denied", &[]),
    ("6", "already exists, or the name is ambiguous", &[]),
    ("7", "the manager's certificate is not trusted", &[]),
    (
        "8",
        "unreachable or timed out, and nothing was changed",
        &[],
    ),
    ("9", "rate limit or session limit", &[]),
    (
        "10",
        "the secret was not delivered, so the key was deleted",
        &["create-key", "exec", "rotate-key", "recover", "apply"],
    ),
    (
        "11",
        "the outcome is unknown, or the rollback failed (run `swp-keys recover` before retrying)",
        &[],
    ),
    (
        "12",
        "some items failed or have problems (stdout lists them), or a rotation could not set the expiry of the old key",
        &[],
    ),
    (
        "13",
        "a check by `verify-key`, `show-key --fail-within`, `doctor`, `plan` or `apply --plan` failed (stdout contains the result)",
        &["verify-key", "show-key", "doctor", "plan", "apply"],
    ),
    (
        "126, 127",
        "`exec` could not run or could not find the command, so no key was created",
        &["exec"],
    ),
    (
        "128 + N",
        "interrupted by signal N (such as 130 or 143) and cleaned up",
        &[],
    ),
];

/// The commands that connect to no manager. They return only the first three codes.
const LOCAL: [&str; 4] = ["completions", "config", "man", "sandbox"];

/// Returns the list of exit codes in `swp-keys --help`.
pub(super) fn paragraph() -> String {
    let codes = EXIT_CODES.map(|(code, meaning, _)| format!("{code} {meaning}"));
    format!("Exit codes: {}.", codes.join("; "))
}

/// Returns the exit codes of a command with their meanings. Without a command, returns all of them.
pub(super) fn of_command(
    command: Option<&str>,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_local = command.is_some_and(|command| LOCAL.contains(&command));
    let listed = if is_local { 3 } else { EXIT_CODES.len() };
    let codes = EXIT_CODES.into_iter().take(listed);
    codes
        .filter(move |(_, _, commands)| {
            commands.is_empty() || command.is_none_or(|command| commands.contains(&command))
        })
        .map(|(code, meaning, _)| (code, meaning))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn each_kind_of_error_has_its_exit_code_in_the_list() {
        let listed: Vec<&str> = EXIT_CODES
            .iter()
            .flat_map(|(codes, _, _)| codes.split(", "))
            .collect();
        for code in ErrorKind::all().map(ErrorKind::exit_code) {
            assert!(
                code > 128 || listed.contains(&code.to_string().as_str()),
                "{code}"
            );
        }
    }
}

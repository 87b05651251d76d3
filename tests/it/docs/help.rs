//! Help and version: their output stream, their content, and their layout.

use crate::support::snapshot::snapshot_file;
use crate::support::{Home, RunResult, contains};

/// Global flags, each with its variable or default.
const GLOBAL: [(&str, &str); 26] = [
    ("--url", "SWP_URL"),
    ("--profile", "SWP_PROFILE"),
    ("--tenant", "SWP_TENANT"),
    ("--username", "SWP_USERNAME"),
    ("--password-file", "SWP_PASSWORD_FILE"),
    ("--password-stdin", "SWP_PASSWORD"),
    ("--password-command", "SWP_PASSWORD_COMMAND"),
    ("--mfa-code", "SWP_MFA_CODE"),
    ("--mfa-command", "SWP_MFA_COMMAND"),
    ("--api-key-file", "SWP_API_KEY_FILE"),
    ("--api-key-file", "SWP_API_KEY"),
    ("--api-key-scheme", "SWP_API_KEY_SCHEME"),
    ("--ca-cert", "SWP_CA_CERT"),
    ("--tls-pin", "SWP_TLS_PIN"),
    ("--insecure", "SWP_INSECURE"),
    ("--proxy", "HTTPS_PROXY"),
    ("--wait", "SWP_WAIT"),
    ("--timeout", "30s"),
    ("--connect-timeout", "10s"),
    ("--retries", "4"),
    ("--no-sign-out", "SWP_NO_SIGN_OUT"),
    ("--force-login", ""),
    ("--allow-loose-permissions", "SWP_ALLOW_LOOSE_PERMISSIONS"),
    ("--no-input", "SWP_NO_INPUT"),
    ("--output", "SWP_OUTPUT"),
    ("--color", "NO_COLOR"),
];

/// Flags of `create-key`.
const CREATE: [&str; 13] = [
    "--role",
    "--role-id",
    "--name",
    "--no-mark",
    "--description",
    "--locale",
    "--time-zone",
    "--expires",
    "--if-exists",
    "--dry-run",
    "--out-file",
    "--force",
    "--env-name",
];

/// Returns the names of all commands, including aliases.
fn every_command() -> Vec<String> {
    let tree = swp_keys::command_line();
    let names = tree.get_subcommands().flat_map(|command| {
        let aliases = command.get_visible_aliases();
        [command.get_name()].into_iter().chain(aliases)
    });
    let names: Vec<String> = names.map(str::to_owned).collect();
    for name in ["create-key", "create", "logout"] {
        assert!(names.iter().any(|other| other == name), "{names:?}");
    }
    names
}

fn help(home: &Home, arguments: &[&str]) -> String {
    let result = home.run(arguments);
    assert_eq!(result.stderr, "", "{arguments:?}");
    result.success();
    result.stdout
}

/// Returns true if `text` contains `word` as a whole word, and not only as the beginning of a longer one.
fn names(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(place, _)| {
        let next = text[place + word.len()..].chars().next();
        next.is_none_or(|next| !next.is_ascii_alphanumeric() && next != '-' && next != '_')
    })
}

/// Returns the entries of a help page, each in one line.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_flag_is_in_the_help_of_every_command() {
    let home = Home::new();
    for command in every_command() {
        let command = command.as_str();
        // `-h` lists only the flags of the command. `--help` lists the global flags too.
        let form = "--help";
        let text = joined(&help(&home, &[command, form]));
        for (flag, other) in GLOBAL {
            assert!(names(&text, flag), "{command} {form}: {flag}");
            assert!(
                other.is_empty() || names(&text, other),
                "{command} {form}: {other}"
            );
        }
        contains(
            &text,
            &["-o, --output", "-q, --quiet", "-v, --verbose", "-h, --help"],
        );
        for absent in ["-p,", "-u,"] {
            assert!(
                !text.contains(absent),
                "{command}: they mean password and user elsewhere"
            );
        }
        if command.starts_with("create") {
            for flag in CREATE {
                assert!(names(&text, flag), "{command} {form}: {flag}");
            }
            contains(&text, &["14d", "12w", "36h", "RFC 3339", "never", "0600"]);
        }
    }
    contains(
        &help(&home, &["find-role", "--help"]),
        &["[NAME]", "--like <PATTERN>", "%"],
    );
    contains(
        &help(&home, &["login", "--help"]),
        &["--api-key-file", "SWP_API_KEY"],
    );
}

#[test]
fn every_entry_has_a_description() {
    let home = Home::new();
    for command in every_command() {
        let command = command.as_str();
        let text = help(&home, &[command, "--help"]);
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            if line.trim_start().starts_with('-') && line.contains("--") && !line.contains("- ") {
                let next = lines.get(index + 1).map_or("", |line| line.trim());
                assert!(next.len() > 5, "{command}: nothing is said of {line}");
            }
        }
    }
}

/// The output of `--help` is in `snapshots/help/`.
#[test]
fn help_of_every_command() {
    let mut home = Home::new();
    home.set("COLUMNS", "80");
    for path in paths(&swp_keys::command_line(), &[]) {
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        let text = help(&home, &[&words[..], &["--help"]].concat());
        let name = [&["swp-keys"], &words[..]].concat().join("-");
        snapshot_file(&format!("help/{name}"), &text);
    }
}

/// Returns the words of each command, including subcommands.
fn paths(command: &clap::Command, before: &[String]) -> Vec<Vec<String>> {
    let mut paths = vec![before.to_vec()];
    for inner in command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set())
    {
        paths.extend(paths_below(inner, before));
    }
    paths
}

fn paths_below(command: &clap::Command, before: &[String]) -> Vec<Vec<String>> {
    paths(
        command,
        &[before, &[command.get_name().to_owned()]].concat(),
    )
}

#[test]
fn help_is_readable_at_eighty_columns() {
    let mut home = Home::new();
    home.set("COLUMNS", "80");
    for arguments in pages(&home) {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        for line in help(&home, &arguments).lines() {
            assert!(line.chars().count() <= 80, "{arguments:?}: {line}");
        }
    }
}

/// Returns the command line of every help page.
fn pages(home: &Home) -> Vec<Vec<String>> {
    let mut pages = vec![vec!["--help".to_owned()], vec!["-h".to_owned()]];
    for command in commands(&help(home, &["--help"])) {
        pages.push(vec![command.clone(), "--help".to_owned()]);
        pages.push(vec![command, "-h".to_owned()]);
    }
    pages
}

/// Returns the commands that the help lists.
pub(crate) fn commands(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Get a key:");
    list.take_while(|line| *line != "Examples:")
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_overview_lists_the_commands_and_the_exit_codes() {
    let home = Home::new();
    let text = help(&home, &["--help"]);
    let listed = commands(&text);
    let tree = swp_keys::command_line();
    for command in tree.get_subcommands().map(clap::Command::get_name) {
        let times = listed.iter().filter(|listed| *listed == command).count();
        assert_eq!(times, 1, "{command}: {listed:?}");
    }
    let other = help(&home, &["-o", "json", "--help"]);
    assert_eq!(other, text);
    contains(&text, &["Manage keys:", "Examples:", "--connect-timeout"]);
    let text = joined(&text);
    contains(&text, &["Exit codes:", "130", "143"]);
}

#[test]
fn the_version_is_that_of_the_package() {
    let home = Home::new();
    for flag in ["--version", "-V"] {
        assert_eq!(
            help(&home, &[flag]),
            concat!("swp-keys ", env!("CARGO_PKG_VERSION"), "\n")
        );
    }
}

#[test]
fn without_a_command_the_help_is_printed_to_stderr_and_the_run_fails() {
    let result = Home::new().run::<&str>([]);
    contains(
        result.failure(2),
        &["Usage: swp-keys", "Get a key:", "create"],
    );
}

#[test]
fn help_needs_no_settings_and_shows_no_value_of_a_variable() {
    let mut home = Home::new();
    for variable in [
        "SWP_URL",
        "SWP_USERNAME",
        "SWP_PASSWORD",
        "SWP_PASSWORD_COMMAND",
        "SWP_PASSWORD_FILE",
        "SWP_MFA_CODE",
        "SWP_MFA_COMMAND",
        "SWP_API_KEY",
        "SWP_API_KEY_FILE",
        "SWP_TENANT",
    ] {
        home.set(variable, "https://admin:hunter2@dsm.example.com");
    }
    for arguments in pages(&home) {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert!(
            !help(&home, &arguments).contains("hunter2"),
            "{arguments:?}"
        );
    }
}

/// In `swp-keys --help | head -1`, the closed pipe is not an error.
#[cfg(unix)]
#[test]
fn a_closed_pipe_is_not_an_error() {
    let home = Home::new();
    let mut child = home.start_piped(["create", "--help"]);
    drop(child.stdout.take());
    let result = RunResult::from(child.wait_with_output().expect("the run ends"));
    assert_eq!((result.code(), result.stderr.as_str()), (0, ""));
}

//! The help pages: the overview, the two forms of each command, and the examples, each of which is run.

use std::os::unix::fs::symlink;

use crate::support::snapshot::snapshot_file;
use crate::support::{Home, RunResult, TestEnv, binary, contains};

fn commands() -> Vec<String> {
    let tree = swp_keys::command_line();
    let names = tree.get_subcommands().map(clap::Command::get_name);
    names.map(str::to_owned).collect()
}

fn own_flags(command: &str) -> Vec<String> {
    let tree = swp_keys::command_line();
    let command = tree.find_subcommand(command).expect("a command");
    let is_shown = |flag: &&clap::Arg| !flag.is_global_set() && !flag.is_hide_set();
    let own = command.get_arguments().filter(is_shown);
    own.filter_map(clap::Arg::get_long)
        .map(|long| format!("--{long}"))
        .collect()
}

fn page(home: &Home, arguments: &[&str]) -> String {
    let result = home.run(arguments);
    assert_eq!(result.stderr, "", "{arguments:?}");
    result.success();
    result.stdout
}

fn home(columns: &str) -> Home {
    let mut home = Home::new();
    home.set("COLUMNS", columns);
    home
}

#[test]
fn the_overview_fits_on_a_screen_and_names_every_command() {
    let home = home("80");
    let overview = page(&home, &["help"]);
    assert_eq!(page(&home, &["-h"]), overview);
    let result = home.run::<&str>([]);
    assert_eq!(result.failure(2).trim_end(), overview.trim_end());
    assert_eq!(result.stdout, "");
    assert!(overview.lines().count() < 24, "{overview}");
    assert!(overview.lines().all(|line| line.chars().count() <= 80));
    for command in swp_keys::command_line().get_subcommands() {
        let mut names = [command.get_name()]
            .into_iter()
            .chain(command.get_visible_aliases());
        assert!(
            names.any(|name| overview.contains(name)),
            "{}",
            command.get_name()
        );
    }
    contains(
        &overview,
        &[
            "Examples:",
            "swp-keys help COMMAND",
            "swp-keys help options",
        ],
    );
    snapshot_file("help/overview", &overview);
}

/// The long help of the program and of each command, in narrow and in wide terminals. `docs/help.rs` has it at 80 columns.
#[test]
fn the_long_help_follows_the_width_of_the_terminal() {
    for columns in ["60", "120"] {
        let home = home(columns);
        let program = page(&home, &["--help"]);
        snapshot_file(&format!("help/{columns}/long/swp-keys"), &program);
        for command in commands() {
            let text = page(&home, &[&command, "--help"]);
            // A single word is not broken.
            let breakable = |line: &&str| line.starts_with("   ") && line.trim().contains(' ');
            for line in text.lines().filter(breakable) {
                // The help is never wider than 100 columns.
                let limit = columns.parse::<usize>().expect("a number").min(100);
                assert!(line.chars().count() <= limit, "{command}: {line}");
            }
            snapshot_file(&format!("help/{columns}/long/{command}"), &text);
        }
    }
}

#[test]
fn the_short_page_of_a_command_fits_on_a_screen() {
    for columns in ["60", "80", "120"] {
        let home = home(columns);
        for command in commands() {
            let text = page(&home, &[&command, "-h"]);
            let fits = columns == "60" || text.lines().count() <= 40;
            assert!(fits, "{command}: {text}");
            contains(&text, &["Examples:", "swp-keys help options"]);
            assert!(!text.contains("--connect-timeout"), "{command}: {text}");
            for flag in own_flags(&command) {
                contains(&text, &[&flag]);
            }
            snapshot_file(&format!("help/{columns}/{command}"), &text);
        }
    }
}

#[test]
fn the_short_page_is_readable_at_sixty_columns() {
    let home = home("60");
    for command in commands() {
        for line in page(&home, &[&command, "-h"]).lines() {
            // A usage line can be copied, so it is not wrapped.
            if line.starts_with("Usage: ") {
                continue;
            }
            assert!(line.chars().count() <= 60, "{command}: {line}");
        }
    }
}

#[test]
fn help_of_a_command_is_its_long_page() {
    let home = home("80");
    for words in [
        &["create"][..],
        &["lock-key"],
        &["trust"],
        &["trust", "show"],
    ] {
        let long = page(&home, &[words, &["--help"]].concat());
        assert_eq!(page(&home, &[&["help"], words].concat()), long);
        contains(&long, &["--connect-timeout", "Usage: swp-keys"]);
    }
    let options = page(&home, &["help", "options"]);
    contains(
        &options,
        &["--url", "--connect-timeout", "--output", "SWP_URL"],
    );
    snapshot_file("help/options", &options);
    for columns in ["60", "120"] {
        let home = self::home(columns);
        let options = page(&home, &["help", "options"]);
        snapshot_file(&format!("help/{columns}/options"), &options);
    }
    contains(home.run(["help", "generate"]).failure(2), &["`create`"]);
    home.run(["help", "hunter2"]).failure(2);
}

#[test]
fn a_wrong_flag_beside_the_help_flag_still_shows_help() {
    let home = home("80");
    let short = page(&home, &["create", "-h"]);
    for arguments in [
        &["create", "--nonsense", "-h"][..],
        &["create", "-h", "--nonsense"],
        &["create", "--role", "-h"],
        &["-o", "json", "create", "-h"],
    ] {
        assert_eq!(page(&home, arguments), short, "{arguments:?}");
    }
}

#[test]
fn a_command_with_subcommands_lists_them() {
    let env = TestEnv::new();
    for (command, names) in [
        ("trust", &["show", "add", "remove", "list"][..]),
        ("config", &["path", "show", "check"]),
    ] {
        let result = env.run([command]);
        contains(result.failure(2), names);
        contains(&result.stderr, &["Examples:"]);
        env.run([command, "-o", "json"]).json_error(2);
    }
}

/// Returns an environment in which all examples can run.
fn env_for_examples() -> TestEnv {
    let mut env = TestEnv::new();
    for name in ["nightly", "reporting"] {
        env.sandbox.add_key(name, 2);
    }
    let key = env.sandbox.add_key("admin", 1);
    let end = env.sandbox.now() + 90 * 86_400_000;
    env.sandbox
        .edit_key(key.id, |key| key.expiry_date = Some(end));
    env.home.write_secret("admin.key", &key.secret);
    let manifest = "fleet = \"ops\"\n[keys.ci]\nrole = \"Auditor\"\nexpires = \"90d\"\nout-file = \"ci.key\"\n";
    env.home.write("keys.toml", manifest);
    let folder = env.home.path("bin");
    std::fs::create_dir(&folder).expect("a folder");
    symlink(binary(), folder.join("swp-keys")).expect("a link");
    let path = std::env::var("PATH").unwrap_or_default();
    env.home.set("PATH", format!("{}:{path}", folder.display()));
    env
}

#[test]
fn every_command_has_two_examples_that_work() {
    let home = home("200");
    for command in commands() {
        let long = page(&home, &[&command, "--help"]);
        let examples: Vec<&str> = long
            .lines()
            .skip_while(|line| *line != "Examples:")
            .skip(1)
            .take_while(|line| line.starts_with("  swp-keys"))
            .map(str::trim)
            .collect();
        assert!(examples.len() >= 2, "{command}: {long}");
        for example in examples {
            let env = env_for_examples();
            let mut shell = env.home.program(std::path::Path::new("sh"));
            shell
                .args(["-c", example])
                .current_dir(env.home.path("."))
                .stdin(std::process::Stdio::null());
            let result = RunResult::of(&mut shell);
            assert_eq!(result.code(), 0, "{example}: {result:?}");
        }
    }
}

//! The help, the man pages and the README agree with the parser and with each other.

use std::collections::BTreeSet;

use clap::Command;

use crate::support::files::read;
use crate::support::{Home, contains};

/// The text of the pages that show commands.
const PAGES: &str = concat!(
    include_str!("../../../README.md"),
    include_str!("../../../docs/recipes.md"),
    include_str!("../../../docs/recipes/ci.md"),
    include_str!("../../../docs/recipes/containers.md"),
    include_str!("../../../docs/recipes/infrastructure.md"),
    include_str!("../../../docs/recipes/secret-stores.md"),
    include_str!("../../../docs/recipes/systemd.md")
);

/// Flags of other programs that the pages show.
const NOT_OURS: &[&str] = &[
    "--base",
    "--check",
    "--data-file",
    "--dry-run",
    "--file",
    "--filename",
    "--from-file",
    "--ignore-not-found",
    "--locked",
    "--multiline",
    "--name",
    "--overwrite",
    "--path",
    "--query",
    "--release",
    "--rm",
    "--secret-id",
    "--secret-string",
    "--totp",
    "--type",
    "--value",
    "--vault-name",
    "--with-decryption",
];

/// Returns every command with its words.
fn commands<'a>(command: &'a Command, path: &[&'a str]) -> Vec<(Vec<&'a str>, &'a Command)> {
    let mut all = vec![(path.to_vec(), command)];
    for inner in command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set())
    {
        all.extend(commands(inner, &[path, &[inner.get_name()]].concat()));
    }
    all
}

/// Returns the flags of a command as they are typed.
fn flags(command: &Command) -> Vec<String> {
    named(command, |_| true)
}

/// Returns the flags that the page of a command describes. The page of the program describes the global flags.
fn flags_on_page(path: &[&str], command: &Command) -> Vec<String> {
    named(command, |flag| path.is_empty() || !flag.is_global_set())
}

fn named(command: &Command, is_wanted: impl Fn(&clap::Arg) -> bool) -> Vec<String> {
    let arguments = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && is_wanted(argument));
    let longs = arguments.filter_map(|argument| argument.get_long());
    longs.map(|long| format!("--{long}")).collect()
}

/// Returns the words that begin with two dashes.
fn dashed(text: &str) -> BTreeSet<&str> {
    let is_flag = |character: char| character.is_ascii_lowercase() || character == '-';
    let starts = text.match_indices("--").map(|(place, _)| place);
    starts
        .filter(|place| {
            !text[..*place].ends_with(|before: char| is_flag(before) || before.is_alphanumeric())
        })
        .map(|place| &text[place..])
        .map(|rest| {
            &rest[..rest
                .find(|character| !is_flag(character))
                .unwrap_or(rest.len())]
        })
        .filter(|word| word.len() > 3 && !word.starts_with("---"))
        .collect()
}

/// Returns the name of the page of a command.
fn file_name(path: &[&str]) -> String {
    format!("{}.1", [&["swp-keys"], path].concat().join("-"))
}

/// Returns the text of a page without its escape sequences.
fn plain(page: &str) -> String {
    page.replace(r"\-", "-")
        .replace(r"\fB", " ")
        .replace(r"\fR", "")
        .replace(r"\*(Aq", "'")
}

/// Returns the lines of a section.
fn section<'a>(page: &'a str, title: &str) -> Vec<&'a str> {
    let lines = page
        .lines()
        .skip_while(|line| line.strip_prefix(".SH ") != Some(title));
    lines
        .skip(1)
        .take_while(|line| !line.starts_with(".SH "))
        .collect()
}

/// Returns the terms of a section's list and their texts.
fn entries<'a>(page: &'a str, title: &str) -> Vec<(&'a str, &'a str)> {
    let lines = section(page, title);
    let entries = lines.split(|line| *line == ".TP").skip(1);
    entries.map(|entry| (entry[0].trim(), entry[1])).collect()
}

/// Writes the man pages and returns the one of a command.
fn page_of(path: &[&str]) -> String {
    let home = Home::new();
    home.run(["man", "--out-dir", "man1"]).success();
    plain(&read(home.path(&format!("man1/{}", file_name(path)))))
}

#[test]
fn every_flag_of_every_command_is_in_its_help_and_on_its_page() {
    let tree = swp_keys::command_line();
    let home = Home::new();
    let result = home.run(["man", "--out-dir", "manual/man1"]);
    assert_eq!(result.success(), "");
    contains(&result.stderr, &["swp-keys.1"]);
    let mut pages = BTreeSet::new();
    for (path, command) in commands(&tree, &[]) {
        let help = home.run(path.iter().chain(&["--help"]));
        let help = dashed(help.success())
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<BTreeSet<_>>();
        let name = file_name(&path);
        let page = plain(&read(home.path(&format!("manual/man1/{name}"))));
        for alias in command.get_visible_aliases() {
            let alias = file_name(&[alias]);
            let copy = plain(&read(home.path(&format!("manual/man1/{alias}"))));
            assert_eq!(copy, page, "{alias}");
            pages.insert(alias);
        }
        pages.insert(name);
        for flag in flags(command) {
            assert!(help.contains(&flag), "{path:?}: {flag} is not in the help");
        }
        for flag in flags_on_page(&path, command) {
            assert!(
                dashed(&page).contains(&*flag),
                "{path:?}: {flag} is not on the page"
            );
        }
    }
    let written: BTreeSet<String> = std::fs::read_dir(home.path("manual/man1"))
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert_eq!(written, pages);
}

#[test]
fn the_manual_names_variables_and_never_their_values() {
    let mut home = Home::new();
    home.set("SWP_URL", "https://hunter2.example.com");
    home.set("SWP_USERNAME", "hunter2");
    home.run(["man", "--out-dir", "."]).success();
    let page = read(home.path("swp-keys.1"));
    assert!(page.contains("SWP_URL") && !page.contains("hunter2"));
    home.write("file", "");
    contains(
        home.run(["man", "--out-dir", "file/x"]).failure(2),
        &["`--out-dir`"],
    );
}

#[test]
fn each_page_has_the_sections_of_a_man_page_and_the_global_flags_are_on_one_page() {
    let home = Home::new();
    home.run(["man", "--out-dir", "man1"]).success();
    let tree = swp_keys::command_line();
    let source = concat!("\"swp-keys ", env!("CARGO_PKG_VERSION"), "\"");
    let released = concat!("\n## ", env!("CARGO_PKG_VERSION"), " - ");
    let (_, date) = include_str!("../../../CHANGELOG.md")
        .split_once(released)
        .expect("the heading of this version");
    let date = format!(" 1 {} ", &date[..10]);
    for (path, _) in commands(&tree, &[]) {
        let page = plain(&read(home.path(&format!("man1/{}", file_name(&path)))));
        for title in [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "\"EXIT STATUS\"",
            "\"SEE ALSO\"",
        ] {
            assert!(!section(&page, title).is_empty(), "{path:?}: {title}");
        }
        let footer = page.lines().find(|line| line.starts_with(".TH "));
        contains(footer.expect("a title"), &[&date, source]);
        assert_eq!(page.contains("\n --url"), path.is_empty(), "{path:?}");
        assert!(path.is_empty() || page.contains("The page swp-keys(1) describes them."));
    }
}

#[test]
fn the_exit_status_agrees_with_the_readme() {
    let page = page_of(&[]);
    let listed = entries(&page, "\"EXIT STATUS\"");
    let rows = include_str!("../../../README.md").lines();
    let rows: Vec<Vec<&str>> = rows
        .filter(|line| {
            line.starts_with("| ") && line.as_bytes().get(2).is_some_and(u8::is_ascii_digit)
        })
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    assert_eq!(listed.len(), rows.len());
    for ((code, meaning), row) in listed.into_iter().zip(rows) {
        if code != "128 + N" {
            assert_eq!(code, row[1]);
            assert!(meaning.starts_with(row[2]), "{meaning}: {}", row[2]);
        }
    }
}

#[test]
fn the_examples_are_those_of_the_help() {
    let home = Home::new();
    home.run(["man", "--out-dir", "man1"]).success();
    let tree = swp_keys::command_line();
    for (path, _) in commands(&tree, &[])
        .into_iter()
        .filter(|(path, _)| path.len() < 2)
    {
        let help = home.run(path.iter().chain(&["--help"]));
        let help = help.success();
        let page = plain(&read(home.path(&format!("man1/{}", file_name(&path)))));
        let examples = section(&page, "EXAMPLES");
        assert!(examples.len() > 3, "{path:?}");
        for example in &examples[1..examples.len() - 1] {
            assert!(help.contains(&format!("\n  {example}")), "{example}");
        }
    }
}

#[test]
fn the_environment_has_the_variables_of_the_page_on_configuration() {
    let page = page_of(&[]);
    let listed: BTreeSet<&str> = entries(&page, "ENVIRONMENT")
        .into_iter()
        .flat_map(|(names, _)| names.split(", "))
        .collect();
    let documented: BTreeSet<&str> = include_str!("../../../docs/configuration.md")
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| {
            word.starts_with("SWP_")
                || word.starts_with("XDG_")
                || word.contains("_PROXY")
                || word.contains("_proxy")
                || *word == "NO_COLOR"
        })
        .collect();
    let absent: Vec<_> = documented.difference(&listed).collect();
    assert!(absent.is_empty(), "{absent:?}");
}

#[test]
fn every_command_is_on_a_page_and_the_pages_name_nothing_that_does_not_exist() {
    let tree = swp_keys::command_line();
    let all = commands(&tree, &[]);
    let mut names = BTreeSet::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for (path, command) in &all {
        known.extend(flags(command));
        if let [name] = path[..] {
            names.insert(name);
            names.extend(command.get_visible_aliases());
            let named = std::iter::once(name)
                .chain(command.get_visible_aliases())
                .any(|name| {
                    PAGES.contains(&format!("swp-keys {name}"))
                        || PAGES.contains(&format!("`{name}"))
                });
            assert!(named, "no page names `{name}`");
        }
    }
    for flag in dashed(PAGES) {
        assert!(
            known.contains(flag) || NOT_OURS.contains(&flag),
            "a page names `{flag}`"
        );
    }
    // A match after a slash is the end of a path such as `/etc/swp-keys`.
    let matches = PAGES.match_indices("swp-keys ");
    for (place, _) in matches.filter(|(place, _)| !PAGES[..*place].ends_with('/')) {
        let rest = &PAGES[place + "swp-keys ".len()..];
        let word = rest
            .split(|character: char| !(character.is_ascii_lowercase() || character == '-'))
            .next()
            .unwrap_or_default();
        assert!(
            word.is_empty() || word.starts_with('-') || names.contains(word),
            "a page names `swp-keys {word}`"
        );
    }
}

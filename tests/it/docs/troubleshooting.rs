//! `docs/troubleshooting.md` lists every error code. Every flag on the pages in `docs/` exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const PAGE: &str = include_str!("../../../docs/troubleshooting.md");

type Codes = BTreeMap<String, BTreeSet<u8>>;

/// Returns the rows of the table of error codes: the code, its exit codes, the cause and the next step.
fn rows() -> Vec<[&'static str; 4]> {
    let (_, table) = PAGE
        .split_once("| code | exit | cause | next step |")
        .expect("the table of error codes");
    let rows = table.lines().skip(2).take_while(|line| !line.is_empty());
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        cells.try_into().expect("four cells")
    })
    .collect()
}

#[cfg(unix)]
#[test]
fn every_error_code_is_listed_with_its_exit_codes() {
    let documented: Codes = rows()
        .into_iter()
        .map(|[code, exit, ..]| {
            let exit = exit.split(", ").map(|exit| exit.parse().expect("a number"));
            (code.trim_matches('`').to_owned(), exit.collect())
        })
        .collect();
    let mut real = Codes::new();
    for (code, exit) in swp_keys::error_codes() {
        real.entry(code.to_owned()).or_default().insert(exit);
    }
    assert_eq!(documented, real);
}

#[test]
fn every_error_code_has_a_cause_and_a_next_step() {
    for [code, _, cause, next_step] in rows() {
        assert!(cause.len() > 20 && next_step.len() > 20, "{code}");
    }
}

#[test]
fn every_link_within_the_page_leads_to_a_heading() {
    let headings: Vec<String> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|heading| {
            heading
                .trim_start_matches('#')
                .trim()
                .to_lowercase()
                .replace(' ', "-")
        })
        .collect();
    for link in PAGE.split("](#").skip(1) {
        let (anchor, _) = link.split_once(')').expect("the end of the link");
        assert!(headings.iter().any(|heading| heading == anchor), "{anchor}");
    }
}

fn add_flags(command: &clap::Command, flags: &mut BTreeSet<String>) {
    flags.extend(
        command
            .get_arguments()
            .filter_map(|argument| argument.get_long())
            .map(str::to_owned),
    );
    for subcommand in command.get_subcommands() {
        add_flags(subcommand, flags);
    }
}

#[test]
fn every_flag_that_the_pages_name_exists() {
    // Flags of other programs.
    let mut flags = BTreeSet::from([
        "foreground".to_owned(),
        "version".to_owned(),
        "help".to_owned(),
    ]);
    add_flags(&swp_keys::command_line(), &mut flags);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for name in ["manager-api.md", "transaction.md", "troubleshooting.md"] {
        let page = std::fs::read_to_string(folder.join(name)).expect("a page");
        for (place, _) in page.match_indices("`--").chain(page.match_indices(" --")) {
            let flag: String = page[place + 3..]
                .chars()
                .take_while(|character| character.is_ascii_lowercase() || *character == '-')
                .collect();
            assert!(
                flag.trim_matches('-').is_empty() || flags.contains(&flag),
                "{name} names --{flag}"
            );
        }
    }
}

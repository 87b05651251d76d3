//! README.md: its commands work, its table of exit codes is correct, and it has at most 200 lines.

#[cfg(unix)]
use super::pages::{Case, check_complete, run};

const README: &str = include_str!("../../../README.md");

#[cfg(unix)]
const CASES: &[Case] = &[
    Case {
        heading: "Try it",
        ..Case::READS
    },
    Case {
        heading: "Install",
        ..Case::READS
    },
    Case {
        heading: "Create your first key",
        secrets: &["stdout"],
        ..Case::CREATES
    },
    Case {
        heading: "Use it in a script",
        ..Case::CREATES
    },
    Case {
        heading: "Use it in CI",
        keys: 3,
        secrets: &["dsm.key", "GITHUB_ENV", "vault"],
        prepare: |env| drop(env.sandbox.add_key("reporting", 2)),
        ..Case::READS
    },
    Case {
        heading: "Use it with jq",
        secrets: &["stdout"],
        ..Case::CREATES
    },
    Case {
        heading: "Trust a self-signed certificate",
        ..Case::CREATES
    },
    Case {
        heading: "Manage your keys",
        keys: -1,
        ..Case::READS
    },
];

#[cfg(unix)]
#[test]
fn every_command_of_the_readme_works() {
    check_complete(README, CASES);
    run(README, CASES);
}

#[test]
fn the_table_of_exit_codes_is_correct() {
    let listed: Vec<&str> = README
        .lines()
        .filter(|line| {
            line.starts_with("| ") && line.as_bytes().get(2).is_some_and(u8::is_ascii_digit)
        })
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|codes| codes.split(','))
        .map(str::trim)
        .collect();
    let known = [
        "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "126", "127",
        "129", "130", "131", "138", "140", "142", "143", "152",
    ];
    assert_eq!(listed, known);
}

#[test]
fn the_readme_has_at_most_200_lines() {
    assert!(README.lines().count() <= 200);
}

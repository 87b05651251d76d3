//! Fuzzes the parser of the settings file with any bytes.

use std::path::PathBuf;

use super::{Profile, parser};
use crate::fuzz_support::{SECRET, is_short};
use crate::manager::{Address, Pin};

/// The target of [`crate::fuzzing::config`].
pub(crate) fn config(data: &[u8]) {
    let lines = data.iter().filter(|byte| **byte == b'\n').count() + 1;
    let read = parser::document(PathBuf::from("/c/config.toml"), data);
    for problem in &read.problems {
        let placed = problem.with_location(&read.path);
        is_short(&placed);
        is_short(&problem.hint);
        assert!(
            !placed.contains(SECRET) && !problem.hint.contains(SECRET),
            "{placed}"
        );
        assert!(
            (1..=lines).contains(&problem.line) && problem.column > 0,
            "{placed}"
        );
        assert!(!problem.what.is_empty() && !problem.hint.is_empty());
    }
    let places = read
        .problems
        .iter()
        .map(|problem| (problem.line, problem.column));
    assert!(places.is_sorted(), "sorted by line");
    let selected = read.choose(None);
    assert_eq!(
        selected.is_ok(),
        read.problems.is_empty(),
        "problems are reported"
    );
    if read.problems.is_empty() {
        let mut names = read.names();
        names.sort_unstable();
        assert!(
            names.is_sorted_by(|one, next| one < next),
            "names are unique"
        );
        read.profiles.iter().for_each(has_valid_values);
    }
}

fn has_valid_values(profile: &Profile) {
    for (field, values) in &profile.values {
        assert!(
            values.iter().all(|value| !value.trim().is_empty()),
            "{field}"
        );
        for value in values {
            match *field {
                "url" => assert!(Address::parse(value).is_ok(), "{value}"),
                "tls-pin" => assert!(value.parse::<Pin>().is_ok(), "{value}"),
                "retries" => assert!(value.parse::<u32>().is_ok(), "{value}"),
                "create.role-id" => assert!(value.parse::<i64>().is_ok_and(|id| id > 0), "{value}"),
                "ca-cert" | "password-file" | "api-key-file" => {
                    assert!(std::path::Path::new(value).is_absolute(), "{value}");
                }
                _ => {}
            }
        }
        assert!(*field == "tls-pin" || values.len() == 1, "{field}");
    }
}

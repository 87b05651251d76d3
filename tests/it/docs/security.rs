//! SECURITY.md: every guarantee names tests, and every named test exists.

use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../../SECURITY.md");

/// Returns the rows of the table of guarantees: a guarantee, and the tests that it names.
fn guarantees() -> Vec<(&'static str, Vec<&'static str>)> {
    let (_, after) = PAGE.split_once("| guarantee | tests |").expect("a table");
    after
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with("| "))
        .map(|line| {
            let mut cells = line.trim_matches('|').rsplitn(2, '|');
            let tests = cells.next().unwrap_or_default();
            let names = tests.split('`').skip(1).step_by(2).collect();
            (cells.next().unwrap_or_default().trim(), names)
        })
        .collect()
}

/// Returns the file of a module path below `it`: `a::b` is `a/b.rs` or `a/b/mod.rs`.
fn file_of(modules: &str) -> Option<PathBuf> {
    let below = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let path = below.join(modules.replace("::", "/"));
    [path.with_extension("rs"), path.join("mod.rs")]
        .into_iter()
        .find(|path| path.is_file())
}

fn is_a_test(name: &str) -> bool {
    let Some((modules, function)) = name.rsplit_once("::") else {
        return false;
    };
    let text = file_of(modules).and_then(|path| std::fs::read_to_string(path).ok());
    let text = text.unwrap_or_default();
    let mut lines = text.lines().map(str::trim);
    let mut marked = false;
    lines.any(|line| {
        if line == "#[test]" {
            marked = true;
        }
        let found = marked && line.starts_with(&format!("fn {function}()"));
        marked &= line.starts_with("#[");
        found
    })
}

#[test]
fn every_guarantee_names_an_existing_test() {
    let guarantees = guarantees();
    assert!(guarantees.len() >= 15, "{} guarantees", guarantees.len());
    for (guarantee, names) in guarantees {
        assert!(!names.is_empty(), "no test is named for: {guarantee}");
        for name in names {
            assert!(
                is_a_test(name),
                "`{name}` is not a test; it is named for: {guarantee}"
            );
        }
    }
}

#[test]
fn an_unknown_test_name_is_detected() {
    for name in [
        "trust::verification::no_such_test",
        "no_such_file::localhost_by_name_works",
        "localhost_by_name_works",
        // This is a function, but not a test.
        "trust::verification::showing",
    ] {
        assert!(!is_a_test(name), "{name}");
    }
    assert!(is_a_test("trust::verification::localhost_by_name_works"));
}

//! A panic may happen while a secret is in memory. Its message must therefore not contain values.

use std::path::Path;

use crate::support::files::files;

/// Returns the source files of the client, without its tests and without the simulated manager.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    for path in files(&root) {
        let name = path
            .strip_prefix(&root)
            .expect("a path in it")
            .display()
            .to_string();
        // Assertions of fuzz targets are not part of a released build.
        let of_tests = name.ends_with("_tests.rs")
            || name.ends_with("/tests.rs")
            || name.contains("/tests/")
            || name.ends_with("/two_targets.rs")
            || name.ends_with("/fuzz.rs")
            || name.starts_with("fuzz");
        if name.starts_with("sandbox") || !name.ends_with(".rs") || of_tests {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source file");
        let text = text
            .split("#[cfg(any(test, fuzzing))]\n")
            .next()
            .unwrap_or_default();
        let code = text
            .split("#[cfg(test)]\nmod tests")
            .next()
            .unwrap_or_default();
        sources.push((name, code.to_owned()));
    }
    sources
}

#[test]
fn no_panic_message_contains_a_value() {
    let sources = sources();
    assert!(sources.len() > 30, "the sources are where they were");
    for (name, code) in sources {
        for line in code
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with("//"))
        {
            for macro_name in [
                "panic!(",
                "unreachable!(",
                "assert!(",
                "assert_eq!(",
                "assert_ne!(",
                "todo!(",
                "debug_assert!(",
                "debug_assert_eq!(",
            ] {
                let quotes = line.contains(macro_name)
                    && (line.contains('{')
                        || macro_name.contains("_eq")
                        || macro_name.contains("_ne"));
                assert!(!quotes, "{name}: {line}");
            }
            if let Some((_, message)) = line.split_once(".expect(") {
                assert!(
                    message.starts_with('"') && !message.contains('{'),
                    "{name}: {line}"
                );
            }
        }
    }
}

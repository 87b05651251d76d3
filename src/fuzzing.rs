//! The entry points of the fuzz targets in `fuzz/`. Each entry point passes arbitrary bytes to a function in the `fuzz.rs` next to the parser. That
//! function asserts what the parser guarantees.
//!
//! The tests in this module run every entry point with its seed inputs, complete and truncated at every byte. So inputs that a fuzzer found earlier
//! are tested without a fuzzer.

/// The address of a manager.
pub fn address(data: &[u8]) {
    crate::manager::fuzz::address(data);
}

/// The response to a sign-in: the lines with `Set-Cookie`, an empty line, and the body.
pub fn session(data: &[u8]) {
    crate::manager::fuzz::session(data);
}

/// The results of searches: each line is a page of roles or keys.
pub fn search_answer(data: &[u8]) {
    crate::manager::fuzz::search_answer(data);
}

/// An error response: a line with the secret that was sent, a line with the status, the headers, an empty line, and the body.
pub fn error_body(data: &[u8]) {
    crate::manager::fuzz::error_body(data);
}

/// A certificate from a handshake (DER).
pub fn certificate(data: &[u8]) {
    crate::manager::fuzz::certificate(data);
}

/// The settings file.
pub fn config(data: &[u8]) {
    crate::config::file::fuzz::config(data);
}

/// A dotenv file to which a secret is added. The input is the secret, a line break, and the file.
pub fn dotenv(data: &[u8]) {
    crate::delivery::dotenv::fuzz::dotenv(data);
}

/// The record of an unfinished operation.
pub fn record(data: &[u8]) {
    crate::journal::fuzz::record(data);
}

/// The value of `--expires`, and on a second line the value of `--time-zone`.
pub fn expiry(data: &[u8]) {
    crate::expiry::fuzz::expiry(data);
}

/// The file with the pinned keys (`trusted.toml`).
pub fn trusted(data: &[u8]) {
    crate::trust::fuzz::trusted(data);
}

/// Text from outside this program that is printed to a terminal, as JSON, and for a shell.
pub fn output(data: &[u8]) {
    crate::terminal::output::fuzz::output(data);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    type Target = (&'static str, fn(&[u8]));

    const TARGETS: [Target; 11] = [
        ("address", super::address),
        ("certificate", super::certificate),
        ("config", super::config),
        ("dotenv", super::dotenv),
        ("error_body", super::error_body),
        ("expiry", super::expiry),
        ("output", super::output),
        ("record", super::record),
        ("search_answer", super::search_answer),
        ("session", super::session),
        ("trusted", super::trusted),
    ];

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn every_seed_passes_complete_and_cut_off() {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        if !fuzz.exists() {
            // The published package does not contain the folder.
            return;
        }
        let known: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names(&fuzz.join("seeds")), known);
        let files: Vec<_> = known.iter().map(|name| format!("{name}.rs")).collect();
        assert_eq!(names(&fuzz.join("fuzz_targets")), files);
        for (target, run) in TARGETS {
            let folder = fuzz.join("seeds").join(target);
            let seeds = names(&folder);
            assert!(!seeds.is_empty(), "{target}");
            for seed in seeds {
                let data = fs::read(folder.join(seed)).expect("a seed");
                for end in 0..=data.len() {
                    run(&data[..end]);
                }
            }
        }
    }
}

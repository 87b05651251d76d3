//! What cargo-fuzz calls (`fuzz/`): one function a target, given any bytes. Each holds the promises that a reader of foreign or
//! hand-written text makes, whatever the text; that it does not panic is the least of them.
//!
//! The files beside this one belong to rooms whose readers are private, and are modules of those. The tests here give each function
//! its seeds, whole and cut, so that what fuzzing found once stays found without a fuzzer.

use chrono::{DateTime, Utc};

use crate::expiry::{self, Expiry};
use crate::fuzz_support::LONGEST;
use crate::terminal::output;

/// The address of a manager.
pub fn address(data: &[u8]) {
    crate::manager::fuzz::address(data);
}

/// The headers and the body that answer a sign-in: a `Set-Cookie` a line, an empty line, the body.
pub fn session(data: &[u8]) {
    crate::manager::fuzz::session(data);
}

/// What searches find: a page of roles, or of keys, a line.
pub fn search_answer(data: &[u8]) {
    crate::manager::fuzz::search_answer(data);
}

/// A refusal: a line with the secret that was sent, one with the status, headers, an empty line, the body.
pub fn error_body(data: &[u8]) {
    crate::manager::fuzz::error_body(data);
}

/// A certificate, as a handshake has it (DER).
pub fn certificate(data: &[u8]) {
    crate::manager::fuzz::certificate(data);
}

/// The settings file.
pub fn config(data: &[u8]) {
    crate::config::file::fuzz::config(data);
}

/// A dotenv file that gets a line: the secret, a line break, the file.
pub fn dotenv(data: &[u8]) {
    crate::delivery::dotenv::fuzz::dotenv(data);
}

/// The record of unfinished work.
pub fn record(data: &[u8]) {
    crate::journal::fuzz::record(data);
}

/// `--expires`, and on a line of its own `--time-zone`.
pub fn expiry(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let (text, zone) = match text.split_once('\n') {
        Some((text, zone)) => (text, Some(zone)),
        None => (text, None),
    };
    let now = DateTime::<Utc>::from_timestamp(1_795_000_000, 0).expect("a time of our days");
    let last = "9999-12-31T23:59:59.999Z".parse::<DateTime<Utc>>();
    let last = last.expect("the end of the calendar").timestamp_millis();
    match Expiry::parse(text, zone, now) {
        Ok(Expiry::Never) => assert!(text.eq_ignore_ascii_case("never")),
        Ok(expiry) => {
            // A manager's clock that is further off is not believed.
            for days in [-366, 0, 366] {
                let there = now + chrono::Duration::days(days);
                let ends = expiry
                    .milliseconds(there)
                    .expect("it does not last for ever");
                let begins = if matches!(expiry, Expiry::At(_)) {
                    now
                } else {
                    there
                };
                assert!(ends > begins.timestamp_millis(), "{text:?} is at once");
                assert!(ends <= last, "{text:?} is beyond the calendar");
                let shown = expiry::format_time(ends);
                assert_eq!(shown.len(), "2027-01-31 18:00 UTC".len(), "{shown}");
            }
        }
        Err(refused) => {
            let refused = refused.to_string();
            assert!(zone.is_some() || refused.chars().count() < LONGEST);
            // Digits and letters, as a password has them, look like a duration.
            assert!(zone.is_some() || !refused.contains("hunter"), "{refused}");
        }
    }
}

/// The file of pins.
pub fn trusted(data: &[u8]) {
    crate::trust::fuzz::trusted(data);
}

/// Foreign text on its way to a terminal, to a parser of JSON and to a shell.
pub fn output(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let safe = output::safe(text);
    assert!(!safe.contains(harms_a_terminal), "{safe:?}");
    assert_eq!(output::safe(&safe), safe);
    assert_eq!(safe == text, !text.contains(harms_a_terminal));

    let value = serde_json::json!({ "name": text, text: [text, null] });
    for pretty in [true, false] {
        let json = output::json_text(&value, pretty);
        assert!(
            !json.contains(|one| one != '\n' && harms_a_terminal(one)),
            "{json:?}"
        );
        assert!(pretty || !json.contains('\n'));
        assert_eq!(serde_json::from_str(&json).ok().as_ref(), Some(&value));
    }

    let table = output::table(
        ["NAME", "ID"],
        [[text.to_owned(), "1".to_owned()]].into_iter(),
    );
    assert_eq!(table.matches('\n').count(), 2, "a row is a line: {table:?}");
    assert!(
        !table.contains(|one| one != '\n' && harms_a_terminal(one)),
        "{table:?}"
    );

    if !text.contains('\0') {
        let words = shell_words::split(&output::env_line("KEY", text));
        assert_eq!(words.ok(), Some(vec![format!("KEY={text}")]));
    }
}

/// As the Unicode Character Database has them: controls, separators of lines, and of the format characters those that hide or turn
/// what is around them. Written by another hand than `output`'s.
fn harms_a_terminal(character: char) -> bool {
    let code = u32::from(character);
    code < 0x20
        || (0x7f..0xa0).contains(&code)
        || [0xad, 0x061c, 0x180e, 0x2028, 0x2029, 0x3164, 0xfeff, 0xffa0].contains(&code)
        || [
            0x115f..=0x1160,
            0x17b4..=0x17b5,
            0x200b..=0x200f,
            0x202a..=0x202e,
            0x2060..=0x206f,
            0xfff0..=0xfffb,
            0x1bca0..=0x1bca3,
            0x1d173..=0x1d17a,
            0xe0000..=0xe0fff,
        ]
        .iter()
        .any(|range| range.contains(&code))
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
    fn every_seed_holds_whole_and_cut_anywhere() {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        if !fuzz.exists() {
            // A package does not have it.
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

//! What cargo-fuzz calls (`fuzz/`): one function a target, given any bytes. Each holds the promises that a reader of foreign or
//! hand-written text makes, whatever the text; that it does not panic is the least of them.
//!
//! The files beside this one belong to rooms whose readers are private, and are modules of those. The tests here give each function
//! its seeds, whole and cut, so that what fuzzing found once stays found without a fuzzer.

use chrono::{DateTime, Utc};
use url::{Host, Url};

use crate::expiry::{self, Expiry};
use crate::manager::Address;
use crate::terminal::output;
use crate::trust::pin_store::PinStore;

/// A secret that texts are known to hold, and that no message may.
pub(crate) const SECRET: &str = "hunter2";
/// As long as a message may be, in characters: some twelve lines of a terminal.
pub(crate) const LONGEST: usize = 1000;

/// The address of a manager.
///
/// # Panics
/// Where a promise is broken, as all of these do.
pub fn address(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    for text in [
        format!("https://admin:{SECRET}@{text}"),
        format!("{SECRET}@{text}"),
    ] {
        let refused = Address::parse(&text).expect_err("a password is no part of an address");
        assert!(!refused.contains(SECRET), "{refused}");
    }
    match Address::parse(text) {
        Ok(address) => is_an_address(text.trim(), &address),
        Err(refused) => is_short(&refused),
    }
}

fn is_an_address(text: &str, address: &Address) {
    let shown = address.to_string();
    assert!(shown.bytes().all(|byte| byte.is_ascii_graphic()), "{shown}");
    assert!(!text.contains(char::is_control), "{text:?} is {shown}");
    assert_eq!(Address::parse(&shown).as_ref(), Ok(address));
    let url = Url::parse(&shown).expect("an address is a URL");
    let host = url.host().expect("an address has a host");
    let loopback = match &host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.octets()[0] == 127,
        Host::Ipv6(address) => address.segments() == [0, 0, 0, 0, 0, 0, 0, 1],
    };
    assert_eq!(address.is_loopback(), loopback, "{shown}");
    assert_eq!(address.is_encrypted(), url.scheme() == "https");
    assert!(address.is_encrypted() || loopback, "{shown}");
    assert!(url.username().is_empty() && url.password().is_none());
    assert!(url.query().is_none() && url.fragment().is_none());
    let port = url.port_or_known_default().expect("https has a port");
    // A host with a dot at its end is the same host.
    let host = host.to_string();
    let known = host.strip_suffix('.').unwrap_or(&host);
    assert_eq!(address.host_and_port(), format!("{known}:{port}"));
    let bare = !text.contains("://");
    let named = text.split(':').skip(1).any(|rest| {
        let digits = rest.split(|other: char| !other.is_ascii_digit()).next();
        digits.is_some_and(|digits| digits.parse() == Ok(port))
    });
    // An IPv6 address is full of what looks like ports.
    assert!(
        !bare || port == 4119 || named,
        "{text:?} names no port, and is {shown}"
    );
    if let (true, Ok(read)) = (bare, Url::parse(&format!("https://{text}"))) {
        assert!(
            read.port().is_none_or(|named| named == port),
            "{text:?} is {shown}"
        );
    }
    let scheme = text.split(':').next().unwrap_or_default().to_lowercase();
    let misspelt = text.contains(':') && ["http", "https"].contains(&scheme.as_str());
    assert!(!bare || !misspelt, "{text:?} is {shown}");
    let joined = address.join("/api/roles/search");
    assert_eq!(joined.origin(), url.origin());
    assert!(joined.path().ends_with("/api/roles/search"), "{joined}");
    assert!(joined.as_str().starts_with(&shown), "{joined}");
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
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    match PinStore::parse(text) {
        Ok(trusted) => {
            let written = toml::to_string(&trusted).expect("what was read can be written");
            assert_eq!(PinStore::parse(&written).as_ref(), Ok(&trusted));
            let kept = trusted.managers.values();
            assert!(kept.into_iter().all(|kept| !kept.pins.is_empty()));
        }
        Err(refused) => places_without_values(text, &refused),
    }
}

/// What is wrong with a file, and on which line of it; nothing of the file is repeated.
pub(crate) fn places_without_values(text: &str, refused: &str) {
    is_short(refused);
    let line = refused
        .strip_prefix("line ")
        .and_then(|rest| rest.split_once(": "));
    let (line, said) = line.expect("the line is told");
    let line: usize = line.parse().expect("a number");
    assert!(
        (1..=text.matches('\n').count() + 1).contains(&line),
        "{refused}"
    );
    assert!(!said.is_empty());
    assert!(!refused.contains(SECRET), "{refused}");
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

/// What is said fits on a screen.
pub(crate) fn is_short(said: &str) {
    assert!(said.chars().count() < LONGEST, "{said}");
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

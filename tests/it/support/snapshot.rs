//! The wording of messages and pages is in files below `tests/it/snapshots/`, and nowhere else in the tests.
//!
//! A test compares a text with its file. With `UPDATE_SNAPSHOTS=1` it writes the file instead, and `git diff` shows the changes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::Regex;

/// Compares `text` with the next entry in the file of the running test. A test may call this several times, in a fixed order.
#[track_caller]
pub(crate) fn snapshot(text: &str) {
    static ENTRIES: LazyLock<Mutex<HashMap<String, Vec<String>>>> = LazyLock::new(Mutex::default);
    let thread = std::thread::current();
    let test = thread
        .name()
        .expect("a test runs in a thread with its name");
    let mut all = ENTRIES.lock().unwrap_or_else(PoisonError::into_inner);
    let entries = all.entry(test.to_owned()).or_default();
    entries.push(normalized(text));
    let entries = entries.clone();
    drop(all);
    let name = format!("messages/{}", test.replace("::", "/"));
    let nth = entries.len() - 1;
    if is_update() {
        write(&name, &entries.join(SEPARATOR));
        return;
    }
    let stored = read(&name);
    let expected = stored.split(SEPARATOR).nth(nth).unwrap_or_default();
    assert_eq!(
        entries[nth],
        expected,
        "entry {nth} of {}{HELP}",
        file(&name).display()
    );
}

/// Compares `text` with the snapshot file `name`.
#[track_caller]
pub(crate) fn snapshot_file(name: &str, text: &str) {
    let text = normalized(text);
    if is_update() {
        write(name, &text);
        return;
    }
    assert_eq!(text, read(name), "{}{HELP}", file(name).display());
}

const SEPARATOR: &str = "----\n";
const HELP: &str = " differs; UPDATE_SNAPSHOTS=1 rewrites it";

fn is_update() -> bool {
    std::env::var_os("UPDATE_SNAPSHOTS").is_some()
}

fn file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots");
    folder.join(name.to_owned() + ".txt")
}

fn read(name: &str) -> String {
    let text = std::fs::read_to_string(file(name)).unwrap_or_default();
    text.replace("\r\n", "\n")
}

fn write(name: &str, text: &str) {
    let file = file(name);
    let folder = file.parent().expect("a file is in a folder");
    std::fs::create_dir_all(folder).expect("the folder of the snapshots");
    std::fs::write(&file, text).expect("a snapshot");
}

/// Joins the lines into which the program has wrapped a message for a terminal. Their breaks depend on the length of names such as paths.
pub(crate) fn unwrapped(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut is_message = false;
    for line in text.split_inclusive('\n') {
        let continued = line
            .strip_prefix("    ")
            .filter(|rest| is_message && !rest.starts_with(' '));
        if let Some(rest) = continued {
            joined.truncate(joined.trim_end().len());
            joined.push(' ');
            joined.push_str(rest);
            continue;
        }
        let levels = ["error: ", "hint: ", "note: ", "warning: "];
        is_message = levels.iter().any(|level| line.starts_with(level));
        joined.push_str(line);
    }
    joined
}

/// Returns the text without the parts that differ between runs, and with a final line break.
fn normalized(text: &str) -> String {
    static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        [
            (r"(?:/private)?/(?:tmp|var/folders)/[\w./]*\.tmp\w+", "HOME"),
            (
                r"(127\.0\.0\.1|localhost|\[::1\]):[1-9]\d{3,4}\b",
                "$1:PORT",
            ),
            (r"\b[0-9]+:[A-Za-z0-9+/]{43}=", "SECRET"),
            (r"\b[0-9a-f]{64}\b", "SHA256"),
            (r"\b(?:[0-9A-F]{2}:){31}[0-9A-F]{2}\b", "SHA256"),
            (r"\b(?:[0-9A-F]{2}:){16}", "SHA256:"),
            (r"\b(?:[0-9A-F]{2}:){15}[0-9A-F]{2}\b", "SHA256"),
            (r"\b20[2-4]\d-\d\d-\d\d \d\d:\d\d(:\d\d)?", "TIME"),
            (r"\b20[2-4]\d-\d\d-\d\dT[\d:.]+Z?", "TIME"),
            (r"\b20[2-4]\d-\d\d-\d\d\b", "DATE"),
            (r"\b20[2-4]\d{5}[-T]?\d{6}Z?\b", "TIME"),
            (r"\bin \d+(\.\d+)? ?(s|ms)\b", "in SECONDS"),
            (r"\bin \d+ (?:minutes|hours|days)\b", "in SPAN"),
            (r"\b\d+(?:days?|h)(?: \d+[hms])*\b", "HOURS"),
            (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
            (r"\b[0-9a-f]{8}\b", "ID8"),
        ]
        .map(|(pattern, name)| (Regex::new(pattern).expect("a pattern"), name))
        .into()
    });
    // A terminal ends lines with a carriage return and a line feed.
    let mut text = unwrapped(&text.replace('\r', "")).trim_end().to_owned() + "\n";
    for (pattern, name) in PATTERNS.iter() {
        text = pattern.replace_all(&text, *name).into_owned();
    }
    text
}

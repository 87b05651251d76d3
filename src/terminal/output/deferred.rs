//! Lines for stderr that wait for another one: the line that masks a secret in a log has to come before every other.

use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};

static HELD: Mutex<Option<Vec<String>>> = Mutex::new(None);

/// From now on, lines are held.
pub(crate) fn begin() {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    held.get_or_insert_default();
}

/// Holds a line, if lines are held now.
pub(crate) fn hold(line: &str) -> bool {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(lines) = held.as_mut() else {
        return false;
    };
    lines.push(line.to_owned());
    true
}

/// Writes what is held, and holds no more.
pub(crate) fn end() {
    let held = HELD.lock().unwrap_or_else(PoisonError::into_inner).take();
    for line in held.unwrap_or_default() {
        write(&line);
    }
}

/// Writes a line.
pub(crate) fn write(line: &str) {
    // If stderr is gone, there is no place to report it.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

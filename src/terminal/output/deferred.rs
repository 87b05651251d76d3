//! Lines for stderr that are held back, because the line that tells a CI runner to mask a secret must come first.

use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};

static DEFERRED: Mutex<Option<Vec<String>>> = Mutex::new(None);

/// Starts holding back lines.
pub(crate) fn begin() {
    let mut deferred = DEFERRED.lock().unwrap_or_else(PoisonError::into_inner);
    deferred.get_or_insert_default();
}

/// Holds back a line. Returns false if lines are not being held back at the moment.
pub(crate) fn hold(line: &str) -> bool {
    let mut deferred = DEFERRED.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(lines) = deferred.as_mut() else {
        return false;
    };
    lines.push(line.to_owned());
    true
}

/// Writes the lines that were held back, and stops holding back lines.
pub(crate) fn end() {
    let deferred = DEFERRED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    for line in deferred.unwrap_or_default() {
        write(&line);
    }
}

/// Writes a line to stderr.
pub(crate) fn write(line: &str) {
    // If stderr is closed, the failure cannot be reported.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

//! Defers lines for stderr, so that the line that masks a secret in the log of a CI runner is written first.

use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};

use crate::terminal::status_line;

static DEFERRED: Mutex<Option<Vec<String>>> = Mutex::new(None);

/// Starts deferring lines.
pub(crate) fn begin() {
    let mut deferred = DEFERRED.lock().unwrap_or_else(PoisonError::into_inner);
    deferred.get_or_insert_default();
}

/// Defers a line, and returns true. If no lines are being deferred, returns false, and the caller must write the line.
pub(crate) fn hold(line: &str) -> bool {
    let mut deferred = DEFERRED.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(lines) = deferred.as_mut() else {
        return false;
    };
    lines.push(line.to_owned());
    true
}

/// Writes the deferred lines, and stops deferring lines.
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
    // A failure is ignored, because it could only be reported on stderr.
    let _ = status_line::write_above(|| writeln!(io::stderr().lock(), "{line}"));
}

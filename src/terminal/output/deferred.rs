//! Defers lines for stderr. In a CI job, a special line tells the CI runner to mask a secret in its log. All other lines wait until this
//! line has been written.

use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};

use crate::terminal::status_line;

static DEFERRED: Mutex<Option<Vec<String>>> = Mutex::new(None);

/// Starts deferring lines.
pub(crate) fn begin() {
    let mut deferred = DEFERRED.lock().unwrap_or_else(PoisonError::into_inner);
    deferred.get_or_insert_default();
}

/// If lines are being deferred, stores this line for later and returns true. If not, returns false, and the caller must write the line
/// itself.
pub(crate) fn hold(line: &str) -> bool {
    let mut deferred = DEFERRED.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(lines) = deferred.as_mut() else {
        return false;
    };
    lines.push(line.to_owned());
    true
}

/// Writes the deferred lines to stderr. Later lines are no longer deferred.
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
    // An error is ignored, because its message would have to be written to stderr too.
    let _ = status_line::write_above(|| writeln!(io::stderr().lock(), "{line}"));
}

//! Finds the cause of a failure in the chain of errors from the HTTP library.

use std::error::Error;
use std::io;

use super::error_text::LIMIT;
use crate::text::shorten;

/// Returns the first error of type `T` in the chain. An error inside an `io::Error` is also checked, although `io::Error::source` skips it.
pub(crate) fn find<T: Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    let mut next = error.source();
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<T>() {
            return Some(found);
        }
        next = match current
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => match inner.downcast_ref::<T>() {
                Some(found) => return Some(found),
                None => Some(inner),
            },
            None => current.source(),
        };
    }
    None
}

/// Returns the kind of the innermost `io::Error`. An `io::Error` of the kind `Other` is skipped, because it only wraps a different error.
pub(crate) fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    let mut kind = None;
    let mut next = error.source();
    while let Some(current) = next {
        let io = current.downcast_ref::<io::Error>();
        kind = io
            .map(io::Error::kind)
            .filter(|kind| *kind != io::ErrorKind::Other)
            .or(kind);
        next = match io.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => current.source(),
        };
    }
    kind
}

/// Returns the message of the innermost error. The messages of the outer errors only state that a request failed.
pub(crate) fn innermost(error: &dyn Error) -> String {
    let mut current = error;
    while let Some(source) = current.source() {
        current = source;
    }
    let reason = current.to_string();
    // rustls appends the address of a documentation page to some messages, so the text from `: http` on is removed.
    shorten(reason.split(": http").next().unwrap_or(&reason), LIMIT).into_owned()
}

/// Returns the reason why the tunnel through a proxy failed. `None` for all other errors. The HTTP library's type for this error is private, so this
/// function parses the message.
pub(crate) fn tunnel_problem(error: &dyn Error) -> Option<String> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(problem) = current.to_string().strip_prefix("tunnel error: ") {
            return Some(problem.to_owned());
        }
        next = current.source();
    }
    None
}

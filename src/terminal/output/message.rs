//! Formats the lines on stderr. A line is plain text, or one JSON object if the output is JSON.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::deferred;
use super::escape::{json_text, safe};
use super::format::Format;
use super::wrap::{filled, terminal_width};
use crate::text::shorten;

/// The maximum length of a line on stderr, in characters. A longer line is cut, because a line may contain a name from the manager, and
/// such a name may have any length.
pub(crate) const MAX_LINE: usize = 4000;

/// True if the lines on stderr are JSON objects. This is a static variable, because the log and the panic hook have no access to the output
/// settings.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// The kind of a line on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Error,
    Hint,
    Warning,
    Note,
    Info,
    Debug,
}

impl Level {
    /// Returns the label at the beginning of a text line. In a JSON line, it is the value of `level`.
    fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Hint => "hint",
            Self::Warning => "warning",
            Self::Note => "note",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }

    /// Returns the colour of the label on a terminal, as the number in an SGR escape sequence.
    fn color(self) -> &'static str {
        match self {
            Self::Error => "31",
            Self::Warning => "33",
            Self::Hint | Self::Note | Self::Info | Self::Debug => "36",
        }
    }
}

/// Selects the format of stderr. If stdout is JSON, each line on stderr is a JSON object, so that a program can parse stderr. If stdout is not
/// JSON, stderr is plain text.
pub(super) fn use_format(format: Format) {
    IS_JSON.store(format.is_json(), Ordering::Relaxed);
}

/// Returns true if each line on stderr must be a JSON object.
pub(super) fn is_json() -> bool {
    IS_JSON.load(Ordering::Relaxed)
}

/// Writes a message to stderr. The message is one line, unless stderr is a terminal that is not wide enough.
pub(super) fn write(level: Level, message: &str, colored: bool) {
    let message = shorten(message, MAX_LINE);
    let label = level.word();
    write_line(&if is_json() {
        json_text(&json!({"level": label, "message": message}), false)
    } else {
        let mut line = format!("{label}: {}", safe(&message));
        if let Some(width) = terminal_width(std::io::stderr()) {
            line = filled(&line, width);
        }
        if colored {
            let color = level.color();
            let after = &line[label.len() + 1..];
            line = format!("\x1b[1;{color}m{label}:\x1b[0m{after}");
        }
        line
    });
}

/// Writes a line to stderr unchanged. If lines are being deferred, stores it for later instead.
pub(super) fn write_line(line: &str) {
    if !deferred::hold(line) {
        deferred::write(line);
    }
}

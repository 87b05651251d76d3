//! What this program says while it works, on stderr. Libraries are not listened to: what they log is theirs to choose, and may hold
//! anything.

use log::{Level, LevelFilter, Log, Metadata, Record};

use super::output::{LONGEST_LINE, Output, safe};
use crate::text::shorten;

struct Lines;

/// By default, only what makes the user wait; at `-v` what is done; at `-vv` each request as well.
pub(crate) fn start(verbose: u8, quiet: bool) {
    let level = match verbose {
        0 if quiet => return,
        0 => LevelFilter::Warn,
        1 => LevelFilter::Info,
        _ => LevelFilter::Debug,
    };
    if log::set_logger(&Lines).is_ok() {
        log::set_max_level(level);
    }
}

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("swp_keys")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let label = match record.level() {
            Level::Error | Level::Warn => "note",
            Level::Info => "info",
            Level::Debug | Level::Trace => "debug",
        };
        Output::raw_line(&format!(
            "{label}: {}",
            safe(&shorten(&record.args().to_string(), LONGEST_LINE))
        ));
    }

    fn flush(&self) {}
}

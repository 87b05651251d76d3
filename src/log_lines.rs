//! `-v` and `-vv`: what this program says while it works, on stderr. Libraries are not listened to: what they log is theirs to
//! choose, and may hold anything.

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::output::{Output, safe};

struct Lines;

/// Once: notes on what is done; twice: each request as well. Not at all: nothing is logged.
pub(crate) fn start(verbose: u8) {
    let level = match verbose {
        0 => return,
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
        if self.enabled(record.metadata()) {
            let label = if record.level() == Level::Debug {
                "debug"
            } else {
                "info"
            };
            Output::raw_line(&format!("{label}: {}", safe(&record.args().to_string())));
        }
    }

    fn flush(&self) {}
}

//! Writes the log to stderr. Log messages of libraries are omitted, because they may contain secrets.

use log::{LevelFilter, Log, Metadata, Record};

use super::output::{Level, Output};

struct StderrLog;

/// Starts the log. By default, the log contains only messages about what the run is waiting for. `-v` adds the steps of the run, and `-vv`
/// adds every request.
pub(crate) fn start(verbose: u8, quiet: bool) {
    let level = match verbose {
        0 if quiet => return,
        0 => LevelFilter::Warn,
        1 => LevelFilter::Info,
        _ => LevelFilter::Debug,
    };
    if log::set_logger(&StderrLog).is_ok() {
        log::set_max_level(level);
    }
}

impl Log for StderrLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("swp_keys")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let level = match record.level() {
            log::Level::Error | log::Level::Warn => Level::Note,
            log::Level::Info => Level::Info,
            log::Level::Debug | log::Level::Trace => Level::Debug,
        };
        Output::plain_line(level, &record.args().to_string());
    }

    fn flush(&self) {}
}

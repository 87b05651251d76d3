//! The terminal: output, prompts, progress, the log, error reports and the panic hook.

pub(crate) mod logging;
pub(crate) mod output;
pub(crate) mod panic;
pub(crate) mod progress;
pub(crate) mod prompt;
pub(crate) mod report;
pub(crate) mod status_line;

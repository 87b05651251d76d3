//! What a user sees and types: output, prompts, logs, error reports.

pub(crate) mod logging;
pub(crate) mod output;
pub(crate) mod panic;
pub(crate) mod prompt;
pub(crate) mod report;

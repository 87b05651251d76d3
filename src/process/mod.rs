//! Manages this process and its child processes: signals, resource limits, hardening and external commands.

pub(crate) mod child;
pub(crate) mod concurrency;
pub(crate) mod descriptors;
pub(crate) mod external_command;
pub(crate) mod file_size_limit;
pub(crate) mod hardening;
pub(crate) mod pending;
pub(crate) mod process_group;
pub(crate) mod signals;

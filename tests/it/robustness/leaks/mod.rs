//! Secrets appear only where they were requested.

mod arguments;
mod checks;
mod children;
mod commands;
mod echoes;
mod input_files;
mod panics;
